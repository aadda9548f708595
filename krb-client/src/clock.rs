use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use krb_proto::Timestamp;

/// Where the time comes from: one clock for tickets, tokens and caches, so that tests can move it.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The time since some moment in the past, which nobody can set: it only goes forward. The
    /// machine's own, unless a clock has another.
    fn monotonic(&self) -> Duration {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGINNING.elapsed()
    }

    /// The seconds of [`Self::now`] since 1970, for those who only want to know how old something is.
    fn seconds(&self) -> i64 {
        self.now().seconds.unix()
    }

    /// Held while something is awaited that goes by no clock, such as another thread. A clock that
    /// goes on by itself as soon as all wait for it, as a test's may, stands still meanwhile; the
    /// machine's goes on.
    fn hold(&self) -> Option<Box<dyn Send>> {
        None
    }
}

/// A moment by both of a machine's clocks. The one that shows the time can be set, and the one that
/// cannot may stand still while the machine sleeps, so an age goes by whichever says more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    wall: i64,
    /// Nanoseconds: moments lie beside everything that is kept.
    monotonic: u64,
}

impl Moment {
    /// Now.
    pub fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.seconds(), monotonic: nanoseconds(clock.monotonic()) }
    }

    /// The time from `earlier` to this moment, at least: the larger of what the clocks say.
    /// `None` if the clock was set back behind `earlier` meanwhile, so that it says nothing any
    /// more about how long it is ago.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let wall = Duration::from_secs(self.wall.checked_sub(earlier.wall)?.try_into().ok()?);
        Some(wall.max(Duration::from_nanos(self.monotonic.checked_sub(earlier.monotonic)?)))
    }

    /// Was `earlier` less than `age` ago, for all that the clocks know?
    #[must_use]
    pub fn is_within(self, age: Duration, earlier: Self) -> bool {
        self.since(earlier).is_some_and(|since| since < age)
    }

    /// The moment at which the clock that can be set said this, by both clocks as they go now.
    pub(crate) fn at(self, wall: i64) -> Self {
        let ago = Duration::from_secs(self.wall.saturating_sub(wall).try_into().unwrap_or(0));
        let monotonic = self.monotonic.saturating_sub(nanoseconds(ago));
        Self { wall: wall.min(self.wall), monotonic }
    }

    /// By the clock that cannot be set, in nanoseconds.
    pub(crate) const fn monotonic(self) -> u64 {
        self.monotonic
    }

    /// So much later, by the clock that cannot be set, in nanoseconds.
    pub(crate) fn end_of(self, time: Duration) -> u64 {
        self.monotonic.saturating_add(nanoseconds(time))
    }

    /// Seconds since 1970, by the clock that can be set.
    #[must_use]
    pub const fn wall(self) -> i64 {
        self.wall
    }
}

/// No more than five centuries.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The machine's clock, which never says the same microsecond twice: acceptors take an
/// authenticator of the same client and microsecond for a replay (RFC 4120 section 3.2.3).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let microseconds = i64::try_from(since_1970().as_micros()).unwrap_or(i64::MAX);
        let microseconds = unlike_the_last(microseconds);
        Timestamp::new(microseconds / 1_000_000, (microseconds % 1_000_000) as u32)
    }

    /// Without taking a microsecond from those who need one of their own: there are a million in a
    /// second, and tickets are looked up more often.
    fn seconds(&self) -> i64 {
        i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX)
    }
}

/// A clock before 1970 is taken as 1970: every ticket is then not yet valid.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
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
    fn an_age_goes_by_whichever_clock_says_more() {
        let at = |wall, monotonic: u64| Moment { wall, monotonic: monotonic * 1_000_000_000 };
        let begun = at(1_800_000_000, 50);
        for (wall, monotonic, age) in [
            (0, 50, Some(0)),
            (10, 60, Some(10)),
            // Set forward; set back, but not behind the beginning; asleep.
            (3600, 51, Some(3600)),
            (10, 650, Some(600)),
            (900, 50, Some(900)),
            // Set back behind the beginning, or a clock that is none.
            (-1, 51, None),
            (10, 49, None),
        ] {
            let now = at(1_800_000_000 + wall, monotonic);
            assert_eq!(now.since(begun), age.map(Duration::from_secs), "{wall} {monotonic}");
        }
        let limit = Duration::from_secs(900);
        for (wall, monotonic, within) in
            [(899, 949, true), (899, 950, false), (900, 949, false), (-1, 51, false)]
        {
            let now = at(1_800_000_000 + wall, monotonic);
            assert_eq!(now.is_within(limit, begun), within, "{wall} {monotonic}");
        }
    }

    #[test]
    fn who_only_asks_for_seconds_takes_no_microsecond() {
        let before = SystemClock.now();
        (0..200_000).for_each(|_| drop(std::hint::black_box(Box::new(Moment::now(&SystemClock)))));
        let (after, seconds) = (SystemClock.now(), SystemClock.seconds());
        let micros = |t: Timestamp| t.seconds.unix() * 1_000_000 + i64::from(t.microseconds);
        let real = i64::try_from(since_1970().as_micros()).unwrap();
        assert!(micros(after) <= real + 100_000, "{} ahead", micros(after) - real);
        assert!(micros(after) > micros(before) && (seconds - after.seconds.unix()).abs() <= 1);
    }

    #[test]
    fn no_microsecond_is_said_twice() {
        let ask = || (0..20_000).map(|_| SystemClock.now()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(ask)).collect();
        let said = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        let said: HashSet<_> = said.map(|t| (t.seconds, t.microseconds)).collect();
        assert_eq!(said.len(), 80_000);
    }
}
