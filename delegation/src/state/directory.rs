use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::config::StateConfig;
use super::failure::StateError;

/// The longest file that is read.
const MAX_FILE: u64 = 64 << 20;
/// What a key has at least.
const MIN_KEY: usize = 32;
const KEY_FILE: &str = "key";

/// The names of the files, and what each says before anything has happened.
pub(super) type Files = &'static [(&'static str, &'static str)];

/// The directory with the state: sealed files, each replaced as a whole. Whoever changes one holds
/// the lock, so that a server and a command line do not undo one another's changes.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    files: Files,
    key: hmac::Key,
}

/// Tells whether a file is still the one that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp(u64, i64, i64, u64);

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self(found.ino(), found.mtime(), found.mtime_nsec(), found.len())
    }
}

impl Directory {
    /// Looks at the directory and writes nothing. `None` if it is still to be made.
    pub(super) fn look(
        path: &Path,
        files: Files,
        config: &StateConfig,
    ) -> Result<Option<Self>, StateError> {
        let configured = configured(config)?;
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(place(path, error)),
            Ok(metadata) => check(path, &metadata)?,
        }
        let key = match configured {
            Some(key) => key,
            None => match kept(path)? {
                Some(key) => key,
                None => return Ok(None),
            },
        };
        let directory = Self { path: path.to_owned(), files, key };
        Ok((!directory.is_empty()).then_some(directory))
    }

    /// Opens the directory, and makes it and its key where they are missing.
    pub(super) fn open(
        path: &Path,
        files: Files,
        config: &StateConfig,
    ) -> Result<Self, StateError> {
        let configured = configured(config)?;
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(place(path, error));
            }
            _ => {}
        }
        check(path, &fs::metadata(path).map_err(|error| place(path, error))?)?;
        let key = match configured {
            Some(key) => key,
            None => made_key(path)?,
        };
        let directory = Self { path: path.to_owned(), files, key };
        let _locked = directory.lock()?;
        if directory.is_empty() {
            for (name, body) in files {
                let made = directory.replace(name, &directory.sealed(name, body.as_bytes()));
                made.map_err(|error| place(path, error))?;
            }
        }
        Ok(directory)
    }

    /// Nothing was ever kept here. Where one file is there, the others are not merely still to be made.
    fn is_empty(&self) -> bool {
        self.files.iter().all(|(name, _)| self.stamp(name).is_none())
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Is there such a file, and which?
    pub(super) fn stamp(&self, name: &str) -> Option<Stamp> {
        fs::metadata(self.file(name)).ok().as_ref().map(Stamp::of)
    }

    /// What a file says.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T, StateError> {
        let path = self.file(name);
        let mut text = Zeroizing::new(Vec::new());
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = "it is gone, although others are there".to_owned();
                return Err(StateError::Broken { path, what });
            }
            Err(error) => return Err(place(&path, error)),
            Ok(file) => {
                let read = file.take(MAX_FILE + 1).read_to_end(&mut text);
                read.map_err(|error| place(&path, error))?;
            }
        }
        let broken = |what: &str| StateError::Broken { path: path.clone(), what: what.to_owned() };
        if text.len() as u64 > MAX_FILE {
            return Err(broken("it is longer than 64 MiB"));
        }
        let body = self.unsealed(name, &text);
        let body = body.ok_or_else(|| {
            broken("its seal is wrong: it was edited, torn, or written with another state.key")
        })?;
        let read = serde_json::from_slice(body);
        read.map_err(|error| broken(&format!("it is of another version ({error})")))
    }

    /// Replaces a file with what `change` makes of it, all or nothing, and on the disk when this
    /// returns; says which it is then. Blocks.
    pub(super) fn update<T, R>(
        &self,
        name: &str,
        change: impl FnOnce(&mut T) -> Result<R, StateError>,
    ) -> Result<(R, Stamp), StateError>
    where
        T: DeserializeOwned + Serialize,
    {
        let _locked = self.lock()?;
        let mut value: T = self.read(name)?;
        let result = change(&mut value)?;
        let path = self.file(name);
        let body = serde_json::to_vec(&value).map_err(|error| place(&path, error))?;
        let replaced = self.replace(name, &self.sealed(name, &body));
        Ok((result, replaced.map_err(|error| place(&path, error))?))
    }

    /// Nobody else changes anything as long as this is held.
    fn lock(&self) -> Result<File, StateError> {
        let path = self.file("lock");
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&path);
        let locked = file.and_then(|file| {
            self.give(&file)?;
            file.lock().map(|()| file)
        });
        locked.map_err(|error| place(&path, error))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<Stamp> {
        let new = self.file(&format!("{name}.new"));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        self.give(&file)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let stamp = Stamp::of(&file.metadata()?);
        fs::rename(&new, self.file(name))?;
        File::open(&self.path)?.sync_all()?;
        Ok(stamp)
    }

    /// What root writes here is the directory's owner's, or the server could not read it.
    fn give(&self, file: &File) -> io::Result<()> {
        let (ours, owner) = (file.metadata()?, fs::metadata(&self.path)?);
        if (ours.uid(), owner.uid()) == (0, 0) || ours.uid() == owner.uid() {
            return Ok(());
        }
        fchown(file, Some(owner.uid()), Some(owner.gid()))
    }

    fn seal(&self, name: &str, body: &[u8]) -> hmac::Context {
        let mut seal = hmac::Context::with_key(&self.key);
        // The name, so that no file stands for another.
        seal.update(&heading(name));
        seal.update(body);
        seal
    }

    fn sealed(&self, name: &str, body: &[u8]) -> Vec<u8> {
        let tag = self.seal(name, body).sign();
        let mut text = heading(name);
        text.extend(hex(tag.as_ref()).as_bytes());
        text.push(b'\n');
        text.extend(body);
        text
    }

    fn unsealed<'a>(&self, name: &str, text: &'a [u8]) -> Option<&'a [u8]> {
        let rest = text.strip_prefix(&*heading(name))?;
        let (tag, rest) = rest.split_at_checked(64)?;
        let body = rest.strip_prefix(b"\n")?;
        let mut signed = heading(name);
        signed.extend(body);
        hmac::verify(&self.key, &signed, &unhex(tag)?).ok()?;
        Some(body)
    }
}

