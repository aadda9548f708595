//! The kernel's keys, as far as caches need them. Everything is done on one thread: keyrings of a
//! process are seen by the thread that made them and by those that it starts, not by its siblings.

use std::io::{Error, ErrorKind};
use std::sync::{LazyLock, mpsc};
use std::thread;

use keyutils_raw::{
    KEY_SPEC_PROCESS_KEYRING, KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING,
    KEY_SPEC_USER_SESSION_KEYRING, KEY_TYPE_BIG_KEY, KEY_TYPE_KEYRING, KEY_TYPE_USER,
    KeyringSerial, add_key, keyctl_clear, keyctl_describe, keyctl_get_keyring_id,
    keyctl_get_persistent, keyctl_link, keyctl_read, keyctl_search, keyctl_set_timeout,
    keyctl_unlink,
};
use nix::libc;
use zeroize::Zeroizing;

pub(super) type Result<T> = std::result::Result<T, Error>;

/// No key is longer (`/proc/sys/kernel/keys` lets nobody have more).
const MAX_KEY: usize = 4 << 20;

/// What a key of the usual type holds.
const MAX_USER_KEY: usize = 32_767;

type Job = Box<dyn FnOnce() + Send>;

/// Does something with keys, and waits for it. `None` if that ended without a result.
pub(super) fn on_its_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    static THREAD: LazyLock<Option<mpsc::Sender<Job>>> = LazyLock::new(|| {
        let (sender, jobs) = mpsc::channel::<Job>();
        let begin = move || jobs.into_iter().for_each(|job| job());
        thread::Builder::new().name("keyrings".to_owned()).spawn(begin).ok().map(|_| sender)
    });
    let (sender, result) = mpsc::sync_channel(1);
    let job = move || drop(sender.send(work()));
    THREAD.as_ref()?.send(Box::new(job)).ok()?;
    result.recv().ok()
}

/// A keyring.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ring(KeyringSerial);

/// What a keyring is linked to.
#[derive(Clone, Copy)]
pub(super) struct Key(KeyringSerial);

fn error(errno: impl Into<Error>) -> Error {
    errno.into()
}

