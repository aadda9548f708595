use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write;
use std::marker::PhantomData;

use criterion::Criterion;

use super::ThreadTime;
use crate::cases::Id;

/// A case: everybody in it does the same with the same octets.
pub struct Case<'c>(String, PhantomData<&'c mut Criterion<ThreadTime>>);

impl<'c> Case<'c> {
    /// Begins a case of the list.
    pub fn new(criterion: &'c mut Criterion<ThreadTime>, id: Id) -> Self {
        Self::named(criterion, id.to_string())
    }

    /// Begins a case that only we have.
    pub fn named(_: &'c mut Criterion<ThreadTime>, name: String) -> Self {
        Self(name, PhantomData)
    }

    /// Counts for one of the peers, or us, and adds a line to the file that `ALLOCATIONS` names.
    pub fn measure<R>(&mut self, who: &str, mut operation: impl FnMut() -> R) {
        // The first call fills buffers that are then used again.
        drop(black_box(operation()));
        let counted = allocation_counter::measure(|| drop(black_box(operation()))).count_total;
        let Some(path) = std::env::var_os("ALLOCATIONS") else { return };
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
        writeln!(file, "{}\t{who}\t{counted}", self.0).expect("room for a line");
    }
}
