//! Where the lines go: a file that is watched, or standard output.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::AuditConfig;

/// Takes whole lines.
pub(super) struct Sink {
    out: Output,
    // The last write failed, here or in a run before, and may have left half a line.
    torn: bool,
}

enum Output {
    File(LogFile),
    Stream(Box<dyn Write + Send>),
}

/// The lines went to a file that no longer stands at its path; now another does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reopened;

impl Sink {
    pub(super) fn open(config: &AuditConfig) -> io::Result<Self> {
        if config.file == "-" {
            return Ok(Self::stream(Box::new(io::stdout())));
        }
        let (file, torn) = LogFile::open(PathBuf::from(&config.file), config.sync)?;
        Ok(Self { out: Output::File(file), torn })
    }

    pub(super) fn stream(out: Box<dyn Write + Send>) -> Self {
        Self { out: Output::Stream(out), torn: false }
    }

    /// Makes sure that the log is the file at its path, before anything is written.
    pub(super) fn settle(&mut self) -> io::Result<Option<Reopened>> {
        match &mut self.out {
            Output::File(log) if !log.is_in_place()? => {
                self.torn = log.reopen()?;
                Ok(Some(Reopened))
            }
            _ => Ok(None),
        }
    }

    /// Appends lines: they are in the file that stands at the path, on the disk where that was
    /// asked for, or this fails. `Some` if they went to a file that was just then taken away: they
    /// have to be written again.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<Option<Reopened>> {
        let result = self.try_append(lines);
        self.torn = result.is_err();
        result?;
        self.settle()
    }

    fn try_append(&mut self, lines: &[u8]) -> io::Result<()> {
        let out: &mut dyn Write = match &mut self.out {
            Output::File(log) => &mut log.file,
            Output::Stream(out) => out,
        };
        if self.torn {
            // An empty line at worst; never two records in one.
            out.write_all(b"\n")?;
        }
        out.write_all(lines)?;
        out.flush()?;
        match &self.out {
            Output::File(log) if log.durable => log.file.sync_data(),
            _ => Ok(()),
        }
    }
}

struct LogFile {
    path: PathBuf,
    file: File,
    // Data is to reach the disk before an answer.
    sync: bool,
    durable: bool,
}

impl LogFile {
    /// Opens the file for appending; true if it ends in half a line.
    fn open(path: PathBuf, sync: bool) -> io::Result<(Self, bool)> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let metadata = file.metadata()?;
        // Pipes and devices have no disk to wait for, and no end to look at.
        let durable = sync && metadata.is_file();
        let torn = metadata.is_file() && metadata.len() > 0 && !ends_a_line(&path);
        if sync && let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            // So that a new file's name outlives a power cut as well as its content does.
            File::open(directory).and_then(|directory| directory.sync_all()).ok();
        }
        Ok((Self { path, file, sync, durable }, torn))
    }

    fn reopen(&mut self) -> io::Result<bool> {
        let (new, torn) = Self::open(self.path.clone(), self.sync)?;
        *self = new;
        Ok(torn)
    }

    /// Whether the path still leads to the file that is open.
    fn is_in_place(&self) -> io::Result<bool> {
        match std::fs::metadata(&self.path) {
            Ok(at_path) => Ok(is_same(&at_path, &self.file.metadata()?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

// A log that may only be written counts as torn: an empty line harms nobody.
fn ends_a_line(path: &PathBuf) -> bool {
    let last = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        Ok::<_, io::Error>(last)
    };
    last().is_ok_and(|last| last == *b"\n")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A disk that is full after `room` bytes, until space is made.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (text, room) = &mut *self.0.lock().unwrap();
            let n = bytes.len().min(*room);
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            text.extend(&bytes[..n]);
            *room -= n;
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn half_a_line_does_not_spoil_the_next() {
        let disk = Disk::default();
        let mut sink = Sink::stream(Box::new(disk.clone()));
        let mut append = |room, line: &[u8]| {
            disk.0.lock().unwrap().1 = room;
            sink.append(line).map(drop)
        };
        append(100, b"first\n").unwrap();
        append(3, b"second\n").unwrap_err();
        append(0, b"third\n").unwrap_err();
        append(100, b"fourth\n").unwrap();
        append(100, b"fifth\n").unwrap();
        assert_eq!(disk.0.lock().unwrap().0, b"first\nsec\nfourth\nfifth\n");
    }
}
