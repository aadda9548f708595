use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use krb_client::Clock;
use krb_proto::Timestamp;

/// A clock that stands where a test puts it, and one that cannot be set, which goes along.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    shown: Arc<AtomicI64>,
    /// By how much it was set back.
    behind: Arc<AtomicI64>,
}

impl TestClock {
    /// One that shows this, in seconds since 1970.
    pub(crate) fn at(seconds: i64) -> Self {
        Self { shown: Arc::new(AtomicI64::new(seconds)), behind: Arc::default() }
    }

    pub(crate) fn set(&self, seconds: i64) {
        self.shown.store(seconds, Ordering::SeqCst);
    }

    /// The one that cannot be set stays where it is.
    pub(crate) fn set_back(&self, seconds: i64) {
        self.behind.fetch_add(seconds, Ordering::SeqCst);
        self.shown.fetch_sub(seconds, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.shown.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.shown.load(Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::new(self.seconds(), 0)
    }

    fn monotonic(&self) -> Duration {
        let behind = self.behind.load(Ordering::SeqCst);
        Duration::from_secs((self.seconds() + behind).unsigned_abs())
    }
}
