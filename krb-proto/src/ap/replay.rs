//! The acceptor's memory of requests (RFC 4120 section 3.2.3).

use alloc::collections::BTreeSet;
use core::fmt;

use super::VerifiedRequest;
use crate::Timestamp;

/// Remembers requests for as long as their time would be taken, so that none is taken twice. How
/// many it holds is bounded: when it is full, new requests are refused rather than old ones
/// forgotten. The clock may be set back by twice the skew: requests that are no younger than one that
/// was forgotten are refused as if they had come before.
///
/// A service with several processes needs one such memory for all of them.
#[derive(Clone, Debug)]
pub struct ReplayCache {
    /// The authenticator's time in seconds, then the request's digest.
    seen: BTreeSet<(i64, [u8; 32])>,
    /// The latest time of those that were forgotten.
    forgotten: i64,
    capacity: usize,
    skew: u32,
}

impl ReplayCache {
    /// For at most `capacity` requests, of about 100 octets each, within twice `skew` seconds:
    /// the [`skew`](super::RequestPolicy::skew) that requests are verified with.
    #[must_use]
    pub const fn new(capacity: usize, skew: u32) -> Self {
        Self { seen: BTreeSet::new(), forgotten: i64::MIN, capacity, skew }
    }

    /// Records a request at the time `now`, before anything is done for its client.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn record(&mut self, request: &VerifiedRequest, now: Timestamp) -> Result<(), ReplayError> {
        let (now, skew) = (now.seconds.unix(), i64::from(self.skew));
        let stay = self.seen.split_off(&(now.saturating_sub(skew), [0; 32]));
        if let Some((time, _)) = core::mem::replace(&mut self.seen, stay).last() {
            self.forgotten = self.forgotten.max(*time);
        }
        // Else the clock was wrong for long, and clients' clocks with it: nobody would get in.
        if self.forgotten > now.saturating_add(skew) {
            self.forgotten = i64::MIN;
        }
        let entry = (request.time.seconds.unix(), request.digest);
        if entry.0 <= self.forgotten || self.seen.contains(&entry) {
            return Err(ReplayError::Replayed);
        }
        if self.seen.len() >= self.capacity {
            return Err(ReplayError::Full);
        }
        self.seen.insert(entry);
        Ok(())
    }
}

/// Why a verified request is refused all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReplayError {
    /// It came before, for all that is known: somebody repeats it.
    Replayed,
    /// More requests came than can be remembered.
    Full,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replayed => "the client's request came before: somebody repeats it",
            Self::Full => "more logins came than the replay cache can remember",
        })
    }
}

impl core::error::Error for ReplayError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gss::testing::{NOW, SKEW, Service, TestRng, at};
    use crate::gss::{Acceptor, Initiator, InitiatorOptions};
    use crate::iana::EncType;

    /// A verified login; another seed makes another one of the same microsecond.
    fn login(seed: u64, sent: Timestamp) -> Acceptor {
        let service = Service::new(EncType::AES128_CTS_HMAC_SHA1_96);
        let mut rng = TestRng(seed);
        let options = InitiatorOptions::default();
        let credential = service.credential();
        let (_, token) = Initiator::new(&credential, &options, &mut at(sent, &mut rng)).unwrap();
        service.accept(&token, sent).unwrap().0
    }

    #[test]
    fn a_request_is_taken_once() {
        let mut cache = ReplayCache::new(10, SKEW);
        assert_eq!(cache.record(login(1, NOW).request(), NOW), Ok(()));
        assert_eq!(cache.record(login(2, NOW).request(), NOW), Ok(()), "another one");
        for _ in 0..2 {
            let replayed = cache.record(login(1, NOW).request(), NOW);
            assert_eq!(replayed, Err(ReplayError::Replayed));
        }
    }

    /// As long as its time is taken, and not a second longer.
    #[test]
    fn a_request_is_remembered_for_as_long_as_it_could_come_again() {
        let skew = i64::from(SKEW);
        for (later, remembered) in [(-skew, 1), (0, 1), (skew, 1), (skew + 1, 0)] {
            let mut cache = ReplayCache::new(10, SKEW);
            cache.record(login(1, NOW).request(), NOW).unwrap();
            let later = NOW.plus_seconds(later);
            cache.record(login(2, later).request(), later).unwrap();
            assert_eq!(cache.seen.len(), remembered + 1);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_request_new() {
        let skew = i64::from(SKEW);
        for forward in [skew + 1, 2 * skew] {
            let mut cache = ReplayCache::new(10, SKEW);
            let mut record = |seed, sent, at| {
                let sent = login(seed, NOW.plus_seconds(sent));
                cache.record(sent.request(), NOW.plus_seconds(at))
            };
            assert_eq!(record(1, 0, 0), Ok(()));
            assert_eq!(record(2, forward, forward), Ok(()), "the first is forgotten");
            assert_eq!(record(1, 0, skew), Err(ReplayError::Replayed), "in time again");
            assert_eq!(record(3, 0, skew), Err(ReplayError::Replayed), "nobody knows");
            assert_eq!(record(4, 1, skew), Ok(()));
            assert_eq!(record(2, forward, forward), Err(ReplayError::Replayed));
        }
    }

    /// Whoever has the right time has to wait no longer than a request is good.
    #[test]
    fn a_clock_that_was_wrong_for_long_keeps_nobody_out() {
        let skew = i64::from(SKEW);
        for (back, expected) in [(skew, Err(ReplayError::Replayed)), (skew + 1, Ok(()))] {
            let mut cache = ReplayCache::new(10, SKEW);
            let later = NOW.plus_seconds(skew + 1);
            cache.record(login(1, NOW).request(), NOW).unwrap();
            cache.record(login(2, later).request(), later).unwrap();
            let now = NOW.plus_seconds(-back);
            assert_eq!(cache.record(login(3, now).request(), now), expected, "{back}");
        }
    }

    #[test]
    fn a_full_memory_takes_no_more_and_forgets_nothing() {
        let mut cache = ReplayCache::new(2, SKEW);
        for (seed, expected) in
            [(1, Ok(())), (2, Ok(())), (3, Err(ReplayError::Full)), (1, Err(ReplayError::Replayed))]
        {
            assert_eq!(cache.record(login(seed, NOW).request(), NOW), expected, "{seed}");
        }
        let later = NOW.plus_seconds(i64::from(SKEW) + 1);
        assert_eq!(cache.record(login(3, later).request(), later), Ok(()));
    }
}
