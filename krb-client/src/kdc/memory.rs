use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Endpoint;

/// The furthest a KDC's clock may be from ours for its word to be taken: beyond that, somebody's
/// clock has to be mended.
const MAX_OFFSET_SECONDS: i64 = 30 * 60;
/// How long the KDC that answered is asked first, before the realm's KDCs are listed again: one that
/// was chosen because others were silent is not stayed with for ever, nor one that is no longer
/// listed.
const PREFERRED: Duration = Duration::from_secs(10 * 60);
/// And how long, where the list could not be had.
const PREFERRED_UNLISTED: Duration = Duration::from_secs(30);
/// How long a KDC that failed is asked last, twice as long each further time.
const ASIDE: Duration = Duration::from_secs(30);
const MAX_ASIDE: Duration = Duration::from_secs(15 * 60);
/// So many KDCs and realms are remembered.
const MAX_KDCS: usize = 1024;
const MAX_REALMS: usize = 64;

/// What was learnt of KDCs: their clocks, which are of use, which answered last.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Learnt>);

#[derive(Default)]
struct Learnt {
    kdcs: HashMap<Endpoint, Kdc>,
    preferred: HashMap<Arc<str>, Preferred>,
}

#[derive(Default)]
struct Kdc {
    offset: i64,
    /// How often it failed since it last answered, and until when it is asked last.
    failures: u32,
    aside: Option<Instant>,
    /// How long its last answer took.
    pace: Duration,
    last_seen: Option<Instant>,
}

impl Kdc {
    fn is_there(&mut self, pace: Duration) {
        (self.failures, self.aside, self.pace) = (0, None, pace);
    }
}

/// A KDC that answered, after `pace`.
pub(crate) struct Answered {
    pub(crate) realm: Arc<str>,
    pub(crate) kdc: Endpoint,
    pub(crate) pace: Duration,
    /// It stands in the realm's list as it is now.
    pub(crate) listed: bool,
}

/// The KDC of a realm whose answer was the last that was of use.
struct Preferred {
    kdc: Endpoint,
    until: Instant,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Learnt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far a KDC's clock is ahead of ours, in seconds.
    pub(crate) fn offset(&self, kdc: &Endpoint) -> i64 {
        self.lock().kdcs.get(kdc).map_or(0, |kdc| kdc.offset)
    }

    /// Remembers that a KDC's clock is `seconds` ahead. `false` if that is too much to follow.
    pub(crate) fn learn_offset(&self, kdc: &Endpoint, seconds: i64) -> bool {
        if seconds.abs() > MAX_OFFSET_SECONDS {
            return false;
        }
        self.lock().kdc(kdc).offset = seconds;
        true
    }

    /// Until when a KDC is asked last, if it is.
    pub(crate) fn aside(&self, kdc: &Endpoint) -> Option<Instant> {
        self.lock().kdcs.get(kdc)?.aside.filter(|until| *until > Instant::now())
    }

    /// How long its last answer took; nothing if there was none.
    pub(crate) fn pace(&self, kdc: &Endpoint) -> Duration {
        self.lock().kdcs.get(kdc).map_or(Duration::ZERO, |kdc| kdc.pace)
    }

    /// The KDC to ask first, and whether the realm's KDCs need not be listed before.
    pub(crate) fn preferred(&self, realm: &str) -> Option<(Endpoint, bool)> {
        let learnt = self.lock();
        let Preferred { kdc, until } = learnt.preferred.get(realm)?;
        Some((kdc.clone(), *until > Instant::now()))
    }

    /// A KDC was silent, or of no use.
    pub(crate) fn failed(&self, realm: &str, kdc: &Endpoint) {
        let mut learnt = self.lock();
        let known = learnt.kdc(kdc);
        let aside = ASIDE.saturating_mul(1 << known.failures.min(10)).min(MAX_ASIDE);
        known.aside = Some(Instant::now() + aside);
        known.failures = known.failures.saturating_add(1);
        if learnt.preferred.get(realm).is_some_and(|preferred| preferred.kdc == *kdc) {
            learnt.preferred.remove(realm);
        }
    }

    /// Another KDC answered before this one, which had not been asked for long: nothing is known of
    /// it, and there are others of whom something is.
    pub(crate) fn overtaken(&self, kdc: &Endpoint) {
        let mut learnt = self.lock();
        let known = learnt.kdc(kdc);
        known.aside = known.aside.max(Some(Instant::now() + ASIDE));
    }

    /// A KDC's answer was what an exchange wanted.
    pub(crate) fn answered(&self, answered: &Answered) {
        let Answered { realm, kdc, pace, listed } = answered;
        let now = Instant::now();
        let mut learnt = self.lock();
        learnt.kdc(kdc).is_there(*pace);
        let until = match learnt.preferred.get(realm) {
            _ if *listed => now + PREFERRED,
            Some(preferred) if preferred.kdc == *kdc && preferred.until > now => preferred.until,
            _ => now + PREFERRED_UNLISTED,
        };
        if learnt.preferred.len() >= MAX_REALMS && !learnt.preferred.contains_key(realm) {
            let oldest = learnt.preferred.iter().min_by_key(|(_, preferred)| preferred.until);
            if let Some(oldest) = oldest.map(|(realm, _)| realm.clone()) {
                learnt.preferred.remove(&oldest);
            }
        }
        learnt.preferred.insert(realm.clone(), Preferred { kdc: kdc.clone(), until });
    }

