//! Caches in the kernel's keyrings, laid out as MIT's library does (`cc_keyring.c`): a collection is a
//! keyring `_krb_NAME` below its anchor, with a keyring for each cache and a key that says which is
//! the primary one; a cache is a keyring with a key for its principal and one for each entry.

mod kernel;

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use krb_proto::formats::{CacheEntry, CredentialCache, KdcOffset};
use nix::libc;

use super::entries::MAX_ENTRIES;
use super::place::Place;
use super::unique::letters;
use crate::cache_error::CacheError;
use kernel::{Ring, on_its_thread};

const COLLECTION: &str = "_krb_";
/// What the collection of a persistent keyring is called.
const PERSISTENT: &str = "_krb";
const PRIMARY: &str = "krb_ccache:primary";
const PRIMARY_VERSION: u32 = 1;
/// The first cache of a collection that has no name.
const UNNAMED: &str = "tkt";
const UNIQUE: &str = "krb_ccache_";
const PRINCIPAL: &str = "__krb5_princ__";
const OFFSETS: &str = "__krb5_time_offsets__";

/// What a collection hangs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Anchor {
    Session,
    Process,
    User,
    Persistent,
    /// The session, for names without an anchor; the first cache is linked there itself, for programs
    /// that know no collections.
    Legacy,
}

impl Anchor {
    const ALL: [(Self, &str); 5] = [
        (Self::Session, "session"),
        (Self::Process, "process"),
        (Self::User, "user"),
        (Self::Persistent, "persistent"),
        (Self::Legacy, "legacy"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(anchor, _)| *anchor == self).map_or("", |(_, name)| name)
    }
}

/// A cache in a keyring.
#[derive(Clone)]
pub(super) struct Keyring {
    collection: Collection,
    cache: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Collection {
    anchor: Anchor,
    name: String,
}

impl Keyring {
    /// `ANCHOR:COLLECTION:CACHE` is a cache, `ANCHOR:COLLECTION` a collection, which means its primary
    /// cache, and so is `COLLECTION` alone.
    pub(super) fn resolve(residual: &str) -> Result<Self, CacheError> {
        let (collection, cache) = parse(residual)?;
        let cache = match cache {
            Some(cache) => cache,
            None => doing(residual, {
                let collection = collection.clone();
                move || collection.primary()
            })?,
        };
        Ok(Self { collection, cache })
    }

    /// All of a collection, the primary one first; the one that is named, if one is.
    pub(super) fn all(residual: &str) -> Result<Vec<Self>, CacheError> {
        let (collection, cache) = parse(residual)?;
        if let Some(cache) = cache {
            return Ok(vec![Self { collection, cache }]);
        }
        let names = doing(residual, {
            let collection = collection.clone();
            move || collection.caches()
        })?;
        let keyring = |cache| Self { collection: collection.clone(), cache };
        Ok(names.into_iter().map(keyring).collect())
    }

    /// A cache of a name that no other of the collection has.
    pub(super) fn unique(residual: &str) -> Result<Self, CacheError> {
        match parse(residual)? {
            (_, Some(_)) => Err(CacheError::NoCollection { cache: format!("KEYRING:{residual}") }),
            (collection, None) => Ok(Self { collection, cache: format!("{UNIQUE}{}", letters()) }),
        }
    }

    fn doing<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> kernel::Result<T> + Send + 'static,
    ) -> Result<T, CacheError> {
        let this = self.clone();
        doing(&self.residual(), move || work(this))
    }

    fn residual(&self) -> String {
        let Collection { anchor, name } = &self.collection;
        format!("{}:{name}:{}", anchor.name(), self.cache)
    }

    fn ring(&self) -> kernel::Result<Option<Ring>> {
        let in_collection = match self.collection.ring()? {
            Some(collection) => collection.ring(&self.cache, None)?,
            None => None,
        };
        match in_collection {
            None if self.is_legacy() => Ring::session()?.ring(&self.cache, None),
            found => Ok(found),
        }
    }

    /// Is it the cache that programs without collections know by this name?
    fn is_legacy(&self) -> bool {
        self.collection.anchor == Anchor::Legacy && self.cache == self.collection.name
    }

    #[cfg(test)]
    fn remove_collection(&self) {
        let this = self.clone();
        let removed = on_its_thread(move || {
            let (anchor, possess) = this.collection.anchor()?;
            let Some(ring) = this.collection.ring()? else { return Ok(()) };
            if let Some(possess) = possess {
                ring.unlink(possess)?;
            }
            ring.unlink(anchor)
        });
        let _: kernel::Result<()> = removed.unwrap();
    }

    fn put(&self, ring: Ring, entry: &CacheEntry, now: u32) -> kernel::Result<()> {
        let (name, bytes) = (key_name(entry), entry.to_bytes());
        let key = match self.collection.anchor {
            Anchor::Legacy => ring.put(&name, &bytes)?,
            _ => ring.put_large(&name, &bytes)?,
        };
        match entry.times[2].checked_sub(now) {
            // Configuration entries have no end, and 0 would mean none here too.
            Some(seconds) if seconds > 0 => key.ends_in(seconds),
            _ => Ok(()),
        }
    }

