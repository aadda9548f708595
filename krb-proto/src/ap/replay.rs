//! The acceptor's memory of requests (RFC 4120 section 3.2.3).

use alloc::collections::BTreeSet;
use core::fmt;

use super::VerifiedRequest;
use crate::Timestamp;

/// Remembers requests for as long as their time would be taken, so that none is taken twice. How
/// many it holds is bounded: when it is full, new requests are refused rather than old ones
/// forgotten.
///
/// A service with several processes needs one such memory for all of them.
#[derive(Clone, Debug)]
pub struct ReplayCache {
    /// The authenticator's time in seconds, then the request's digest.
    seen: BTreeSet<(i64, [u8; 32])>,
    capacity: usize,
    skew: u32,
}

impl ReplayCache {
    /// For at most `capacity` requests, of about 100 octets each, within twice `skew` seconds:
    /// the [`skew`](super::RequestPolicy::skew) that requests are verified with.
    #[must_use]
    pub const fn new(capacity: usize, skew: u32) -> Self {
        Self { seen: BTreeSet::new(), capacity, skew }
    }

    /// Records a request at the time `now`, before anything is done for its client.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn record(&mut self, request: &VerifiedRequest, now: Timestamp) -> Result<(), ReplayError> {
        let oldest = now.seconds.unix().saturating_sub(i64::from(self.skew));
        self.seen = self.seen.split_off(&(oldest, [0; 32]));
        let entry = (request.time.seconds.unix(), request.digest);
        if self.seen.contains(&entry) {
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
    /// It came before: somebody repeats it.
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
