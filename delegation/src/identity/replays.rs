//! Proofs that were seen (RFC 9449 section 11.1): each is good once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::config::MAX_CLOCK_TOLERANCE;
use super::dpop::LIFE;

/// All of them, for the whole time in which they would be taken again.
const MAX_PROOFS: usize = 1 << 17;
/// Those of one key, so that it does not take the others' room: one user may make 100 calls in a
/// second, and a proof is remembered for two minutes, or for three.
const MAX_OF_A_KEY: usize = 1 << 15;

/// No proof, and no login with a user's own ticket, has a longer time: so much a clock may be set back.
const LONGEST: i64 = LIFE + 2 * MAX_CLOCK_TOLERANCE;

/// Where proofs are remembered. It must be one for all replicas: a proof that one of them took must
/// not be good at another.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Remembers a proof until a time, and says whether it was unknown before. `key` is the
    /// thumbprint of its key, `proof` what it is known by; times are in seconds since 1970.
    ///
    /// # Errors
    /// [`CannotRemember`]: it must not be taken.
    async fn is_new(
        &self,
        key: &str,
        proof: [u8; 32],
        until: i64,
        now: i64,
    ) -> Result<bool, CannotRemember>;
}

/// A proof cannot be remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("proofs of possession cannot be remembered")]
pub struct CannotRemember;

/// Those that this process saw. What ends before some did that were forgotten, which is in time again if
/// the clock was set back, is not new.
#[derive(Default)]
pub struct ReplaysInMemory(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    proofs: HashMap<[u8; 32], String>,
    by_time: BTreeSet<(i64, [u8; 32])>,
    of_a_key: HashMap<String, usize>,
    /// The last end of those that were forgotten.
    forgotten: Option<i64>,
}

impl Seen {
    fn forget_the_first(&mut self) {
        let Some((until, proof)) = self.by_time.pop_first() else { return };
        self.forgotten = self.forgotten.max(Some(until));
        let Some(key) = self.proofs.remove(&proof) else { return };
        if let Some(count) = self.of_a_key.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.of_a_key.remove(&key);
            }
        }
    }
}

#[async_trait]
impl Replays for ReplaysInMemory {
    async fn is_new(
        &self,
        key: &str,
        proof: [u8; 32],
        until: i64,
        now: i64,
    ) -> Result<bool, CannotRemember> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while seen.by_time.first().is_some_and(|(until, _)| *until <= now) {
            seen.forget_the_first();
        }
        // Else the clock was wrong for long, and clients' clocks with it: nobody would get in.
        seen.forgotten = seen.forgotten.filter(|until| *until <= now.saturating_add(LONGEST));
        if Some(until) <= seen.forgotten || seen.proofs.contains_key(&proof) {
            return Ok(false);
        }
        let of_this_key = seen.of_a_key.get(key).copied().unwrap_or(0);
        if seen.proofs.len() >= MAX_PROOFS || of_this_key >= MAX_OF_A_KEY {
            return Err(CannotRemember);
        }
        seen.of_a_key.insert(key.to_owned(), of_this_key + 1);
        seen.proofs.insert(proof, key.to_owned());
        seen.by_time.insert((until, proof));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256::sha256;

    fn proof(number: usize) -> [u8; 32] {
        sha256(&number.to_be_bytes())
    }

    #[tokio::test]
    async fn a_proof_is_new_once_until_nobody_would_take_it() {
        let replays = ReplaysInMemory::default();
        let is_new = async |number, now| replays.is_new("key", proof(number), 100, now).await;
        assert_eq!(is_new(1, 0).await, Ok(true));
        for now in [0, 1, 99] {
            assert_eq!(is_new(1, now).await, Ok(false), "{now}");
        }
        assert_eq!(is_new(2, 99).await, Ok(true));
        assert_eq!(is_new(1, 100).await, Ok(false), "it would be refused as too old");
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_makes_no_proof_new() {
        let replays = ReplaysInMemory::default();
        let is_new = async |number, until, now| {
            replays.is_new("key", proof(number), until, now).await.unwrap()
        };
        assert!(is_new(1, 100, 50).await);
        assert!(is_new(2, 160, 101).await, "the first is forgotten");
        assert!(!is_new(1, 100, 90).await, "it is in time again");
        assert!(is_new(3, 101, 90).await, "it never came");
        // Forward by hours for a moment, when nobody's proof is good: who is new then is new.
        assert!(is_new(4, 20_120, 20_000).await);
        for number in [1, 2, 3] {
            assert!(!is_new(number, 160, 95).await, "{number}");
        }
        assert!(is_new(5, 161, 95).await);
        assert!(!is_new(4, 20_120, 20_001).await);
    }

    /// Whoever has the right time has to wait no longer than a proof is good.
    #[tokio::test]
    async fn a_clock_that_was_wrong_for_long_keeps_nobody_out() {
        for (back, expected) in [(LONGEST, false), (LONGEST + 1, true)] {
            let replays = ReplaysInMemory::default();
            let is_new = async |number, until, now| {
                replays.is_new("key", proof(number), until, now).await.unwrap()
            };
            assert!(is_new(1, 50_000, 49_900).await);
            assert!(is_new(2, 50_100, 50_000).await);
            let now = 50_000 - back;
            assert_eq!(is_new(3, now + 120, now).await, expected, "{back}");
            assert!(is_new(4, 50_001, now + LONGEST).await, "{back}");
        }
    }

    #[tokio::test]
    async fn one_key_does_not_take_the_others_room_and_nothing_is_forgotten_early() {
        let replays = ReplaysInMemory::default();
        let mut number = 0;
        let mut next = async |key: &str, now| {
            number += 1;
            replays.is_new(key, proof(number), now + 100, now).await
        };
        for _ in 0..MAX_OF_A_KEY {
            assert_eq!(next("greedy", 0).await, Ok(true));
        }
        assert_eq!(next("greedy", 0).await, Err(CannotRemember));
        assert_eq!(next("other", 0).await, Ok(true));
        for taken in MAX_OF_A_KEY + 1..MAX_PROOFS {
            assert_eq!(next(&(taken / 1000).to_string(), 0).await, Ok(true), "{taken}");
        }
        assert_eq!(next("late", 0).await, Err(CannotRemember));
        assert_eq!(replays.is_new("greedy", proof(1), 100, 0).await, Ok(false));
        // They have all had their time.
        for key in ["greedy", "late"] {
            assert_eq!(next(key, 100).await, Ok(true));
        }
        let seen = replays.0.lock().unwrap();
        assert_eq!((seen.proofs.len(), seen.by_time.len(), seen.of_a_key.len()), (2, 2, 2));
    }
}