/// `None` if it is not there, or not any more.
fn found<T>(outcome: std::result::Result<T, impl Into<Error>>) -> Result<Option<T>> {
    match outcome.map_err(error) {
        Ok(value) => Ok(Some(value)),
        Err(error) if says(&error, &[libc::ENOKEY, libc::EKEYEXPIRED, libc::EKEYREVOKED]) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn says(error: &Error, one_of: &[i32]) -> bool {
    error.raw_os_error().is_some_and(|code| one_of.contains(&code))
}

impl Ring {
    pub(super) const PROCESS: Self = Self(KEY_SPEC_PROCESS_KEYRING);
    pub(super) const USER: Self = Self(KEY_SPEC_USER_KEYRING);

    /// The keyring of the session. Where no session has one, it is the user's; writing to it by its
    /// own name would make one that nobody else sees.
    pub(super) fn session() -> Result<Self> {
        let session = keyctl_get_keyring_id(KEY_SPEC_SESSION_KEYRING, false).map_err(error)?;
        let users = keyctl_get_keyring_id(KEY_SPEC_USER_SESSION_KEYRING, false);
        Ok(Self(match users {
            Ok(users) if users == session => KEY_SPEC_USER_SESSION_KEYRING,
            _ => KEY_SPEC_SESSION_KEYRING,
        }))
    }

    /// The keyring of a user that outlives sessions, possessed by way of the process's. A kernel
    /// without them has the user's own keyring in its place.
    pub(super) fn persistent(uid: u32) -> Result<Self> {
        let is_own = uid == nix::unistd::geteuid().as_raw();
        match keyctl_get_persistent(uid, KEY_SPEC_PROCESS_KEYRING).map_err(error) {
            Ok(ring) => Ok(Self(ring)),
            Err(error) if is_own && says(&error, &[libc::EOPNOTSUPP]) => Ok(Self::USER),
            // Which says nothing of whether there are keyrings.
            Err(error) if !is_own && says(&error, &[libc::EPERM]) => {
                let why =
                    format!("it is the keyring of another user ({uid}), which root alone may use");
                Err(Error::new(ErrorKind::PermissionDenied, why))
            }
            Err(error) => Err(error),
        }
    }

    fn search(self, kind: &str, name: &str, link: Option<Self>) -> Result<Option<KeyringSerial>> {
        found(keyctl_search(self.0, kind, name, link.map(|ring| ring.0)))
    }

    /// A keyring in this one, linked to `possess` if that is given.
    pub(super) fn ring(self, name: &str, possess: Option<Self>) -> Result<Option<Self>> {
        Ok(self.search(KEY_TYPE_KEYRING, name, possess)?.map(Self))
    }

    /// The same; it is made if there is none. Where having a parent is not yet having its keys, it
    /// is made where it is possessed.
    pub(super) fn make_ring(self, name: &str, possess: Option<Self>) -> Result<Self> {
        if let Some(ring) = self.ring(name, possess)? {
            return Ok(ring);
        }
        let parent = possess.unwrap_or(self);
        let ring = add_key(KEY_TYPE_KEYRING, name, &[], parent.0).map_err(error)?;
        if possess.is_some() {
            keyctl_link(ring, self.0).map_err(error)?;
        }
        Ok(Self(ring))
    }

    pub(super) fn key(self, name: &str) -> Result<Option<Key>> {
        Ok(self.search(KEY_TYPE_USER, name, None)?.map(Key))
    }

    pub(super) fn put(self, name: &str, payload: &[u8]) -> Result<Key> {
        add_key(KEY_TYPE_USER, name, payload, self.0).map(Key).map_err(error).map_err(|error| {
            let is_too_large = payload.len() > MAX_USER_KEY && says(&error, &[libc::EINVAL]);
            let why = "it is larger than 32,767 octets, and this kernel has no keys for more";
            if is_too_large { Error::new(ErrorKind::InvalidInput, why) } else { error }
        })
    }

    /// The same for what may be large, where the kernel has a type for that.
    pub(super) fn put_large(self, name: &str, payload: &[u8]) -> Result<Key> {
        match add_key(KEY_TYPE_BIG_KEY, name, payload, self.0).map_err(error) {
            Ok(key) => Ok(Key(key)),
            Err(error) if says(&error, &[libc::EINVAL, libc::ENODEV]) => self.put(name, payload),
            Err(error) => Err(error),
        }
    }

    /// All that is linked to it.
    pub(super) fn keys(self) -> Result<Vec<Key>> {
        let links = read(self.0)?.unwrap_or_default();
        let (serials, _) = links.as_chunks::<4>();
        let serials = serials.iter().map(|serial| i32::from_ne_bytes(*serial));
        Ok(serials.filter_map(|serial| KeyringSerial::new(serial).map(Key)).collect())
    }

    pub(super) fn clear(self) -> Result<()> {
        keyctl_clear(self.0).map_err(error)
    }

    pub(super) fn link(self, to: Self) -> Result<()> {
        keyctl_link(self.0, to.0).map_err(error)
    }

    pub(super) fn unlink(self, from: Self) -> Result<()> {
        keyctl_unlink(self.0, from.0).map_err(error)
    }

    /// It goes by itself after so many seconds.
    pub(super) fn ends_in(self, seconds: u32) -> Result<()> {
        keyctl_set_timeout(self.0, seconds).map_err(error)
    }
}

impl Key {
    /// `None` if it is gone.
    pub(super) fn read(self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        read(self.0)
    }

    pub(super) const fn is(self, other: Self) -> bool {
        self.0.get() == other.0.get()
    }

    /// It goes by itself after so many seconds.
    pub(super) fn ends_in(self, seconds: u32) -> Result<()> {
        keyctl_set_timeout(self.0, seconds).map_err(error)
    }

    /// Its name, if it is a keyring. `None` if it is none, or gone.
    pub(super) fn ring_name(self) -> Option<String> {
        let mut bytes = vec![0; keyctl_describe(self.0, None).ok()?];
        let length = keyctl_describe(self.0, Some(bytes.as_mut_slice().into())).ok()?;
        let text = String::from_utf8(bytes.get(..length)?.to_vec()).ok()?;
        // type;uid;gid;permissions;name
        let mut fields = text.trim_end_matches('\0').splitn(5, ';');
        (fields.next()? == KEY_TYPE_KEYRING).then_some(())?;
        fields.nth(3).map(str::to_owned)
    }
}

fn read(key: KeyringSerial) -> Result<Option<Zeroizing<Vec<u8>>>> {
    // It may grow between asking how long it is and reading it.
    for _ in 0..10 {
        let Some(length) = found(keyctl_read(key, None))? else { return Ok(None) };
        if length > MAX_KEY {
            return Err(Error::new(ErrorKind::InvalidData, "a key of more than 4 MiB"));
        }
        let mut bytes = Zeroizing::new(vec![0; length]);
        match found(keyctl_read(key, Some(bytes.as_mut_slice().into())))? {
            None => return Ok(None),
            Some(length) if length <= bytes.len() => {
                bytes.truncate(length);
                return Ok(Some(bytes));
            }
            Some(_) => {}
        }
    }
    Err(Error::new(ErrorKind::Interrupted, "the key does not stay as it is"))
}
