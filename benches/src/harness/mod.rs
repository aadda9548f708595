//! What both benches measure with: the processor time of the thread, so that whatever else the
//! machine does counts less; or, with the feature `count-allocations`, the number of allocations. An
//! allocator that counts takes time, and of a peer that allocates more, more: it is never timed.

#[cfg(feature = "count-allocations")]
mod counted;
#[cfg(not(feature = "count-allocations"))]
mod timed;

use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};

#[cfg(feature = "count-allocations")]
pub use counted::Case;
#[cfg(not(feature = "count-allocations"))]
pub use timed::Case;

/// The processor time of this thread, in nanoseconds.
pub struct ThreadTime;

impl Measurement for ThreadTime {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    fn end(&self, start: u64) -> u64 {
        self.start() - start
    }

    fn add(&self, first: &u64, second: &u64) -> u64 {
        first + second
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Criterion as both benches use it.
pub fn criterion() -> Criterion<ThreadTime> {
    Criterion::default().with_measurement(ThreadTime)
}
