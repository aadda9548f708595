//! What both benches measure with: the processor time of the thread, so that whatever else the
//! machine does counts less, and the number of allocations.

mod allocations;

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkGroup, Criterion};
use rustix::time::{ClockId, clock_gettime};

use crate::cases::Id;

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

/// A case: everybody in it does the same with the same octets.
pub struct Case<'c> {
    name: String,
    group: BenchmarkGroup<'c, ThreadTime>,
}

impl<'c> Case<'c> {
    /// Begins a case of the list.
    pub fn new(criterion: &'c mut Criterion<ThreadTime>, id: Id) -> Self {
        Self::named(criterion, id.to_string())
    }

    /// Begins a case that only we have.
    pub fn named(criterion: &'c mut Criterion<ThreadTime>, name: String) -> Self {
        let group = criterion.benchmark_group(&name);
        Self { name, group }
    }

    /// Measures one of the peers, or us. What `operation` returns is dropped within the time.
    pub fn measure<R>(&mut self, who: &str, mut operation: impl FnMut() -> R) {
        // The first call fills buffers that are then used again.
        drop(black_box(operation()));
        let before = allocations::count();
        drop(black_box(operation()));
        let allocations = allocations::count() - before;
        if let Some(directory) = std::env::var_os("CRITERION_HOME") {
            let path = Path::new(&directory).join("allocations");
            let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
            writeln!(file, "{}\t{who}\t{allocations}", self.name).expect("room for a line");
        }
        self.group.bench_function(who, |bencher| bencher.iter(&mut operation));
    }
}

/// Criterion as both benches use it.
pub fn criterion() -> Criterion<ThreadTime> {
    Criterion::default().with_measurement(ThreadTime)
}
