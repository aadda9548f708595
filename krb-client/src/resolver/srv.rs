//! The order in which the targets of an SRV name are tried (RFC 2782), and those of a URI name, too
//! (RFC 7553 section 4.2).

use std::ops::RangeInclusive;

/// No more targets are used: a domain with more has more than anybody waits for.
const MAX_TARGETS: usize = 256;

/// A target with its place.
#[derive(Clone)]
pub(super) struct Weighted<T> {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) target: T,
}

/// Targets in the order to try them in: the lowest priority first, those of one priority drawn by
/// their weights.
pub(super) fn in_order<T>(
    mut services: Vec<Weighted<T>>,
    mut random: impl FnMut(RangeInclusive<u32>) -> u32,
) -> Vec<T> {
    // What the record says of order is no order: where no weight tells, all begin as often.
    for left in (1..services.len()).rev() {
        let at = random(0..=u32::try_from(left).unwrap_or(u32::MAX)) as usize;
        services.swap(left, at);
    }
    // "To select a target […], arrange all SRV RRs (that have not been ordered yet) in any order,
    // except that all those with weight 0 are placed at the beginning of the list."
    services.sort_by_key(|service| (service.priority, service.weight != 0));
    let mut targets = Vec::new();
    while let Some(first) = services.first()
        && targets.len() < MAX_TARGETS
    {
        let priority = first.priority;
        let weights = || {
            let of_priority = services.iter().take_while(|service| service.priority == priority);
            of_priority.scan(0, |sum, service| {
                *sum += u32::from(service.weight);
                Some(*sum)
            })
        };
        let drawn = random(0..=weights().last().unwrap_or(0));
        let at = weights().position(|sum| sum >= drawn).unwrap_or(0);
        targets.push(services.remove(at).target);
    }
    targets
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    type Service = Weighted<String>;

    fn service(priority: u16, weight: u16, host: &str) -> Service {
        Weighted { priority, weight, target: host.into() }
    }

    fn names(services: &[Service]) -> Vec<String> {
        in_order(services.to_vec(), rand::random_range::<u32, _>)
    }

    /// How often each comes first, in thousandths.
    fn first(services: &[Service]) -> HashMap<String, u32> {
        let mut counts = HashMap::new();
        for _ in 0..20_000 {
            *counts.entry(names(services).swap_remove(0)).or_insert(0) += 1;
        }
        counts.into_iter().map(|(host, count)| (host, count / 20)).collect()
    }

    #[test]
    fn those_of_one_priority_are_drawn_by_weight() {
        let services =
            [service(0, 10, "a"), service(0, 20, "b"), service(0, 70, "c"), service(1, 1000, "d")];
        let counts = first(&services);
        // Five standard deviations of 20,000 draws are less than 17 thousandths.
        for (host, expected) in [("a", 100), ("b", 200), ("c", 700)] {
            assert!(counts[host].abs_diff(expected) < 20, "{counts:?}");
        }
        assert_eq!(counts.len(), 3, "d has another priority: {counts:?}");
        let mut all = names(&services);
        assert_eq!(all.pop().unwrap(), "d", "the last one, whatever its weight");
        all.sort();
        assert_eq!(all, ["a", "b", "c"], "each once");
    }

    #[test]
    fn without_weights_every_order_is_as_likely_to_begin() {
        // 100 is what Active Directory gives each of its DCs.
        for weight in [100, 0] {
            let counts = first(&["a", "b", "c"].map(|host| service(0, weight, host)));
            assert_eq!(counts.len(), 3);
            assert!(counts.values().all(|count| count.abs_diff(333) < 25), "{counts:?}");
        }
    }

    #[test]
    fn a_weight_of_nothing_has_a_small_chance() {
        let counts = first(&[service(0, 9, "a"), service(0, 0, "b")]);
        assert!(counts["b"].abs_diff(100) < 20, "one of the ten numbers 0 to 9: {counts:?}");
    }

    #[test]
    fn a_message_full_of_records_is_ordered_and_cut() {
        let services = vec![service(0, u16::MAX, "a"); 3_500];
        assert_eq!(names(&services).len(), MAX_TARGETS);
        for count in [60, 61, MAX_TARGETS] {
            assert_eq!(names(&services[..count]).len(), count);
        }
    }
}
