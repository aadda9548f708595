use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::cursor::{Cursor, SecretFile};
use super::{FormatError, FormatErrorKind};
use crate::crypto::{CryptoError, Key, MAX_CANDIDATES};
use crate::iana::{EncType, NameType};
use crate::{KerberosTime, Name, Principal};

/// A keytab file (MIT's "keytab file format"): long-term keys of services. Version 2 (`05 02`)
/// and version 1 (`05 01`, in either byte order) are read, version 2 is written.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Keytab {
    /// The entries, in the file's order; holes are left out.
    pub entries: Vec<KeytabEntry>,
}

/// One key. `Debug` does not show it.
#[derive(Clone, PartialEq)]
pub struct KeytabEntry {
    /// Whose key.
    pub principal: Principal,
    /// When it was written.
    pub timestamp: KerberosTime,
    /// Key version number, 32 bits where the file has them.
    pub kvno: u32,
    /// Its enctype, known to this crate or not.
    pub enctype: EncType,
    /// The key's octets.
    pub key_bytes: Zeroizing<Vec<u8>>,
}

impl core::fmt::Debug for KeytabEntry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} kvno {} ({})", self.principal, self.kvno, self.enctype)
    }
}

impl KeytabEntry {
    /// The key.
    ///
    /// # Errors
    /// If its enctype is unknown or dangerous, or its length is not that of its enctype.
    pub fn key(&self) -> Result<Key, CryptoError> {
        Key::new(self.enctype, &self.key_bytes)
    }

    /// The key, RC4 too. RC4 is broken: only for services that still get such tickets.
    ///
    /// # Errors
    /// If its enctype is unknown, or its length is not that of its enctype.
    pub fn danger_key(&self) -> Result<Key, CryptoError> {
        match self.enctype {
            EncType::RC4_HMAC => Key::danger_new_rc4(&self.key_bytes),
            _ => self.key(),
        }
    }

    /// Is this entry the newer one? By version; at the same time or later a small version is newer
    /// than a large one (MIT's rule: versions of 8 or 16 bits begin again).
    fn is_newer_than(&self, other: &Self) -> bool {
        let wrapped = |new: &Self, old: &Self| {
            new.kvno < 128 && old.kvno > 240 && new.timestamp >= old.timestamp
        };
        match (wrapped(self, other), wrapped(other, self)) {
            (true, _) => true,
            (_, true) => false,
            _ => self.kvno > other.kvno,
        }
    }

    /// How well the entry fits a version that a ticket names; less is better.
    fn misfit(&self, kvno: Option<u32>) -> u8 {
        match kvno {
            // 0 names none (MIT's IGNORE_VNO).
            None | Some(0) => 0,
            Some(kvno) if self.kvno == kvno => 0,
            // A read-only domain controller has its own number in the upper half (MS-KILE 3.1.5.8).
            Some(kvno) if self.kvno == kvno & 0xffff => 1,
            // 0 in a keytab stands for any version; and either side may know 8 bits only.
            Some(_) if self.kvno == 0 => 2,
            Some(kvno) if self.kvno == kvno & 0xff || self.kvno & 0xff == kvno => 2,
            Some(_) => 3,
        }
    }
}

