use std::sync::atomic::{AtomicU64, Ordering};

/// How many records could not be written. The log says so as soon as it can be written again.
#[derive(Debug, Default)]
pub(super) struct Lost(AtomicU64);

impl Lost {
    pub(super) fn add(&self, records: u64) {
        self.0.fetch_add(records, Ordering::Relaxed);
    }

    /// Those that are not said yet.
    pub(super) fn unsaid(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn said(&self, records: u64) {
        self.0.fetch_sub(records, Ordering::Relaxed);
    }
}