fn heading(name: &str) -> Vec<u8> {
    format!("krb-mcp state 1 {name}\nhmac-sha256 ").into_bytes()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let pair = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}

fn key(bytes: &[u8]) -> hmac::Key {
    let master = hmac::Key::new(hmac::HMAC_SHA256, bytes);
    let derived = hmac::sign(&master, b"krb-mcp state files");
    hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
}

fn configured(config: &StateConfig) -> Result<Option<hmac::Key>, StateError> {
    let Some(secret) = &config.key else { return Ok(None) };
    let text = secret.resolve().map_err(|error| StateError::Key(error.to_string()))?;
    if text.len() < MIN_KEY {
        let what = "has fewer than 32 characters; `openssl rand -base64 32` makes one";
        return Err(StateError::Key(what.to_owned()));
    }
    Ok(Some(key(text.as_bytes())))
}

/// The key that lies beside the files.
fn kept(directory: &Path) -> Result<Option<hmac::Key>, StateError> {
    let path = directory.join(KEY_FILE);
    let mut bytes = Zeroizing::new(Vec::new());
    match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(place(&path, error)),
        Ok(file) => {
            file.take(1024).read_to_end(&mut bytes).map_err(|error| place(&path, error))?;
        }
    }
    if bytes.len() < MIN_KEY {
        let what = "it is no key".to_owned();
        return Err(StateError::Broken { path, what });
    }
    Ok(Some(key(&bytes)))
}

fn made_key(directory: &Path) -> Result<hmac::Key, StateError> {
    if let Some(key) = kept(directory)? {
        return Ok(key);
    }
    let path = directory.join(KEY_FILE);
    let make = || {
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(io::Error::other)?;
        // Complete when it gets its name, and never in the place of one that is there.
        let new = directory.join(format!("{KEY_FILE}.{}", std::process::id()));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let owner = fs::metadata(directory)?;
        if file.metadata()?.uid() != owner.uid() {
            fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
        file.write_all(hex(&*bytes).as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&new, &path);
        fs::remove_file(&new)?;
        File::open(directory)?.sync_all()?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    };
    make().map_err(|error| place(&path, error))?;
    let none = || place(&path, "it was made and is not there");
    kept(directory)?.ok_or_else(none)
}

/// Others have no business there.
fn check(path: &Path, found: &Metadata) -> Result<(), StateError> {
    if !found.is_dir() {
        return Err(place(path, "it is no directory"));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        let what = format!("everybody can look into it (mode {mode:03o}): chmod 700");
        return Err(place(path, what));
    }
    Ok(())
}

fn place(path: &Path, what: impl ToString) -> StateError {
    StateError::Place { path: path.to_owned(), what: what.to_string() }
}
