use std::time::{SystemTime, UNIX_EPOCH};

use krb_proto::Timestamp;

/// Where the time comes from: one clock for tickets, tokens and caches, so that tests can move it.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is taken as 1970: every ticket is then not yet valid.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::new(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_micros())
    }
}