    /// The keyring goes when the last of its tickets ends.
    fn expire(ring: Ring, entries: &[CacheEntry], now: u32) -> kernel::Result<()> {
        match entries.iter().map(|entry| entry.times[2]).max() {
            None | Some(0) => Ok(()),
            Some(end) => ring.ends_in(end.saturating_sub(now).max(1)),
        }
    }
}

/// The entries' keys are named by their servers. The kernel's names end at a NUL.
fn key_name(entry: &CacheEntry) -> String {
    entry.server.to_string().replace('\0', "\\0")
}

/// What a keyring holds that is a cache.
fn contents(ring: Ring) -> kernel::Result<Option<CredentialCache>> {
    let invalid = |error| Error::new(ErrorKind::InvalidData, format!("{error}"));
    let Some(principal) = ring.key(PRINCIPAL)? else { return Ok(None) };
    let Some(bytes) = principal.read()? else { return Ok(None) };
    let mut cache =
        CredentialCache::new(CredentialCache::principal_from_bytes(&bytes).map_err(invalid)?);
    let offsets = ring.key(OFFSETS)?;
    if let Some(offsets) = offsets
        && let Some(bytes) = offsets.read()?
        && let ([seconds, microseconds, ..], _) = bytes.as_chunks::<4>()
    {
        let [seconds, microseconds] = [*seconds, *microseconds].map(i32::from_be_bytes);
        cache.kdc_offset = Some(KdcOffset { seconds, microseconds });
    }
    for key in ring.keys()?.into_iter().take(MAX_ENTRIES + 2) {
        if key.is(principal) || offsets.is_some_and(|offsets| key.is(offsets)) {
            continue;
        }
        // What ended in the meantime is gone.
        if let Some(bytes) = key.read()? {
            cache.entries.push(CacheEntry::from_bytes(&bytes).map_err(invalid)?);
        }
    }
    Ok(Some(cache))
}

impl Place for Keyring {
    fn name(&self) -> String {
        format!("KEYRING:{}", self.residual())
    }

    fn read(&self) -> Result<CredentialCache, CacheError> {
        let cache = self.doing(|this| match this.ring()? {
            Some(ring) => contents(ring),
            None => Ok(None),
        })?;
        cache.ok_or_else(|| CacheError::NotFound { cache: self.name() })
    }

    fn initialize(&self, cache: &CredentialCache, now: u32) -> Result<(), CacheError> {
        full(&self.name(), cache.entries.len())?;
        let cache = cache.clone();
        self.doing(move |this| {
            let collection = this.collection.make()?;
            let ring = match this.ring()? {
                Some(ring) => ring,
                None => collection.make_ring(&this.cache, None)?,
            };
            ring.clear()?;
            if this.is_legacy() {
                ring.link(Ring::session()?)?;
                ring.link(collection)?;
            }
            ring.put(PRINCIPAL, &CredentialCache::principal_to_bytes(&cache.default_principal))?;
            if let Some(KdcOffset { seconds, microseconds }) = cache.kdc_offset
                && !this.is_legacy()
            {
                let octets = [seconds, microseconds].map(i32::to_be_bytes);
                ring.put(OFFSETS, octets.as_flattened())?;
            }
            cache.entries.iter().try_for_each(|entry| this.put(ring, entry, now))?;
            Self::expire(ring, &cache.entries, now)
        })
    }

    fn store(&self, entries: &[CacheEntry], now: u32) -> Result<(), CacheError> {
        let held = self.read()?;
        full(&self.name(), held.entries.len() + entries.len())?;
        let entries = entries.to_vec();
        let name = self.name();
        let stored = self.doing(move |this| {
            let Some(ring) = this.ring()? else { return Ok(false) };
            entries.iter().try_for_each(|entry| this.put(ring, entry, now))?;
            Self::expire(ring, &[held.entries, entries].concat(), now)?;
            Ok(true)
        })?;
        if stored { Ok(()) } else { Err(CacheError::NotFound { cache: name }) }
    }

    fn destroy(&self) -> Result<bool, CacheError> {
        self.doing(|this| {
            let Some(ring) = this.ring()? else { return Ok(false) };
            ring.clear()?;
            if let Some(collection) = this.collection.ring()? {
                ring.unlink(collection)?;
            }
            if this.is_legacy() {
                // Where it was made by a program that has collections, it may not be linked there.
                let _ = ring.unlink(Ring::session()?);
            }
            Ok(true)
        })
    }

    fn switch_to(&self) -> Result<(), CacheError> {
        self.doing(|this| this.collection.set_primary(&this.cache))
    }
}

