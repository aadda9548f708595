//! Replay caches in files, as MIT's library has them (*file2*, since 1.18): one with which its services
//! and ours know of each other's logins.
//!
//! A seed, and hash tables of records, each twice as long as the one before. A record is a login's tag
//! and a time; it stands in the first table, at the place that its hash says or the one behind, where
//! there is room or what is there has ended.

use std::fs::{File, OpenOptions};
use std::hash::Hasher;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::libc::O_NOFOLLOW;
use siphasher::sip::SipHasher24;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::shared::{Login, NotRemembered, SharedLogins};
use crate::files::{PATIENCE, lock};
use crate::{Entropy as _, OsRandom, Sharing};

const SEED: usize = 16;
const TAG: usize = 12;
const RECORD: usize = TAG + 4;
const FIRST_TABLE: u64 = 1023;
/// No file is longer.
const MAX_FILE: u64 = i32::MAX as u64;

/// A replay cache in a file. One login of this process's at a time waits for others' locks.
pub(super) struct ReplayFile {
    path: PathBuf,
    turn: Mutex<()>,
}

impl ReplayFile {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), turn: Mutex::new(()) }
    }
}

impl SharedLogins for ReplayFile {
    fn is_first<'a>(
        &'a self,
        login: &'a Login,
    ) -> Sharing<'a, std::result::Result<bool, NotRemembered>> {
        let (path, login) = (self.path.clone(), login.clone());
        Box::pin(async move {
            let turn = timeout(PATIENCE, self.turn.lock()).await;
            let stored = match turn {
                Err(_) => Err(locked()),
                Ok(_turn) => {
                    let task = tokio::task::spawn_blocking(move || store(&path, &login));
                    task.await.map_err(Error::other).flatten()
                }
            };
            stored.map_err(NotRemembered::file(&self.path))
        })
    }
}

fn store(path: &Path, login: &Login) -> Result<bool> {
    let file = open(path)?;
    if !lock(&file, true)? {
        return Err(locked());
    }
    // To MIT's library a record ends with the skew behind its time, which is when it was written there. A
    // client whose clock is ahead could come again after that, so here it is the later one of both.
    let [now, time] = [login.now, login.time.max(login.now)].map(stamp);
    put(&file, &login.replay_tag, time, now.saturating_sub(login.skew))
}

fn locked() -> Error {
    Error::new(ErrorKind::TimedOut, "another program keeps it locked")
}

/// In a folder where everybody may write, a file of another user's, or a link to one of ours, would be
/// somebody's trap.
fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.custom_flags(O_NOFOLLOW).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    if metadata.uid() != nix::unistd::geteuid().as_raw() {
        return Err(Error::new(ErrorKind::PermissionDenied, "it is another user's"));
    }
    Ok(file)
}

/// Seconds since 1970, as records have them: up to 2106.
fn stamp(seconds: i64) -> u32 {
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

/// Writes a record, if there is none of its tag. Those from before `oldest` have ended.
fn put(file: &File, tag: &[u8; TAG], time: u32, oldest: u32) -> Result<bool> {
    let mut seed = seed(file)?;
    let mut free = None;
    let (mut table, mut records) = (SEED as u64, FIRST_TABLE);
    while table + records * RECORD as u64 <= MAX_FILE {
        let at = table + hash(&seed, tag) % records * RECORD as u64;
        let mut was_never_used = false;
        for at in [at, at + RECORD as u64] {
            let (there, since) = record(file, at)?;
            if since > 0 && there == *tag {
                return Ok(false);
            }
            if since < oldest.max(1) {
                free = free.or(Some(at));
            }
            was_never_used |= since == 0;
        }
        // It would have stood there.
        if was_never_used {
            break;
        }
        seed[0] = seed[0].wrapping_add(1);
        table += records * RECORD as u64;
        records = if records == FIRST_TABLE { 2 * (records + 1) } else { 2 * records };
    }
    let free = free.ok_or_else(|| Error::new(ErrorKind::StorageFull, "it is full"))?;
    file.write_all_at(&[&tag[..], &time.to_be_bytes()].concat(), free)?;
    Ok(true)
}

/// The file's seed. A new file gets one.
fn seed(file: &File) -> Result<[u8; SEED]> {
    let mut seed = [0; SEED];
    if !read(file, &mut seed, 0)? {
        OsRandom.fill(&mut seed);
        file.write_all_at(&seed, 0)?;
    }
    Ok(seed)
}

fn hash(seed: &[u8; SEED], tag: &[u8; TAG]) -> u64 {
    let mut hasher = SipHasher24::new_with_key(seed);
    hasher.write(tag);
    hasher.finish()
}

/// The tag and the time there; no time, where nothing was ever written.
fn record(file: &File, at: u64) -> Result<([u8; TAG], u32)> {
    let mut record = [0; RECORD];
    if !read(file, &mut record, at)? {
        return Ok(([0; TAG], 0));
    }
    let (mut tag, mut time) = ([0; TAG], [0; 4]);
    tag.copy_from_slice(&record[..TAG]);
    time.copy_from_slice(&record[TAG..]);
    Ok((tag, u32::from_be_bytes(time)))
}

/// Does the file go on for so long?
fn read(file: &File, into: &mut [u8], at: u64) -> Result<bool> {
    match file.read_exact_at(into, at) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        outcome => outcome.map(|()| true),
    }
}

#[cfg(test)]
mod tests;