impl Keytab {
    /// Reads a keytab file. One whose last entry is cut off (a full disk, a copy that was broken
    /// off) has the entries before it, as MIT reads it.
    ///
    /// # Errors
    /// [`FormatError`]; if the cut entry is the only one too.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut file = Cursor::new(bytes);
        let version = file.take(2, "version")?;
        let version_1 = match version {
            [5, 1] => true,
            [5, 2] => false,
            _ => return Err(Cursor::new(bytes).error(FormatErrorKind::UnknownVersion, "version")),
        };
        if version_1 {
            // Version 1 is in the byte order of whoever wrote it: the one in which the first
            // entry fits into the file.
            let mut probe = file.clone();
            let fits = probe
                .i32("entry length")
                .is_ok_and(|n| n.unsigned_abs() as usize <= probe.remaining());
            file.little_endian = !fits;
        }
        let mut entries = Vec::new();
        while !file.is_empty() {
            let length = file.i32("entry length");
            if length.is_err() && !entries.is_empty() {
                break;
            }
            let length = length?;
            let size = length.unsigned_abs() as usize;
            match length {
                0 => break, // MIT: the rest is unused
                1.. if size > file.remaining() && !entries.is_empty() => break,
                1.. => {
                    let entry = file.part(size, "entry")?;
                    entries.push(KeytabEntry::read(entry, version_1)?);
                }
                // A hole, where an entry was deleted. The last one may reach beyond the end.
                _ => drop(file.take(size.min(file.remaining()), "hole")?),
            }
        }
        Ok(Self { entries })
    }

    /// Writes a keytab file, version 2.
    ///
    /// # Errors
    /// [`FormatErrorKind::TooLarge`]: a name, a realm or a key of more than 65 535 bytes, as many
    /// components, or an enctype beyond 16 bits.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let mut file = SecretFile::new(&[5, 2]);
        for entry in &self.entries {
            let entry = entry.write()?;
            file.put(&(entry.len() as u32).to_be_bytes());
            file.put(&entry);
        }
        Ok(file.into_bytes())
    }

    /// All keys of a principal (same components and realm, whatever the name's type), in the
    /// file's order.
    pub fn keys_for<'a>(
        &'a self,
        principal: &'a Principal,
    ) -> impl Iterator<Item = &'a KeytabEntry> {
        self.entries.iter().filter(|entry| {
            entry.principal.name.same_components(&principal.name)
                && entry.principal.realm == principal.realm
        })
    }

    /// The keys of a principal that may open a ticket of this enctype and version, best first: those
    /// of exactly that version, or of its low 16 bits, where the others are a read-only domain controller's
    /// number; those that MIT takes for it (0 in a keytab stands for any version, and versions may be known
    /// by their low 8 bits only); all others. Among equals the newest
    /// comes first, and without a version (none, or 0) they all are equals. At most
    /// [`MAX_CANDIDATES`], each once; no RC4 and nothing that is no key.
    ///
    /// The version is a hint because keytabs made by hand (`ktutil addent`, `ktpass -kvno 0`) name
    /// another one than the KDC, and their keys are right.
    #[must_use]
    pub fn keys(&self, principal: &Principal, kvno: Option<u32>, enctype: EncType) -> Vec<Key> {
        self.candidates(principal, kvno, enctype, KeytabEntry::key)
    }

    /// As [`Self::keys`], RC4 too. RC4 is broken: only for services that still get such tickets.
    #[must_use]
    pub fn danger_keys(
        &self,
        principal: &Principal,
        kvno: Option<u32>,
        enctype: EncType,
    ) -> Vec<Key> {
        self.candidates(principal, kvno, enctype, KeytabEntry::danger_key)
    }

    /// The keys of an account to log in with, for `ClientSecret::Keys`: of each of these enctypes
    /// the newest and, behind it, the one before, which the KDC's replicas may still have. First
    /// come the enctypes that the account's newest version has, in the order given here, then the
    /// others (MIT's order). Which of two keys is newer is MIT's rule too: by version, and a small
    /// version that was not written before a large one is newer than that.
    ///
    /// No more than two, since a wrong key counts towards a lock-out; AD does not count the password
    /// before the current one.
    #[must_use]
    pub fn login_keys(&self, account: &Principal, enctypes: &[EncType]) -> Vec<Key> {
        self.login_keys_by(account, enctypes, KeytabEntry::key)
    }

    /// As [`Self::login_keys`], RC4 too, if it is among the enctypes. RC4 is broken: only where
    /// somebody has named it.
    #[must_use]
    pub fn danger_login_keys(&self, account: &Principal, enctypes: &[EncType]) -> Vec<Key> {
        self.login_keys_by(account, enctypes, KeytabEntry::danger_key)
    }

    fn login_keys_by(
        &self,
        account: &Principal,
        enctypes: &[EncType],
        key: fn(&KeytabEntry) -> Result<Key, CryptoError>,
    ) -> Vec<Key> {
        let newest = self.keys_for(account).fold(None, newer).map(|entry| entry.kvno);
        let is_current = |enctype: EncType| {
            let mut entries = self.keys_for(account).filter(|entry| entry.enctype == enctype);
            entries.any(|entry| Some(entry.kvno) == newest)
        };
        let (mut ordered, others): (Vec<_>, Vec<_>) =
            enctypes.iter().partition(|&&enctype| is_current(enctype));
        ordered.extend(others);
        let keys_of =
            |&enctype: &EncType| self.candidates(account, None, enctype, key).into_iter().take(2);
        ordered.into_iter().flat_map(keys_of).collect()
    }

    fn candidates(
        &self,
        principal: &Principal,
        kvno: Option<u32>,
        enctype: EncType,
        key: fn(&KeytabEntry) -> Result<Key, CryptoError>,
    ) -> Vec<Key> {
        let fitting = self.keys_for(principal).filter(|entry| entry.enctype == enctype);
        let mut entries: Vec<(u8, &KeytabEntry)> =
            fitting.map(|entry| (entry.misfit(kvno), entry)).collect();
        let mut keys: Vec<Key> = Vec::new();
        // Not sorted: MIT's "newer" is no order when versions begin again.
        for _ in 0..MAX_CANDIDATES {
            let Some(best) = position_of_best(&entries) else { break };
            let (_, entry) = entries.remove(best);
            keys.extend(key(entry).ok().filter(|key| !keys.contains(key)));
        }
        keys
    }
}

