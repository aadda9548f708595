use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use krb_proto::Timestamp;

/// Where the time comes from: one clock for tickets, tokens and caches, so that tests can move it.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, which never says the same microsecond twice: acceptors take an
/// authenticator of the same client and microsecond for a replay (RFC 4120 section 3.2.3).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is taken as 1970: every ticket is then not yet valid.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let microseconds = unlike_the_last(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        Timestamp::new(microseconds / 1_000_000, (microseconds % 1_000_000) as u32)
    }
}

/// The next microsecond if this one, or one up to a second later, was said before. A clock that
/// was set back further is followed.
fn unlike_the_last(microseconds: i64) -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let next = |last: i64| match last - microseconds {
        0..1_000_000 => last + 1,
        _ => microseconds,
    };
    // The closure always gives a value, so both arms are the value before.
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    next(last.unwrap_or_else(|last| last))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_microsecond_is_said_twice() {
        let ask = || (0..20_000).map(|_| SystemClock.now()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(ask)).collect();
        let said = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        let said: HashSet<_> = said.map(|t| (t.seconds, t.microseconds)).collect();
        assert_eq!(said.len(), 80_000);
    }
}
