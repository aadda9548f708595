//! Caches that a daemon keeps for its users: sssd-kcm, or Heimdal's kcm.

mod wire;

use std::path::{Path, PathBuf};

use krb_proto::formats::{CacheEntry, CredentialCache, KdcOffset};
use zeroize::Zeroizing;

use super::entries::{MAX_ENTRIES, kept};
use super::place::Place;
use crate::cache_error::CacheError;
use wire::{Connection, Operation, Refused, malformed};

/// A UUID's octets.
const UUID: usize = 16;
/// So many caches of a user are looked at.
const MAX_CACHES: usize = 1_000;

/// A cache of a user's that a daemon keeps.
pub(super) struct Kcm {
    socket: PathBuf,
    residual: String,
}

impl Kcm {
    /// A cache by its name; without one, the user's primary cache.
    pub(super) fn resolve(socket: &Path, residual: &str) -> Result<Self, CacheError> {
        match residual {
            "" => Ok(Self { socket: socket.to_owned(), residual: Self::asking(socket, primary)? }),
            name => Self::named(socket, name),
        }
    }

    fn named(socket: &Path, name: &str) -> Result<Self, CacheError> {
        if name.contains('\0') {
            let cache = format!("KCM:{}", name.replace('\0', ""));
            return Err(CacheError::BadName { cache, why: "it has a NUL in it" });
        }
        Ok(Self { socket: socket.to_owned(), residual: name.to_owned() })
    }

    /// All of the user's, the primary one first; the one that is named, if one is.
    pub(super) fn all(socket: &Path, residual: &str) -> Result<Vec<Self>, CacheError> {
        let names = match residual {
            "" => Self::asking(socket, names)?,
            name => return Ok(vec![Self::named(socket, name)?]),
        };
        let cache = |residual| Self { socket: socket.to_owned(), residual };
        Ok(names.into_iter().map(cache).collect())
    }

    /// A cache of a name that the daemon makes up.
    pub(super) fn unique(socket: &Path) -> Result<Self, CacheError> {
        let ask = |daemon: &mut Connection| name(&daemon.ask(Operation::GEN_NEW, None, &[])?);
        let residual = Self::asking(socket, ask)?;
        Ok(Self { socket: socket.to_owned(), residual })
    }

    fn asking<T>(
        socket: &Path,
        ask: impl FnOnce(&mut Connection) -> Result<T, Refused>,
    ) -> Result<T, CacheError> {
        let asked = Connection::open(socket).and_then(|mut daemon| ask(&mut daemon));
        asked.map_err(|error| error.about("KCM:", socket))
    }

    fn ask<T>(
        &self,
        ask: impl FnOnce(&mut Connection, &str) -> Result<T, Refused>,
    ) -> Result<T, CacheError> {
        let asked =
            Connection::open(&self.socket).and_then(|mut daemon| ask(&mut daemon, &self.residual));
        asked.map_err(|error| error.about(&self.name(), &self.socket))
    }

    fn format<T>(&self, read: Result<T, krb_proto::formats::FormatError>) -> Result<T, CacheError> {
        read.map_err(CacheError::format(self.name()))
    }
}

impl Place for Kcm {
    fn name(&self) -> String {
        format!("KCM:{}", self.residual)
    }

    fn read(&self) -> Result<CredentialCache, CacheError> {
        let (principal, offset, entries) = self.ask(|daemon, name| {
            let principal = daemon.ask(Operation::GET_PRINCIPAL, Some(name), &[])?;
            // Whether and how far clocks differ is no reason to have no tickets.
            let offset = daemon.ask(Operation::GET_KDC_OFFSET, Some(name), &[]).ok();
            Ok((principal, offset, credentials(daemon, name)?))
        })?;
        // Heimdal's daemon answers nothing for a cache that was never initialized.
        if principal.is_empty() {
            return Err(CacheError::NotFound { cache: self.name() });
        }
        let principal = self.format(CredentialCache::principal_from_bytes(&principal))?;
        let mut cache = CredentialCache::new(principal);
        let seconds = offset.and_then(|octets| octets.first_chunk().copied());
        cache.kdc_offset = seconds
            .map(i32::from_be_bytes)
            .filter(|seconds| *seconds != 0)
            .map(|seconds| KdcOffset { seconds, microseconds: 0 });
        for entry in entries {
            cache.entries.push(self.format(CacheEntry::from_bytes(&entry))?);
        }
        Ok(cache)
    }

    fn initialize(&self, cache: &CredentialCache, _: u32) -> Result<(), CacheError> {
        self.ask(|daemon, name| {
            let principal = CredentialCache::principal_to_bytes(&cache.default_principal);
            let offset = cache.kdc_offset.map_or(0, |offset| offset.seconds).to_be_bytes();
            let count = (cache.entries.len() as u32).to_be_bytes();
            let entries: Vec<_> = cache.entries.iter().map(CacheEntry::to_bytes).collect();
            let lengths: Vec<_> =
                entries.iter().map(|entry| (entry.len() as u32).to_be_bytes()).collect();
            let mut arguments: Vec<&[u8]> = vec![&offset, &principal, &count];
            for (length, entry) in lengths.iter().zip(&entries) {
                arguments.extend([&length[..], entry]);
            }
            // In one step, where the daemon knows how. What it answers if it does not know the
            // operation is another code in each of them (sssd-kcm: KRB5_CC_IO), so any refusal is
            // taken for that, and what counts is whether the old way goes.
            if daemon.ask(Operation::REPLACE, Some(name), &arguments).is_ok() {
                return Ok(());
            }
            let mut daemon = Connection::open(&self.socket)?;
            daemon.ask(Operation::INITIALIZE, Some(name), &[&principal])?;
            if cache.kdc_offset.is_some() {
                let _ = daemon.ask(Operation::SET_KDC_OFFSET, Some(name), &[&offset]);
            }
            for entry in &entries {
                daemon.ask(Operation::STORE, Some(name), &[entry])?;
            }
            Ok(())
        })
    }

