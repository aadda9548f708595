//! What a server wrote about us: its own word on who came.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A place in a log, to look at what comes after it.
pub struct Mark {
    path: PathBuf,
    from: u64,
}

impl Mark {
    /// The log's present end.
    #[must_use]
    pub fn end_of(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        let from = path.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        Self { path, from }
    }

    /// What was written since.
    ///
    /// # Panics
    /// If the log cannot be read.
    #[must_use]
    pub fn since(&self) -> String {
        let mut bytes = Vec::new();
        let Ok(mut file) = File::open(&self.path) else { return String::new() };
        file.seek(SeekFrom::Start(self.from)).expect("seek");
        file.read_to_end(&mut bytes).expect("read");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The first line since then for which `wanted` holds; waits for it for five seconds.
    #[must_use]
    pub fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(line) = self.since().lines().find(|line| wanted(line)) {
                return Some(line.to_owned());
            }
            if Instant::now() > until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
