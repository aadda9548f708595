//! Time that goes on as soon as everybody waits for it: tokio's paused time, shown by clocks that can
//! be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use krb_client::Clock;
use krb_proto::Timestamp;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Monday, 5 January 2026, 08:00 UTC.
const BEGINNING: i64 = 1_767_600_000;

/// The true time of a world.
#[derive(Clone)]
pub struct Time {
    runtime: Handle,
    began: Instant,
}

impl Time {
    /// Begins now, on the test's runtime, whose time is paused (`start_paused`).
    #[must_use]
    pub fn begin() -> Self {
        Self { runtime: Handle::current(), began: Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        // Threads of nobody's runtime ask as well.
        let _on = self.runtime.enter();
        self.began.elapsed()
    }

    /// A clock that shows it.
    #[must_use]
    pub fn clock(&self) -> Arc<Shown> {
        let (wrong_by, last) = (AtomicI64::new(0), AtomicI64::new(0));
        Arc::new(Shown { time: self.clone(), wrong_by, last })
    }

    /// Lets so much time pass, with all that is due in it.
    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Somebody's clock.
pub struct Shown {
    time: Time,
    wrong_by: AtomicI64,
    last: AtomicI64,
}

impl Shown {
    /// Sets it: from now on it is ahead of the true time by so many seconds.
    pub fn set_wrong_by(&self, seconds: i64) {
        self.wrong_by.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for Shown {
    /// Never the same microsecond twice, as the machine's clock; but other threads than the runtime's,
    /// which ask whenever they like, change nothing for it.
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.time.elapsed().as_micros()).unwrap_or(i64::MAX);
        let now = (BEGINNING + self.wrong_by.load(Ordering::SeqCst)) * 1_000_000 + elapsed;
        let later = |last: i64| if (0..1_000_000).contains(&(last - now)) { last + 1 } else { now };
        let now = later(self.last.load(Ordering::SeqCst));
        if Handle::try_current().is_ok() {
            self.last.store(now, Ordering::SeqCst);
        }
        Timestamp::new(now / 1_000_000, (now % 1_000_000) as u32)
    }

    fn monotonic(&self) -> Duration {
        self.time.elapsed()
    }

    /// Paused time does not go on by itself while a blocking task runs.
    fn hold(&self) -> Option<Box<dyn Send>> {
        let (held, over) = mpsc::channel::<()>();
        self.time.runtime.spawn_blocking(move || over.recv());
        Some(Box::new(held))
    }
}
