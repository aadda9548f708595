use std::fs::{self, File, OpenOptions};
use std::io::{self, Error, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use krb_proto::formats::{CacheEntry, CachePlaces, CredentialCache};
use zeroize::Zeroizing;

use super::entries::kept;
use super::place::Place;
use crate::cache_error::CacheError;
use crate::files::{lock, may_be_taken_away, no_regular_file, read_open, replace};

/// A file in which more than this is taken by what was removed is written anew, if that is more than
/// what it holds.
const WORTH_WRITING_ANEW: usize = 64 << 10;
/// So often at most a file is opened again because another one has taken its place.
const MAX_OPENED: usize = 10;

/// A cache in a file, as MIT's library has them: locked while it is read or written, appended to,
/// and what is removed is marked in its place, so that programs of both kinds can use it at once. A
/// new cache takes the place of the old file in one step.
pub(super) struct CacheFile {
    path: PathBuf,
    name: String,
}

impl CacheFile {
    pub(super) fn new(path: PathBuf) -> Self {
        let name = format!("FILE:{}", path.display());
        Self { path, name }
    }

    /// One that has another name than its path.
    pub(super) fn named(path: PathBuf, name: String) -> Self {
        Self { path, name }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn io(&self) -> impl FnOnce(Error) -> CacheError + use<> {
        CacheError::io(self.name.clone())
    }

    /// The file, locked, and what is in it. Another program may have put another file in its place
    /// while we waited for the lock.
    fn open(&self, to_write: bool) -> Result<(File, Zeroizing<Vec<u8>>), CacheError> {
        for _ in 0..MAX_OPENED {
            let mut file = open(&self.path, to_write).map_err(self.io())?;
            if !lock(&file, to_write).map_err(self.io())? {
                return Err(CacheError::Locked { cache: self.name.clone() });
            }
            if is_at(&file, &self.path) {
                let bytes = read_open(&mut file).map_err(self.io())?;
                return Ok((file, bytes));
            }
        }
        Err(CacheError::Locked { cache: self.name.clone() })
    }

    fn located(&self, bytes: &[u8]) -> Result<(CredentialCache, CachePlaces), CacheError> {
        // As `mktemp` makes them, for a cache that is to come.
        if bytes.is_empty() {
            return Err(CacheError::NotFound { cache: self.name.clone() });
        }
        CredentialCache::locate(bytes).map_err(CacheError::format(&*self.name))
    }

    fn replace(&self, cache: &CredentialCache) -> Result<(), CacheError> {
        let error = |error| CacheError::Io { cache: self.name.clone(), error: Arc::new(error) };
        replace(&self.path, &cache.to_bytes(), false).map_err(error)
    }
}

impl Place for CacheFile {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn read(&self) -> Result<CredentialCache, CacheError> {
        let (_file, bytes) = self.open(false)?;
        Ok(self.located(&bytes)?.0)
    }

    fn initialize(&self, cache: &CredentialCache, _: u32) -> Result<(), CacheError> {
        self.replace(cache)
    }

    fn store(&self, entries: &[CacheEntry], now: u32) -> Result<(), CacheError> {
        let (mut file, bytes) = self.open(true)?;
        if let Some(why) = why_unsafe(&file, &self.path).map_err(self.io())? {
            return Err(CacheError::Unsafe { cache: self.name.clone(), why });
        }
        let (mut cache, places) = self.located(&bytes)?;
        let kept = kept(&cache.entries, entries, now, &self.name)?;
        let gone: Vec<usize> = (0..kept.len()).filter(|&i| !kept[i]).collect();
        let removed: usize = gone.iter().map(|&i| places.entries[i].len()).sum();
        let removed = places.removed + removed;
        if places.version != 4 || (removed > WORTH_WRITING_ANEW && 2 * removed > places.end) {
            let mut kept = kept.into_iter();
            cache.entries.retain(|_| kept.next().unwrap_or(true));
            cache.entries.extend_from_slice(entries);
            return self.replace(&cache);
        }
        let mut new = Zeroizing::new(Vec::new());
        for entry in entries {
            let entry = entry.to_bytes();
            let mut longer = Zeroizing::new(Vec::with_capacity(new.len() + entry.len()));
            longer.extend_from_slice(&new);
            longer.extend_from_slice(&entry);
            new = longer;
        }
        let written = (|| {
            // What a writer that was stopped left behind the last whole entry.
            if places.end < bytes.len() {
                file.set_len(places.end as u64)?;
            }
            write_at(&mut file, places.end, &new)?;
            gone.iter().try_for_each(|&i| {
                let removed = cache.entries[i].removed().to_bytes();
                write_at(&mut file, places.entries[i].start, &removed)
            })
        })();
        written.map_err(self.io())
    }

    fn destroy(&self) -> Result<bool, CacheError> {
        may_be_taken_away(&self.path).map_err(self.io())?;
        let ours = open_to_blank(&self.path);
        match fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.io()(error)),
        }
        // Keys do not stay on the disk, as far as that is ours to say.
        if let Some(mut file) = ours {
            let _ = blank(&mut file);
        }
        Ok(true)
    }
}

fn write_at(file: &mut File, at: usize, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at as u64))?;
    file.write_all(bytes)
}

fn blank(file: &mut File) -> io::Result<()> {
    let mut left = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.seek(SeekFrom::Start(0))?;
    while left > 0 {
        let some = left.min(64 << 10);
        file.write_all(&vec![0; some])?;
        left -= some;
    }
    file.sync_all()
}

fn open(path: &Path, to_write: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(to_write);
    // A pipe without a writer holds up nobody.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::libc::O_NONBLOCK);
    regular(options.open(path)?)
}

fn regular(file: File) -> io::Result<File> {
    if !file.metadata()?.is_file() {
        return Err(no_regular_file());
    }
    Ok(file)
}

/// The file of a name, if it is one that nothing else leads to and that is nobody else's. The names
/// of caches can be foretold, and are in folders where others may put links: what those lead to is
/// not for us to blank.
#[cfg(unix)]
fn open_to_blank(path: &Path) -> Option<File> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW;
    let options = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
    let file = options.and_then(regular).ok()?;
    let metadata = file.metadata().ok()?;
    let is_ours = metadata.uid() == nix::unistd::geteuid().as_raw() && metadata.nlink() == 1;
    (is_ours && is_at(&file, path)).then_some(file)
}

#[cfg(not(unix))]
fn open_to_blank(path: &Path) -> Option<File> {
    let is_link = fs::symlink_metadata(path).ok()?.is_symlink();
    if is_link { None } else { open(path, true).ok() }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
const fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Whoever made the file may read what is put into it; so may everybody whom its mode lets. And
/// whoever made a link in its place says which of this user's caches that is.
#[cfg(unix)]
fn why_unsafe(file: &File, path: &Path) -> io::Result<Option<&'static str>> {
    use std::os::unix::fs::MetadataExt as _;

    let ours = nix::unistd::geteuid().as_raw();
    let (metadata, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok(if metadata.uid() != ours {
        Some("the file belongs to another user")
    } else if named.is_symlink() && ![ours, 0].contains(&named.uid()) {
        Some("its name is a symbolic link that another user made")
    } else if metadata.mode() & 0o077 != 0 {
        Some("others may read or write the file (chmod 600)")
    } else {
        None
    })
}

#[cfg(not(unix))]
const fn why_unsafe(_: &File, _: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

#[cfg(test)]
mod tests;