fn newer<'a>(best: Option<&'a KeytabEntry>, entry: &'a KeytabEntry) -> Option<&'a KeytabEntry> {
    match best {
        Some(best) if !entry.is_newer_than(best) => Some(best),
        _ => Some(entry),
    }
}

/// The first of the best: the least misfit, and of those the newest.
fn position_of_best(entries: &[(u8, &KeytabEntry)]) -> Option<usize> {
    let mut best: Option<(usize, u8, &KeytabEntry)> = None;
    for (at, &(misfit, entry)) in entries.iter().enumerate() {
        let is_better = best.is_none_or(|(_, least, newest)| {
            misfit < least || (misfit == least && entry.is_newer_than(newest))
        });
        if is_better {
            best = Some((at, misfit, entry));
        }
    }
    best.map(|(at, ..)| at)
}

impl KeytabEntry {
    fn read(mut entry: Cursor<'_>, version_1: bool) -> Result<Self, FormatError> {
        // Version 1 counts the realm as a component.
        let count = entry.u16("component count")?;
        let count = if version_1 { count.saturating_sub(1) } else { count };
        let realm = entry.octets16("realm")?.to_vec();
        let mut components = Vec::new();
        for _ in 0..count {
            components.push(entry.octets16("component")?.to_vec());
        }
        let name_type =
            if version_1 { NameType::UNKNOWN } else { NameType(entry.i32("name type")?) };
        let timestamp = KerberosTime::from_unix(entry.u32("timestamp")?.into());
        let kvno = u32::from(entry.u8("kvno")?);
        let enctype = EncType(entry.i16("enctype")?.into());
        let key_bytes = Zeroizing::new(entry.octets16("key")?.to_vec());
        // 32 bits of kvno may follow; zero there means that they are not used.
        let kvno = match entry.remaining() {
            4.. => Some(entry.u32("kvno")?).filter(|&kvno| kvno != 0).unwrap_or(kvno),
            _ => kvno,
        };
        let principal = Principal { name: Name { name_type, components }, realm };
        Ok(Self { principal, timestamp, kvno, enctype, key_bytes })
    }

    fn write(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let mut entry = SecretFile::new(&[]);
        let name = &self.principal.name;
        entry.put(&count(name.components.len(), "component count")?);
        octets(&mut entry, &self.principal.realm, "realm")?;
        for component in &name.components {
            octets(&mut entry, component, "component")?;
        }
        entry.put(&name.name_type.0.to_be_bytes());
        let timestamp = self.timestamp.unix().clamp(0, u32::MAX.into());
        entry.put(&(timestamp as u32).to_be_bytes());
        entry.put(&[self.kvno as u8]);
        let enctype = i16::try_from(self.enctype.0).map_err(|_| too_large("enctype"))?;
        entry.put(&enctype.to_be_bytes());
        octets(&mut entry, &self.key_bytes, "key")?;
        entry.put(&self.kvno.to_be_bytes());
        Ok(entry.into_bytes())
    }
}

/// What cannot be written is nowhere in a file.
const fn too_large(field: &'static str) -> FormatError {
    FormatError { kind: FormatErrorKind::TooLarge, offset: 0, field }
}

fn count(length: usize, field: &'static str) -> Result<[u8; 2], FormatError> {
    u16::try_from(length).map(u16::to_be_bytes).map_err(|_| too_large(field))
}

fn octets(entry: &mut SecretFile, octets: &[u8], field: &'static str) -> Result<(), FormatError> {
    entry.put(&count(octets.len(), field)?);
    entry.put(octets);
    Ok(())
}
