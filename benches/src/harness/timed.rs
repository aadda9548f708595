use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion};

use super::ThreadTime;
use crate::cases::Id;

/// A case: everybody in it does the same with the same octets.
pub struct Case<'c>(BenchmarkGroup<'c, ThreadTime>);

impl<'c> Case<'c> {
    /// Begins a case of the list.
    pub fn new(criterion: &'c mut Criterion<ThreadTime>, id: Id) -> Self {
        Self::named(criterion, id.to_string())
    }

    /// Begins a case that only we have.
    pub fn named(criterion: &'c mut Criterion<ThreadTime>, name: String) -> Self {
        Self(criterion.benchmark_group(name))
    }

    /// Measures one of the peers, or us. What `operation` returns is dropped within the time.
    pub fn measure<R>(&mut self, who: &str, mut operation: impl FnMut() -> R) {
        // The first call fills buffers that are then used again.
        drop(black_box(operation()));
        self.0.bench_function(who, |bencher| bencher.iter(&mut operation));
    }
}
