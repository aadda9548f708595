use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::cursor::{Cursor, SecretFile};
use super::{FormatError, FormatErrorKind};
use crate::crypto::{CryptoError, Key};
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
}

impl Keytab {
    /// Reads a keytab file.
    ///
    /// # Errors
    /// [`FormatError`].
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
            let length = file.i32("entry length")?;
            let size = length.unsigned_abs() as usize;
            match length {
                0 => break, // MIT: the rest is unused
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

    /// The key of a principal by enctype and version; without a version the newest.
    #[must_use]
    pub fn find<'a>(
        &'a self,
        principal: &'a Principal,
        kvno: Option<u32>,
        enctype: EncType,
    ) -> Option<&'a KeytabEntry> {
        self.keys_for(principal)
            .filter(|entry| entry.enctype == enctype && kvno.is_none_or(|kvno| kvno == entry.kvno))
            .max_by_key(|entry| entry.kvno)
    }
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
