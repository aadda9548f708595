//! Targets: what was demanded, what was measured, and where it is missed, what bounds it.

use super::Figures;
use super::table::{duration, head, row};

/// One demand with the measurement that answers it.
pub(super) struct Target {
    pub(super) what: &'static str,
    pub(super) demand: String,
    pub(super) measured: String,
    pub(super) reached: bool,
    /// Said where the target is missed.
    pub(super) bound: &'static str,
}

impl Target {
    /// In every case `ours` takes at most so many times the time of `reference`.
    pub(super) fn at_most(
        what: &'static str,
        times: f64,
        figures: &Figures,
        cases: &[String],
        (ours, reference): (&str, &str),
        bound: &'static str,
    ) -> Self {
        let demand = format!("≤ {times} × {reference}");
        let ratios = ratios(cases, |case| {
            Some(figures.median(case, ours)? / figures.median(case, reference)?)
        });
        let reached = ratios.last().is_some_and(|(worst, _)| *worst <= times);
        Self { what, demand, measured: range(&ratios), reached, bound }
    }

    /// In every case the fastest of `peers` takes at least so many times the time of `ours`.
    pub(super) fn at_least(
        what: &'static str,
        times: f64,
        figures: &Figures,
        cases: &[String],
        (ours, peers): (&str, &[&str]),
        bound: &'static str,
    ) -> Self {
        let demand = match peers {
            [peer] => format!("≥ {times} × as fast as {peer}"),
            [one, other] => format!("≥ {times} × as fast as {one} and {other}"),
            _ => format!("≥ {times} × as fast as the fastest peer"),
        };
        let ratios = ratios(cases, |case| {
            let fastest = peers
                .iter()
                .filter_map(|peer| figures.median(case, peer))
                .min_by(f64::total_cmp)?;
            Some(fastest / figures.median(case, ours)?)
        });
        let reached = ratios.first().is_some_and(|(worst, _)| *worst >= times);
        Self { what, demand, measured: range(&ratios), reached, bound }
    }
}

impl Target {
    /// In every case `ours` takes no longer than this, whatever the machine.
    pub(super) fn within(
        what: &'static str,
        nanoseconds: f64,
        figures: &Figures,
        cases: &[&str],
        ours: &str,
        bound: &'static str,
    ) -> Self {
        let mut times: Vec<f64> =
            cases.iter().filter_map(|case| figures.median(case, ours)).collect();
        times.sort_by(f64::total_cmp);
        let measured = match times[..] {
            [] => "not measured".to_owned(),
            [time] => duration(time),
            [least, .., most] => format!("{} to {}", duration(least), duration(most)),
        };
        let reached = times.last().is_some_and(|most| *most <= nanoseconds);
        Self { what, demand: format!("≤ {}", duration(nanoseconds)), measured, reached, bound }
    }
}

/// The ratio of each case that has one, in ascending order.
fn ratios(cases: &[String], ratio: impl Fn(&str) -> Option<f64>) -> Vec<(f64, &str)> {
    let mut ratios: Vec<(f64, &str)> =
        cases.iter().filter_map(|case| Some((ratio(case)?, case.as_str()))).collect();
    ratios.sort_by(|(first, _), (second, _)| first.total_cmp(second));
    ratios
}

fn range(ratios: &[(f64, &str)]) -> String {
    match ratios {
        [] => "not measured".to_owned(),
        [(ratio, _)] => format!("{ratio:.2}"),
        [(least, at_least), .., (most, at_most)] => {
            format!("{least:.2} ({at_least}) to {most:.2} ({at_most})")
        }
    }
}

/// The table of targets, with the reasons of those that are missed.
pub(super) fn table(targets: &[Target]) -> String {
    let mut table = head("what", ["target", "measured", ""].into_iter());
    for target in targets {
        let verdict = if target.reached { "reached" } else { "**missed**" };
        let cells = [target.demand.clone(), target.measured.clone(), verdict.to_owned()];
        row(&mut table, target.what, cells.into_iter());
    }
    let missed: Vec<&Target> = targets.iter().filter(|target| !target.reached).collect();
    for together in missed.chunk_by(|one, next| one.bound == next.bound) {
        let mut demands = String::new();
        for same in together.chunk_by(|one, next| one.what == next.what) {
            let of_it: Vec<&str> = same.iter().map(|target| target.demand.as_str()).collect();
            demands += &format!("{}: {}. ", same[0].what, of_it.join("; "));
        }
        table += &format!("\n- Missed: {demands}*{}*", together[0].bound);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_reached_at_its_limit_and_in_every_case() {
        let figures = Figures::of(&[
            ("a", "ours", 100.0),
            ("a", "one", 400.0),
            ("a", "two", 500.0),
            ("b", "ours", 100.0),
            ("b", "two", 300.0),
        ]);
        let cases = ["a".to_owned(), "b".to_owned()];
        let peers = ("ours", ["one", "two"].as_slice());
        let at_least = |times, cases| Target::at_least("", times, &figures, cases, peers, "");
        assert!(at_least(4.0, &cases[..1]).reached);
        assert!(!at_least(4.1, &cases[..1]).reached);
        assert!(at_least(3.0, &cases).reached);
        assert!(!at_least(4.0, &cases).reached, "b has only 3");
        assert_eq!(at_least(3.0, &cases).measured, "3.00 (b) to 4.00 (a)");

        let at_most =
            |times| Target::at_most("", times, &figures, &cases, ("two", "ours"), "").reached;
        assert!(at_most(5.0));
        assert!(!at_most(4.9), "a takes 5");
        assert!(!Target::at_most("", 1.0, &figures, &cases, ("ours", "nobody"), "").reached);
    }
}