    fn store(&self, entries: &[CacheEntry], now: u32) -> Result<(), CacheError> {
        // A daemon puts what it is given beside what it has, and no two of them remove in the same
        // way; what is superseded goes by writing all anew.
        let mut cache = self.read()?;
        let mut kept = kept(&cache.entries, entries, now, &self.name())?.into_iter();
        let before = cache.entries.len();
        cache.entries.retain(|_| kept.next().unwrap_or(true));
        if cache.entries.len() < before {
            cache.entries.extend_from_slice(entries);
            // To Heimdal's daemon a cache that is made anew is no primary one any more.
            let was_primary = self.ask(|daemon, name| Ok(primary(daemon)? == name))?;
            self.initialize(&cache, now)?;
            return if was_primary { self.switch_to() } else { Ok(()) };
        }
        self.ask(|daemon, name| {
            entries.iter().try_for_each(|entry| {
                daemon.ask(Operation::STORE, Some(name), &[&entry.to_bytes()]).map(drop)
            })
        })
    }

    fn destroy(&self) -> Result<bool, CacheError> {
        self.ask(|daemon, name| match daemon.ask(Operation::DESTROY, Some(name), &[]) {
            Err(error) if error.is_not_there() => Ok(false),
            outcome => outcome.map(|_| true),
        })
    }

    fn switch_to(&self) -> Result<(), CacheError> {
        self.ask(|daemon, name| daemon.ask(Operation::SET_DEFAULT_CACHE, Some(name), &[]).map(drop))
    }
}

/// What the entries of a cache are, each alone. All at once where the daemon knows how; one after the
/// other where it does not, or not any more.
fn credentials(daemon: &mut Connection, name: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, Refused> {
    match daemon.ask(Operation::GET_CRED_LIST, Some(name), &[]) {
        Ok(list) => return counted(&list),
        Err(Refused::Code(..)) => {}
        Err(error) => return Err(error),
    }
    let uuids = daemon.ask(Operation::GET_CRED_UUID_LIST, Some(name), &[])?;
    may_be(uuids.len() / UUID)?;
    let mut entries = Vec::new();
    for uuid in uuids.chunks_exact(UUID) {
        match daemon.ask(Operation::GET_CRED_BY_UUID, Some(name), &[uuid]) {
            Ok(entry) => entries.push(entry),
            // It was removed meanwhile.
            Err(error) if error.is_not_there() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

/// A count, and so many entries with a length in front of each.
fn counted(list: &[u8]) -> Result<Vec<Zeroizing<Vec<u8>>>, Refused> {
    let malformed = || Refused::Connection(malformed());
    let (count, mut rest) = list.split_first_chunk().ok_or_else(malformed)?;
    let count = u32::from_be_bytes(*count) as usize;
    may_be(count)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk().ok_or_else(malformed)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (entry, after) = after.split_at_checked(length).ok_or_else(malformed)?;
        entries.push(Zeroizing::new(entry.to_vec()));
        rest = after;
    }
    Ok(entries)
}

/// Are there no more entries than there may be?
fn may_be(entries: usize) -> Result<(), Refused> {
    if entries > MAX_ENTRIES { Err(Refused::TooMany) } else { Ok(()) }
}

fn primary(daemon: &mut Connection) -> Result<String, Refused> {
    name(&daemon.ask(Operation::GET_DEFAULT_CACHE, None, &[])?)
}

/// The names of all caches, the primary one first.
fn names(daemon: &mut Connection) -> Result<Vec<String>, Refused> {
    let uuids = match daemon.ask(Operation::GET_CACHE_UUID_LIST, None, &[]) {
        Ok(uuids) => uuids,
        Err(error) if error.is_not_there() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for uuid in uuids.chunks_exact(UUID).take(MAX_CACHES) {
        match daemon.ask(Operation::GET_CACHE_BY_UUID, None, &[uuid]) {
            Ok(reply) => names.push(name(&reply)?),
            Err(error) if error.is_not_there() => {}
            Err(error) => return Err(error),
        }
    }
    let primary = primary(daemon)?;
    names.sort_by_key(|name| *name != primary);
    Ok(names)
}

/// A name, which ends with a NUL.
fn name(reply: &[u8]) -> Result<String, Refused> {
    let name = reply.split(|byte| *byte == 0).next().filter(|name| name.len() < reply.len());
    let name = name.and_then(|name| String::from_utf8(name.to_vec()).ok());
    name.ok_or_else(|| Refused::Connection(malformed()))
}

#[cfg(test)]
mod tests;
