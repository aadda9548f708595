//! How much one call may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::resources::Wrong;

/// Rows of an answer, unless the call or the operator says otherwise.
const ROWS: u32 = 1000;
/// No operator's limit is above these.
const MOST_ROWS: u32 = 100_000;
const MOST_BYTES: u32 = 16 << 20;
const MOST_SECONDS: u32 = 600;
const MOST_CONNECTIONS: u32 = 10_000;
/// Who finds all connections taken waits so long for one.
const WAIT: Duration = Duration::from_secs(10);

/// The most of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Rows of one answer: 1 to 100000. A call that asks for no number gets 1000 at most.
    pub rows: u32,
    /// Bytes of the values of one answer: 1024 to 16777216.
    pub bytes: u32,
    /// Seconds that a statement may run: 1 to 600; never longer than its call may take.
    pub seconds: u32,
    /// Connections that are open at once, those that are kept for later calls among them: 1 to 10000.
    /// Where all are taken, the one that was kept for longest ends, and else a call waits for ten seconds.
    pub connections: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { rows: 10_000, bytes: 1 << 20, seconds: 30, connections: 64 }
    }
}

impl LimitsConfig {
    pub(super) fn check(self) -> Result<Limits, Wrong> {
        let Self { rows, bytes, seconds, connections } = self;
        for (field, value, least, most) in [
            ("limits.rows", rows, 1, MOST_ROWS),
            ("limits.bytes", bytes, 1024, MOST_BYTES),
            ("limits.seconds", seconds, 1, MOST_SECONDS),
            ("limits.connections", connections, 1, MOST_CONNECTIONS),
        ] {
            if !(least..=most).contains(&value) {
                return Err((field, format!("must be {least} to {most}")));
            }
        }
        let time = Duration::from_secs(seconds.into());
        Ok(Limits { rows, bytes: bytes as usize, time, connections })
    }
}

/// The same, checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Limits {
    pub(super) rows: u32,
    pub(super) bytes: usize,
    pub(super) time: Duration,
    pub(super) connections: u32,
}

impl Limits {
    /// So many rows for a call that asks for so many.
    pub(super) fn rows_of(&self, asked: Option<u32>) -> u32 {
        asked.unwrap_or(ROWS).min(self.rows)
    }
}

/// The connections that a target may have. Clones are one.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<All>);

#[derive(Debug)]
struct All {
    free: Arc<Semaphore>,
    /// So many are waited for.
    wanted: AtomicUsize,
}

/// One of them, while it is open.
#[derive(Debug)]
pub(super) struct Open(OwnedSemaphorePermit);

/// Somebody who waits for one.
pub(super) struct Waiting<'a>(&'a All);

impl Connections {
    pub(super) fn new(most: u32) -> Self {
        let free = Arc::new(Semaphore::new(most as usize));
        Self(Arc::new(All { free, wanted: AtomicUsize::new(0) }))
    }

    /// One, if one is free.
    pub(super) fn free(&self) -> Option<Open> {
        self.0.free.clone().try_acquire_owned().ok().map(Open)
    }

    /// Whoever is to wait for one says so before it is looked who could end.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.0.wanted.fetch_add(1, Ordering::SeqCst);
        Waiting(&self.0)
    }

    /// Whether somebody waits for one.
    pub(super) fn are_wanted(&self) -> bool {
        self.0.wanted.load(Ordering::SeqCst) > 0
    }

    /// Whether this is one of these.
    pub(super) fn have(&self, open: &Open) -> bool {
        Arc::ptr_eq(open.0.semaphore(), &self.0.free)
    }
}

impl Waiting<'_> {
    /// One, when one is free: `None` if that takes too long.
    pub(super) async fn until(self, deadline: Instant) -> Option<Open> {
        let next = self.0.free.clone().acquire_owned();
        timeout_at(deadline.min(Instant::now() + WAIT), next).await.ok()?.ok().map(Open)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.wanted.fetch_sub(1, Ordering::SeqCst);
    }
}

impl PartialEq for Connections {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Connections {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_no_more_than_there_may_be() {
        let (connections, others) = (Connections::new(2), Connections::new(2));
        let (first, second) = (connections.free().unwrap(), connections.free().unwrap());
        assert!(connections.free().is_none());
        assert!(connections.have(&first) && !others.have(&first));
        let soon = || Instant::now() + Duration::from_millis(20);
        assert!(connections.wait().until(soon()).await.is_none());
        assert!(!connections.are_wanted(), "nobody waits any more");
        let waiting = connections.wait();
        assert!(connections.are_wanted() && !others.are_wanted());
        drop(second);
        assert!(waiting.until(soon()).await.is_some());
        assert!(!connections.are_wanted());
    }
}