impl Collection {
    /// The keyring that it hangs on, and the one by which that is possessed.
    fn anchor(&self) -> kernel::Result<(Ring, Option<Ring>)> {
        Ok(match self.anchor {
            Anchor::Session | Anchor::Legacy => (Ring::session()?, None),
            Anchor::Process => (Ring::PROCESS, None),
            Anchor::User => (Ring::USER, Some(Ring::PROCESS)),
            Anchor::Persistent => {
                let own = || nix::unistd::geteuid().as_raw();
                let uid = self.name.parse().unwrap_or_else(|_| own());
                (Ring::persistent(uid)?, Some(Ring::PROCESS))
            }
        })
    }

    fn ring_name(&self) -> String {
        match self.anchor {
            Anchor::Persistent => PERSISTENT.to_owned(),
            _ => format!("{COLLECTION}{}", self.name),
        }
    }

    fn ring(&self) -> kernel::Result<Option<Ring>> {
        let (anchor, possess) = self.anchor()?;
        anchor.ring(&self.ring_name(), possess)
    }

    fn make(&self) -> kernel::Result<Ring> {
        let (anchor, possess) = self.anchor()?;
        let ring = anchor.make_ring(&self.ring_name(), possess)?;
        if ring.key(PRIMARY)?.is_none() {
            ring.put(PRIMARY, &primary_key(self.first()))?;
        }
        Ok(ring)
    }

    fn first(&self) -> &str {
        if self.name.is_empty() { UNNAMED } else { &self.name }
    }

    fn primary(&self) -> kernel::Result<String> {
        let payload = match self.ring()? {
            Some(ring) => ring.key(PRIMARY)?.map(|key| key.read()).transpose()?.flatten(),
            None => None,
        };
        let Some(payload) = payload else { return Ok(self.first().to_owned()) };
        let name = payload.split_first_chunk().and_then(|(version, rest)| {
            let (length, name) = rest.split_first_chunk()?;
            let name = name.get(..u32::from_be_bytes(*length) as usize)?;
            let is_known = u32::from_be_bytes(*version) == PRIMARY_VERSION;
            // A name without an end is none to the kernel.
            let is_name = is_known && !name.contains(&0);
            is_name.then(|| String::from_utf8(name.to_vec()).ok()).flatten()
        });
        let error = "the key that says which cache is the primary one makes no sense";
        name.ok_or_else(|| Error::new(ErrorKind::InvalidData, error))
    }

    fn set_primary(&self, cache: &str) -> kernel::Result<()> {
        self.make()?.put(PRIMARY, &primary_key(cache)).map(drop)
    }

    fn caches(&self) -> kernel::Result<Vec<String>> {
        let Some(ring) = self.ring()? else { return Ok(Vec::new()) };
        let primary = self.primary()?;
        let keys = ring.keys()?;
        let mut names: Vec<_> = keys.into_iter().filter_map(|key| key.ring_name()).collect();
        names.sort_by_key(|name| *name != primary);
        Ok(names)
    }
}

fn primary_key(cache: &str) -> Vec<u8> {
    let head = [PRIMARY_VERSION, cache.len() as u32].map(u32::to_be_bytes);
    [head.as_flattened(), cache.as_bytes()].concat()
}

fn full(cache: &str, entries: usize) -> Result<(), CacheError> {
    if entries > MAX_ENTRIES {
        return Err(CacheError::Full { cache: cache.to_owned(), limit: MAX_ENTRIES });
    }
    Ok(())
}

fn parse(residual: &str) -> Result<(Collection, Option<String>), CacheError> {
    let bad =
        |why| CacheError::BadName { cache: format!("KEYRING:{}", residual.replace('\0', "")), why };
    if residual.contains('\0') {
        return Err(bad("it has a NUL in it"));
    }
    let (anchor, rest) = residual.split_once(':').unwrap_or((Anchor::Legacy.name(), residual));
    let known = Anchor::ALL.iter().find(|(_, name)| *name == anchor).map(|(anchor, _)| *anchor);
    let anchor = known.ok_or_else(|| {
        bad("the word behind KEYRING: is none of session, process, user and persistent")
    })?;
    let (name, cache) = match rest.split_once(':') {
        Some((name, cache)) => (name, Some(cache.to_owned())),
        None => (rest, None),
    };
    if anchor == Anchor::Persistent && !name.is_empty() && name.parse::<u32>().is_err() {
        return Err(bad("the word behind KEYRING:persistent: is no user's number"));
    }
    Ok((Collection { anchor, name: name.to_owned() }, cache))
}

/// Does something with keys, and says of which cache that failed.
fn doing<T: Send + 'static>(
    residual: &str,
    work: impl FnOnce() -> kernel::Result<T> + Send + 'static,
) -> Result<T, CacheError> {
    let cache = format!("KEYRING:{residual}");
    let done = on_its_thread(work).ok_or(CacheError::Abandoned)?;
    done.map_err(|error| {
        // Container runtimes forbid it, and a kernel may be without.
        let is_forbidden =
            matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM | libc::EOPNOTSUPP));
        let error = Arc::new(error);
        match is_forbidden {
            true => CacheError::NoKeyrings { cache, error },
            false => CacheError::Io { cache, error },
        }
    })
}

#[cfg(test)]
mod tests;
