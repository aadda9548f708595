use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;

/// How many records could not be written, and whether they can be now. The log says so as soon as it
/// can be written again.
#[derive(Debug, Default)]
pub(super) struct Lost {
    unsaid: AtomicU64,
    all: Counter,
    /// Whether the last try to write failed.
    is_failing: AtomicBool,
}

impl Lost {
    pub(super) fn add(&self, records: u64) {
        self.unsaid.fetch_add(records, Ordering::Relaxed);
        self.all.inc_by(records);
    }

    /// Takes note of whether the log could be written.
    pub(super) fn note(&self, is_written: bool) {
        self.is_failing.store(!is_written, Ordering::Relaxed);
    }

    pub(super) fn is_writable(&self) -> bool {
        !self.is_failing.load(Ordering::Relaxed)
    }

    /// Those that are not said yet.
    pub(super) fn unsaid(&self) -> u64 {
        self.unsaid.load(Ordering::Relaxed)
    }

    pub(super) fn said(&self, records: u64) {
        self.unsaid.fetch_sub(records, Ordering::Relaxed);
    }

    /// Since the start.
    pub(super) const fn all(&self) -> &Counter {
        &self.all
    }
}
