//! How much one call may be.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::resources::Wrong;

/// Rows of an answer, unless the call or the operator says otherwise.
const ROWS: u32 = 1000;
/// No operator's limit is above these.
const MOST_ROWS: u32 = 100_000;
const MOST_BYTES: u32 = 16 << 20;
const MOST_SECONDS: u32 = 600;

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
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { rows: 10_000, bytes: 1 << 20, seconds: 30 }
    }
}

impl LimitsConfig {
    pub(super) fn check(self) -> Result<Limits, Wrong> {
        let Self { rows, bytes, seconds } = self;
        for (field, value, least, most) in [
            ("limits.rows", rows, 1, MOST_ROWS),
            ("limits.bytes", bytes, 1024, MOST_BYTES),
            ("limits.seconds", seconds, 1, MOST_SECONDS),
        ] {
            if !(least..=most).contains(&value) {
                return Err((field, format!("must be {least} to {most}")));
            }
        }
        let time = Duration::from_secs(seconds.into());
        Ok(Limits { rows, bytes: bytes as usize, time })
    }
}

/// The same, checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Limits {
    pub(super) rows: u32,
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

impl Limits {
    /// So many rows for a call that asks for so many.
    pub(super) fn rows_of(&self, asked: Option<u32>) -> u32 {
        asked.unwrap_or(ROWS).min(self.rows)
    }
}
