//! Where the lines go: a file that is watched, or a stream.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::segments::{self, Tail};

/// So long a look at the path is good for the next batch: what is taken away meanwhile is found right
/// after it was written.
pub(super) const GLANCE: Duration = Duration::from_millis(10);
/// How long another process, which is ending, may still hold the file.
const LOCK_TIME: Duration = Duration::from_secs(2);
const LOCK_STEP: Duration = Duration::from_millis(10);

/// Takes whole lines.
pub(super) enum Output {
    /// The file at a path.
    File(LogFile),
    /// Whatever takes bytes: it may be cut off, but not taken back.
    Stream(Stream),
}

/// The lines went to a file that no longer stands at its path; now another does, which ends with so
/// many bytes that are no line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reopened {
    pub(super) torn: u64,
}

/// What takes bytes.
pub(super) struct Stream {
    out: Box<dyn Write + Send>,
    // The last write failed and may have left half a line.
    torn: bool,
}

impl Stream {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, torn: false }
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let result = self.try_append(lines);
        self.torn = result.is_err();
        result
    }

    fn try_append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.torn {
            // An empty line at worst; never two records in one.
            self.out.write_all(b"\n")?;
        }
        self.out.write_all(lines)?;
        self.out.flush()
    }
}

impl Output {
    /// Whether what could not be written whole is taken back.
    pub(super) const fn takes_back(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Makes sure that the log is the file at its path, before anything is written.
    pub(super) fn settle(&mut self) -> io::Result<Option<Reopened>> {
        match self {
            Self::File(log) => log.settle(),
            Self::Stream(_) => Ok(None),
        }
    }

    /// Appends lines: they are in the file that stands at the path, on the disk where that was
    /// asked for, or this fails. `Some` if they went to a file that was just then taken away: they
    /// have to be written again.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<Option<Reopened>> {
        match self {
            Self::File(log) => {
                log.append(lines)?;
                // Where they are now, nobody may ever look: they were not written.
                log.look().inspect_err(|_| log.take_back(lines.len() as u64))
            }
            Self::Stream(stream) => stream.append(lines).map(|()| None),
        }
    }
}

/// What stands at a path.
pub(super) enum Opened {
    /// A file, and what it ends with.
    File(LogFile, Tail),
    /// A pipe or a device: there is no end to look at, and no disk to wait for.
    Other(File),
}

/// A file that is appended to by nobody else.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    is: Identity,
    // Data is to reach the disk before an answer.
    sync: bool,
    // Until here all is well.
    length: u64,
    // A write failed: there may be more.
    is_unsure: bool,
    looked: Instant,
}

impl LogFile {
    /// Opens what is there for appending, and looks at its end if it is a file.
    pub(super) fn open(path: &Path, sync: bool) -> io::Result<Opened> {
        let file = append_to(path)?;
        if !file.metadata()?.is_file() {
            return Ok(Opened::Other(file));
        }
        lock(&file)?;
        let tail = Tail::of(path)?;
        Ok(Opened::File(Self::new(path, file, sync)?, tail))
    }

    fn new(path: &Path, file: File, sync: bool) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if sync {
            sync_directory(path);
        }
        let (is, length) = (Identity::of(&metadata), metadata.len());
        let (path, looked) = (path.to_owned(), Instant::now());
        Ok(Self { path, file, is, sync, length, is_unsure: false, looked })
    }

    /// How long it is.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Puts the file aside and begins a new one.
    pub(super) fn rotate(&mut self, last: u64) -> io::Result<PathBuf> {
        let aside = segments::aside(&self.path, last);
        if aside.symlink_metadata().is_ok() {
            let problem = format!("{} is there already", aside.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, problem));
        }
        fs::rename(&self.path, &aside)?;
        self.reopen()?;
        Ok(aside)
    }

    fn settle(&mut self) -> io::Result<Option<Reopened>> {
        if self.is_unsure {
            // What the file has beyond was never called written.
            self.length = self.length.min(self.file.metadata()?.len());
            self.file.set_len(self.length)?;
            self.is_unsure = false;
        }
        if self.looked.elapsed() < GLANCE { Ok(None) } else { self.look() }
    }

    /// Looks whether the path still leads to the file that is open; if not, opens what does.
    fn look(&mut self) -> io::Result<Option<Reopened>> {
        let is_in_place = match fs::metadata(&self.path) {
            Ok(at_path) if Identity::of(&at_path) == self.is => {
                // It may have been emptied, as by `copytruncate`.
                self.length = at_path.len();
                true
            }
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if is_in_place {
            self.looked = Instant::now();
            return Ok(None);
        }
        self.reopen().map(Some)
    }

    fn reopen(&mut self) -> io::Result<Reopened> {
        let file = append_to(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("what is there now is no file"));
        }
        lock(&file)?;
        let torn = match Tail::of(&self.path)? {
            Tail::Empty => 0,
            Tail::Unchained(torn) | Tail::Chained(_, torn) => torn,
            Tail::Unreadable => return Err(io::Error::other("what is there now is no audit log")),
        };
        let (path, sync) = (std::mem::take(&mut self.path), self.sync);
        match Self::new(&path, file, sync) {
            Ok(new) => *self = new,
            Err(error) => {
                self.path = path;
                return Err(error);
            }
        }
        Ok(Reopened { torn })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.is_unsure = true;
        self.file.write_all(lines)?;
        if self.sync {
            self.file.sync_data()?;
        }
        self.is_unsure = false;
        self.length += lines.len() as u64;
        Ok(())
    }

    fn take_back(&mut self, bytes: u64) {
        self.length = self.length.saturating_sub(bytes);
        self.is_unsure = true;
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Two writers would tear the chain apart.
fn lock(file: &File) -> io::Result<()> {
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if since.elapsed() < LOCK_TIME => {
                std::thread::sleep(LOCK_STEP);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other("another process writes to it"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// So that a new file's name outlives a power cut as well as its content does.
fn sync_directory(path: &Path) {
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        File::open(directory).and_then(|directory| directory.sync_all()).ok();
    }
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(metadata.dev(), metadata.ino())
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self(0, 0)
    }
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
        let mut stream = Stream::new(Box::new(disk.clone()));
        let mut append = |room, line: &[u8]| {
            disk.0.lock().unwrap().1 = room;
            stream.append(line)
        };
        append(100, b"first\n").unwrap();
        append(3, b"second\n").unwrap_err();
        append(0, b"third\n").unwrap_err();
        append(100, b"fourth\n").unwrap();
        append(100, b"fifth\n").unwrap();
        assert_eq!(disk.0.lock().unwrap().0, b"first\nsec\nfourth\nfifth\n");
    }
}
