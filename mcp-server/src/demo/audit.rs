//! The audit log, read as an operator reads it: from the file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

/// How long the record of what has happened may be on its way.
const PATIENCE: Duration = Duration::from_secs(3);

/// Follows a file of JSON lines.
pub(super) struct AuditLog {
    file: PathBuf,
    read: u64,
}

impl AuditLog {
    pub(super) const fn new(file: PathBuf) -> Self {
        Self { file, read: 0 }
    }

    /// The records that came since the last time.
    pub(super) fn news(&mut self) -> io::Result<Vec<Value>> {
        let mut text = Vec::new();
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.read))?;
        file.read_to_end(&mut text)?;
        // The last line may be half written.
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        let lines = text[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(io::Error::other)).collect()
    }

    /// The records of one call, which has been answered: they end with one that says how it ended.
    pub(super) async fn of_one_call(&mut self) -> io::Result<Vec<Value>> {
        let deadline = Instant::now() + PATIENCE;
        let mut records = Vec::new();
        loop {
            records.extend(self.news()?);
            if records.iter().any(ends) || Instant::now() > deadline {
                return Ok(records);
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Nothing more comes of this call.
pub(super) fn ends(record: &Value) -> bool {
    record["phase"] != "intent"
}
