//! A token endpoint that is not well is left alone for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row that are the provider's, and nobody asks for a while.
const FAILURES: u32 = 5;
/// The same for refusals of good tokens that may mean a directory that is down: of so many users in a
/// row, so that one whose session has ended keeps nobody out.
const REFUSED_USERS: usize = 5;
/// How long at first, and at most.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

/// Lets requests to one token endpoint through, or not.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    refused: Vec<[u8; 32]>,
    open: Option<Open>,
}

#[derive(Clone, Copy)]
struct Open {
    until: Instant,
    lasts: Duration,
    /// One request has been let through to see.
    is_probed: bool,
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Became {
    /// An answer of a provider that works, whatever it was.
    Answered,
    /// No answer, or one that says that it does not work.
    Failed,
    /// A refusal of this user's token, which is good as far as it can be seen here.
    Doubtful([u8; 32]),
}

/// What is different from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// Nobody asks for so long.
    Opened(Duration),
    /// Everybody may ask again.
    Closed,
}

/// Leave to ask. Dropped without a word, as by somebody who gave up, it says nothing about the
/// provider.
pub(super) struct Leave<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// Leave to ask, or for how long nobody is to.
    pub(super) fn enter(&self) -> Result<Leave<'_>, Duration> {
        let mut state = self.lock();
        let mut is_probe = false;
        if let Some(open) = &mut state.open {
            let left = open.until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(left);
            }
            if open.is_probed {
                return Err(Duration::from_secs(1));
            }
            open.is_probed = true;
            is_probe = true;
        }
        drop(state);
        Ok(Leave { breaker: self, is_probe })
    }

    #[cfg(test)]
    fn is_open(&self) -> bool {
        self.lock().open.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leave<'_> {
    /// Says what became of it, and returns what that changes for others.
    pub(super) fn became(mut self, became: Became) -> Option<Change> {
        let is_probe = std::mem::take(&mut self.is_probe);
        let mut state = self.breaker.lock();
        let is_over = match became {
            Became::Answered => {
                return std::mem::take(&mut *state).open.map(|_| Change::Closed);
            }
            Became::Failed => {
                state.failures += 1;
                is_probe || state.failures >= FAILURES
            }
            Became::Doubtful(user) => {
                state.failures = 0;
                if !state.refused.contains(&user) {
                    state.refused.push(user);
                }
                // It answers: what it says of one user says nothing of others.
                if is_probe {
                    state.refused.clear();
                    return state.open.take().map(|_| Change::Closed);
                }
                state.refused.len() >= REFUSED_USERS
            }
        };
        // Requests that were let through before it opened change nothing any more.
        if !is_over || state.open.is_some() && !is_probe {
            return None;
        }
        let lasts = state.open.map_or(SHORTEST, |open| (open.lasts * 2).min(LONGEST));
        state.open = Some(Open { until: Instant::now() + lasts, lasts, is_probed: false });
        state.refused.clear();
        Some(Change::Opened(lasts))
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.is_probe
            && let Some(open) = &mut self.breaker.lock().open
        {
            open.is_probed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, times: u32) -> Option<Change> {
        (0..times)
            .map(|_| breaker.enter().ok().and_then(|leave| leave.became(Became::Failed)))
            .last()?
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_lets_one_request_see() {
        let breaker = Breaker::default();
        assert_eq!(fail(&breaker, 4), None);
        breaker.enter().ok().unwrap().became(Became::Answered);
        assert_eq!(fail(&breaker, 4), None, "not in a row");
        assert_eq!(fail(&breaker, 1), Some(Change::Opened(SHORTEST)));
        assert!(breaker.enter().is_err());
        tokio::time::advance(SHORTEST).await;
        let probe = breaker.enter().ok().unwrap();
        assert!(breaker.enter().is_err(), "one only");
        assert_eq!(probe.became(Became::Failed), Some(Change::Opened(SHORTEST * 2)));
        for _ in 0..10 {
            tokio::time::advance(LONGEST).await;
            let Some(Change::Opened(lasts)) = fail(&breaker, 1) else { panic!() };
            assert!(lasts <= LONGEST);
        }
        tokio::time::advance(LONGEST).await;
        let probe = breaker.enter().ok().unwrap();
        assert_eq!(probe.became(Became::Answered), Some(Change::Closed));
        assert!(!breaker.is_open());
        assert_eq!(fail(&breaker, 4), None, "from the beginning");
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_makes_room_for_the_next() {
        let breaker = Breaker::default();
        fail(&breaker, 5);
        tokio::time::advance(SHORTEST).await;
        drop(breaker.enter().ok().unwrap());
        assert!(breaker.enter().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_under_way_when_it_opened_neither_prolongs_nor_probes() {
        let breaker = Breaker::default();
        let under_way: Vec<_> = (0..20).map(|_| breaker.enter().ok().unwrap()).collect();
        let opened = under_way.into_iter().filter_map(|leave| leave.became(Became::Failed));
        assert_eq!(opened.collect::<Vec<_>>(), [Change::Opened(SHORTEST)]);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_count_by_user_and_never_keep_it_open() {
        let breaker = Breaker::default();
        let refuse = |user: u8| breaker.enter().ok().unwrap().became(Became::Doubtful([user; 32]));
        for _ in 0..50 {
            assert_eq!(refuse(1), None, "one user, however often");
        }
        for user in 2..5 {
            assert_eq!(refuse(user), None);
        }
        assert_eq!(refuse(5), Some(Change::Opened(SHORTEST)));
        tokio::time::advance(SHORTEST).await;
        let change = refuse(1);
        assert_eq!(change, Some(Change::Closed), "one user's session keeps nobody out");
        assert!(!breaker.is_open());
    }
}
