use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use krb_client::Moment;

use crate::sha256::sha256;

/// A token's SHA-256: all of it, so that no two tokens are ever taken for one another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }
}

/// How much is kept.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

const MAX_SPARED: usize = 16;

/// What is known of tokens, each for a time by whichever clock says more, within limits. What was not
/// asked for goes first, and each that comes looks for two that have had their time.
pub(super) struct Kept<V> {
    entries: HashMap<Fingerprint, Entry<V>>,
    /// All of them once each, in the order in which they are looked at.
    order: VecDeque<Fingerprint>,
    bytes: usize,
    limits: Limits,
}

struct Entry<V> {
    value: V,
    bytes: usize,
    since: Moment,
    /// From then.
    time: Duration,
    asked_for: bool,
}

impl<V> Entry<V> {
    fn is_good(&self, now: Moment) -> bool {
        now.is_within(self.time, self.since)
    }
}

impl<V: Clone> Kept<V> {
    pub(super) fn new(limits: Limits) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), bytes: 0, limits }
    }

    /// What is known, if it is known still.
    pub(super) fn get(&mut self, token: &Fingerprint, now: Moment) -> Option<V> {
        let entry = self.entries.get_mut(token).filter(|entry| entry.is_good(now))?;
        entry.asked_for = true;
        Some(entry.value.clone())
    }

    /// Keeps what takes so many bytes for a time, unless that is none. What was known of the token is
    /// forgotten.
    pub(super) fn put(
        &mut self,
        token: Fingerprint,
        value: V,
        bytes: usize,
        time: Duration,
        now: Moment,
    ) {
        if time.is_zero() || bytes > self.limits.bytes {
            return;
        }
        let entry = Entry { value, bytes, since: now, time, asked_for: true };
        match self.entries.insert(token, entry) {
            Some(old) => self.bytes -= old.bytes,
            None => self.order.push_back(token),
        }
        self.bytes += bytes;
        for _ in 0..2 {
            self.look_at_the_next(|entry| entry.is_good(now));
        }
        // What was asked for since it was last looked at stays, but only this once, and not more of
        // them in a row than can be looked at in no time.
        let mut spared = 0;
        while self.entries.len() > self.limits.entries || self.bytes > self.limits.bytes {
            self.look_at_the_next(|entry| {
                let asked_for = std::mem::take(&mut entry.asked_for) && entry.is_good(now);
                spared = if asked_for { spared + 1 } else { 0 };
                asked_for && spared < MAX_SPARED
            });
        }
    }

    fn look_at_the_next(&mut self, stays: impl FnOnce(&mut Entry<V>) -> bool) {
        let Some(token) = self.order.pop_front() else { return };
        if self.entries.get_mut(&token).is_some_and(stays) {
            self.order.push_back(token);
        } else if let Some(entry) = self.entries.remove(&token) {
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClock;

    fn kept(entries: usize, bytes: usize) -> Kept<usize> {
        Kept::new(Limits { entries, bytes })
    }

    fn at(seconds: i64) -> Moment {
        Moment::now(&TestClock::at(seconds))
    }

    const LONG: Duration = Duration::from_secs(1000);

    fn token(number: usize) -> Fingerprint {
        Fingerprint::of(&number.to_string())
    }

    #[test]
    fn one_byte_makes_another_token() {
        let long = "a".repeat(2000);
        for place in [0, 1, 999, 1999] {
            let mut other = long.clone();
            other.replace_range(place..=place, "b");
            assert!(Fingerprint::of(&long) != Fingerprint::of(&other), "{place}");
        }
        assert!(Fingerprint::of(&long) != Fingerprint::of(&long[1..]));
    }

    #[test]
    fn it_is_known_until_its_time_and_no_longer() {
        let mut kept = kept(10, 1000);
        kept.put(token(1), 1, 10, Duration::from_secs(50), at(50));
        kept.put(token(2), 2, 10, Duration::ZERO, at(50));
        assert_eq!(kept.get(&token(1), at(99)), Some(1));
        assert_eq!(kept.get(&token(1), at(100)), None);
        assert_eq!(kept.get(&token(2), at(50)), None, "over before it began");
        assert_eq!(kept.get(&token(3), at(50)), None);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_it_known_no_longer() {
        let clock = TestClock::at(100);
        let mut kept = kept(10, 1000);
        kept.put(token(1), 1, 10, Duration::from_secs(50), Moment::now(&clock));
        clock.pass(40);
        clock.set_back(40);
        for (passes, known) in [(9, Some(1)), (1, None)] {
            clock.pass(passes);
            assert_eq!(kept.get(&token(1), Moment::now(&clock)), known);
        }
        assert_eq!(kept.get(&token(1), at(99)), None, "before it began");
    }

    #[test]
    fn the_limits_hold_in_number_and_bytes_and_what_is_asked_for_stays() {
        let mut kept = kept(100, 5_000);
        for number in 0..1000 {
            kept.put(token(number), number, 10, LONG, at(0));
            assert!(kept.entries.len() <= 100 && kept.bytes <= 5_000);
            assert_eq!(kept.get(&token(0), at(0)), Some(0), "after {number}");
            assert_eq!(kept.get(&token(number), at(0)), Some(number));
        }
        assert_eq!((kept.entries.len(), kept.order.len(), kept.bytes), (100, 100, 1000));
        // A large one takes the place of many.
        kept.put(token(5000), 5000, 4_900, LONG, at(0));
        assert!(kept.bytes <= 5_000 && kept.entries.len() <= 11, "{}", kept.entries.len());
        assert_eq!(kept.get(&token(5000), at(0)), Some(5000));
        kept.put(token(5001), 5001, 5_001, LONG, at(0));
        assert_eq!(kept.get(&token(5001), at(0)), None, "too large for all of it");
        // The same token again is one entry, and what it says now.
        for value in 0..1000 {
            kept.put(token(5000), value, 10, LONG, at(0));
        }
        assert_eq!(kept.get(&token(5000), at(0)), Some(999));
        assert_eq!(kept.entries.len(), kept.order.len());
        assert_eq!(kept.bytes, kept.entries.values().map(|entry| entry.bytes).sum::<usize>());
    }

    #[test]
    fn what_has_had_its_time_makes_room_before_there_is_need() {
        let mut kept = kept(1000, 100_000);
        for number in 0..500 {
            kept.put(token(number), number, 10, Duration::from_secs(100), at(0));
        }
        for number in 500..1000 {
            kept.put(token(number), number, 10, Duration::from_secs(100), at(200));
        }
        assert_eq!(kept.entries.len(), 500, "those of before are gone");
    }
}
