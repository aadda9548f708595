//! Signed heads, in a file elsewhere.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::{Delivered, Line, Sink};

/// A file that lines are appended to. It is opened for each, so that it may be moved.
pub(super) struct CheckpointFile {
    file: PathBuf,
}

impl CheckpointFile {
    pub(super) const fn new(file: PathBuf) -> Self {
        Self { file }
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.file)
    }
}

impl Sink for CheckpointFile {
    fn name(&self) -> &'static str {
        "checkpoints"
    }

    fn wants_records(&self) -> bool {
        false
    }

    fn deliver(&mut self, lines: &[Line]) -> Delivered {
        let write = || {
            let mut file = self.open()?;
            for line in lines {
                file.write_all(format!("{}\n", line.text).as_bytes())?;
            }
            if file.metadata()?.is_file() { file.sync_data() } else { Ok(()) }
        };
        write().map(|()| 0).map_err(|error| (0, format!("{}: {error}", self.file.display())))
    }
}
