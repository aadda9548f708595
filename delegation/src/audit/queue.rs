//! What waits to be written, and how long it is worth while to wait for more.
//!
//! Waking the thread that writes, and a sync, cost far more than a record. So where several calls
//! are on their way, a batch waits a moment for theirs: a part of what the last one took to write,
//! and not at all where that has proved vain.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::job::Job;

/// Records that may wait for the disk; a call beyond that fails.
const MAX_WAITING: usize = 1024;
/// Of which so many are written at once.
const MAX_BATCH: usize = 256;
/// How many calls besides those that wait make it worth while to wait for them.
const SIBLINGS: usize = 4;
const SHORTEST: Duration = Duration::from_micros(100);
const LONGEST: Duration = Duration::from_millis(1);
/// How often in a row it is not tried again after it was vain, at most.
const MAX_SKIPPED: u32 = 64;

/// What waits. Calls put in, one thread takes out.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    /// Calls that will have a record.
    coming: AtomicUsize,
}

#[derive(Default)]
struct State {
    jobs: Vec<Job>,
    /// At how many the thread wants to be woken; 0 while it is busy.
    wake_at: usize,
    is_closed: bool,
}

/// What the thread finds.
pub(super) enum Found {
    /// These; none, if nothing came in time.
    Jobs(Vec<Job>),
    /// These, and nobody is left who could put more in.
    Last(Vec<Job>),
}

impl Queue {
    /// Puts a job in, or gives it back.
    pub(super) fn put(&self, job: Job) -> Result<(), Job> {
        let mut state = self.state();
        if state.is_closed || state.jobs.len() >= MAX_WAITING {
            return Err(job);
        }
        state.jobs.push(job);
        let is_awaited = state.wake_at > 0 && state.jobs.len() >= state.wake_at;
        drop(state);
        if is_awaited {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Nothing more is put in.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.work.notify_one();
    }

    /// Notes that a call is on its way to a record.
    pub(super) fn expect(&self) {
        self.coming.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that it has arrived, or never will.
    pub(super) fn arrived(&self) {
        self.coming.fetch_sub(1, Ordering::Relaxed);
    }

    /// Waits for a job for so long, and for more as `patience` has it.
    pub(super) fn take(&self, idle: Duration, patience: &mut Patience) -> Found {
        let mut state = self.state();
        if state.jobs.is_empty() && !state.is_closed {
            state = self.wait(state, 1, idle);
        }
        let here = state.jobs.len();
        if here > 0 && here < MAX_BATCH && !state.is_closed {
            let coming = self.coming.load(Ordering::Relaxed);
            if let Some(time) = patience.time(coming) {
                state = self.wait(state, (here + coming).min(MAX_BATCH), time);
                patience.learn(state.jobs.len() > here);
            }
        }
        let all = state.jobs.len();
        let jobs = state.jobs.drain(..all.min(MAX_BATCH)).collect();
        if state.is_closed && state.jobs.is_empty() { Found::Last(jobs) } else { Found::Jobs(jobs) }
    }

    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        wake_at: usize,
        time: Duration,
    ) -> MutexGuard<'a, State> {
        state.wake_at = wake_at;
        let waited = self.work.wait_timeout_while(state, time, |state| {
            state.jobs.len() < wake_at && !state.is_closed
        });
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.wake_at = 0;
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by who takes: however that ends, nobody waits for it.
pub(super) struct Taker(pub(super) Arc<Queue>);

impl Drop for Taker {
    fn drop(&mut self) {
        self.0.close();
        let rest = std::mem::take(&mut self.0.state().jobs);
        rest.into_iter().for_each(Job::refuse);
    }
}

/// How long a batch waits for more.
#[derive(Default)]
pub(super) struct Patience {
    last: Duration,
    in_vain: u32,
    skip: u32,
}

impl Patience {
    /// Notes how long a batch took to write.
    pub(super) const fn wrote(&mut self, took: Duration) {
        self.last = took;
    }

    fn time(&mut self, coming: usize) -> Option<Duration> {
        if coming < SIBLINGS {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        Some((self.last / 4).clamp(SHORTEST, LONGEST))
    }

    fn learn(&mut self, has_come: bool) {
        self.in_vain = if has_come { 0 } else { self.in_vain.saturating_add(1) };
        self.skip = if has_come { 0 } else { MAX_SKIPPED.min(1 << self.in_vain.min(16)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job::Flush(Box::new(drop))
    }

    #[test]
    fn when_nobody_takes_any_more_nobody_waits() {
        let (queue, (to, refused)) = (Arc::new(Queue::default()), std::sync::mpsc::channel());
        let waits = Job::Flush(Box::new(move |done| to.send(done.is_err()).unwrap()));
        assert!(queue.put(waits).is_ok());
        drop(Taker(Arc::clone(&queue)));
        assert!(refused.recv().unwrap());
        assert!(queue.put(job()).is_err());
    }

    #[test]
    fn what_does_not_fit_is_given_back() {
        let queue = Queue::default();
        for _ in 0..MAX_WAITING {
            assert!(queue.put(job()).is_ok());
        }
        assert!(queue.put(job()).is_err());
        let mut patience = Patience::default();
        let Found::Jobs(jobs) = queue.take(Duration::ZERO, &mut patience) else { panic!() };
        assert_eq!(jobs.len(), MAX_BATCH);
        assert!(queue.put(job()).is_ok(), "there is room again");
        queue.close();
        assert!(queue.put(job()).is_err());
        let mut left = 0;
        loop {
            match queue.take(Duration::ZERO, &mut patience) {
                Found::Jobs(jobs) => left += jobs.len(),
                Found::Last(jobs) => break left += jobs.len(),
            }
        }
        assert_eq!(left, MAX_WAITING - MAX_BATCH + 1);
    }

    #[test]
    fn a_batch_waits_for_calls_on_their_way_and_no_longer_once_that_was_vain() {
        let queue = Queue::default();
        let mut patience = Patience::default();
        patience.wrote(Duration::from_secs(1));
        assert_eq!(patience.time(SIBLINGS - 1), None);
        assert_eq!(patience.time(SIBLINGS), Some(LONGEST));
        patience.wrote(Duration::ZERO);
        assert_eq!(patience.time(SIBLINGS), Some(SHORTEST));
        for _ in 0..SIBLINGS {
            queue.expect();
        }
        assert!(queue.put(job()).is_ok());
        // Nobody comes.
        assert!(
            matches!(queue.take(Duration::ZERO, &mut patience), Found::Jobs(jobs) if jobs.len() == 1)
        );
        assert_eq!((patience.in_vain, patience.skip), (1, 2));
        assert_eq!(patience.time(100), None);
        patience.skip = 0;
        for _ in 0..40 {
            patience.learn(false);
        }
        assert_eq!(patience.skip, MAX_SKIPPED);
        // All come.
        (patience.in_vain, patience.skip) = (0, 0);
        patience.wrote(Duration::from_secs(1));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..=SIBLINGS {
                    queue.arrived();
                    assert!(queue.put(job()).is_ok());
                }
            });
            queue.expect();
            let mut found = 0;
            while found <= SIBLINGS {
                match queue.take(Duration::from_secs(10), &mut patience) {
                    Found::Jobs(jobs) | Found::Last(jobs) => found += jobs.len(),
                }
            }
        });
    }
}