    /// A KDC said no; `late` if that was after it had said how to go on.
    pub(crate) fn refused(&self, answered: &Answered, late: bool) {
        let mut learnt = self.lock();
        learnt.kdc(&answered.kdc).is_there(answered.pace);
        let preferred = learnt.preferred.get(&answered.realm);
        if late && preferred.is_some_and(|preferred| preferred.kdc == answered.kdc) {
            learnt.preferred.remove(&answered.realm);
        }
    }

    /// As if the lists of all realms were due.
    #[cfg(test)]
    pub(crate) fn expire_preferred(&self) {
        let now = Instant::now();
        self.lock().preferred.values_mut().for_each(|preferred| preferred.until = now);
    }
}

impl Learnt {
    fn kdc(&mut self, kdc: &Endpoint) -> &mut Kdc {
        if self.kdcs.len() >= MAX_KDCS && !self.kdcs.contains_key(kdc) {
            let oldest = self.kdcs.iter().min_by_key(|(_, kdc)| kdc.last_seen);
            if let Some(oldest) = oldest.map(|(kdc, _)| kdc.clone()) {
                self.kdcs.remove(&oldest);
            }
        }
        let known = self.kdcs.entry(kdc.clone()).or_default();
        known.last_seen = Some(Instant::now());
        known
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::time::advance;

    use super::*;

    fn kdc(number: usize) -> Endpoint {
        SocketAddr::from(([127, 0, (number >> 8) as u8, number as u8], 88)).into()
    }

    fn answer(realm: &str, number: usize, listed: bool) -> Answered {
        Answered { realm: realm.into(), kdc: kdc(number), pace: Duration::ZERO, listed }
    }

    #[test]
    fn a_clock_is_followed_for_half_an_hour_and_no_further() {
        let memory = Memory::default();
        for (seconds, followed) in [(1799, true), (1800, true), (1801, false), (-1801, false)] {
            assert_eq!(memory.learn_offset(&kdc(1), seconds), followed, "{seconds}");
        }
        assert_eq!(memory.offset(&kdc(1)), 1800, "the last one that was followed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_kdc_that_fails_is_asked_last_for_longer_each_time() {
        let memory = Memory::default();
        for seconds in [30, 60, 120, 240, 480, 900, 900] {
            memory.failed("R", &kdc(1));
            advance(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
            assert!(memory.aside(&kdc(1)).is_some(), "{seconds}");
            advance(Duration::from_millis(1)).await;
            assert!(memory.aside(&kdc(1)).is_none(), "{seconds}");
        }
        memory.failed("R", &kdc(1));
        memory.answered(&answer("R", 1, true));
        assert!(memory.aside(&kdc(1)).is_none(), "it answered");
        memory.failed("R", &kdc(1));
        advance(Duration::from_secs(30)).await;
        assert!(memory.aside(&kdc(1)).is_none(), "from the beginning");
    }

    #[tokio::test(start_paused = true)]
    async fn the_kdc_that_answered_is_preferred_until_the_list_is_due() {
        let memory = Memory::default();
        memory.answered(&answer("R", 1, true));
        advance(PREFERRED / 2).await;
        // Answers that come without a look at the list do not put it off.
        memory.answered(&answer("R", 1, false));
        assert_eq!(memory.preferred("R"), Some((kdc(1), true)));
        advance(PREFERRED / 2).await;
        assert_eq!(memory.preferred("R"), Some((kdc(1), false)));
        // The list could not be had: some time without it.
        memory.answered(&answer("R", 1, false));
        assert_eq!(memory.preferred("R"), Some((kdc(1), true)));
        advance(PREFERRED_UNLISTED).await;
        assert_eq!(memory.preferred("R"), Some((kdc(1), false)));
        memory.failed("OTHER", &kdc(1));
        assert!(memory.preferred("R").is_some());
        memory.failed("R", &kdc(1));
        assert!(memory.preferred("R").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_remembered() {
        let memory = Memory::default();
        for number in 0..MAX_KDCS + 10 {
            memory.answered(&answer(&format!("R{number}"), number, true));
            memory.learn_offset(&kdc(number), 7);
            advance(Duration::from_millis(1)).await;
        }
        let learnt = memory.lock();
        assert_eq!((learnt.kdcs.len(), learnt.preferred.len()), (MAX_KDCS, MAX_REALMS));
        assert!(!learnt.kdcs.contains_key(&kdc(9)), "the oldest are forgotten");
        assert!(learnt.kdcs.contains_key(&kdc(10)));
    }
}
