use alloc::vec::Vec;
use core::ops::Range;

use zeroize::Zeroizing;

use super::cursor::{Cursor, SecretFile};
use super::{FormatError, FormatErrorKind};
use crate::credential::TicketTimes;
use crate::crypto::{CryptoError, Key};
use crate::iana::{EncType, NameType, TicketFlags};
use crate::{Credential, KerberosTime, Name, Principal};

/// The header field of version 4 that holds the KDC's time offset.
const DELTA_TIME: u16 = 1;

/// A credential cache file (MIT's "credential cache file format"). Versions 1 to 4 are read,
/// version 4 is written.
#[derive(Clone, PartialEq, Debug)]
pub struct CredentialCache {
    /// How far the KDC's clock was from the writer's.
    pub kdc_offset: Option<KdcOffset>,
    /// Whose cache it is.
    pub default_principal: Principal,
    /// Fields of a version 4 header that this crate has no meaning for: tag and octets. They are
    /// kept for those who have.
    other_fields: Vec<(u16, Vec<u8>)>,
    /// Tickets, and MIT's configuration entries (realm `X-CACHECONF:`), in the file's order.
    pub entries: Vec<CacheEntry>,
}

/// The time offset in a version 4 header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KdcOffset {
    /// Seconds.
    pub seconds: i32,
    /// Microseconds.
    pub microseconds: i32,
}

/// One credential, whatever its enctype. `Debug` does not show the key.
#[derive(Clone, PartialEq)]
pub struct CacheEntry {
    /// The client.
    pub client: Principal,
    /// The server.
    pub server: Principal,
    /// The session key's enctype, known to this crate or not. The file has 16 bits for it.
    pub enctype: EncType,
    /// The session key.
    pub key_bytes: Zeroizing<Vec<u8>>,
    /// Seconds since 1970: authtime, starttime, endtime, renew-till; 0 where there is none. Unsigned,
    /// as in MIT since 1.16, so until 2106.
    pub times: [u32; 4],
    /// Is it encrypted in another ticket's session key (user-to-user)?
    pub is_skey: bool,
    /// Ticket flags.
    pub flags: TicketFlags,
    /// Addresses: type, never negative (MIT reads it so), and octets.
    pub addresses: Vec<(u16, Vec<u8>)>,
    /// Authorization data: type, of which the file has 16 bits, and octets.
    pub authdata: Vec<(i16, Vec<u8>)>,
    /// The ticket, DER; for a configuration entry its value.
    pub ticket: Vec<u8>,
    /// The second ticket, for user-to-user.
    pub second_ticket: Vec<u8>,
}

impl core::fmt::Debug for CacheEntry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} for {} ({})", self.server, self.client, self.enctype)
    }
}

impl CredentialCache {
    /// An empty cache.
    #[must_use]
    pub const fn new(default_principal: Principal) -> Self {
        Self { kdc_offset: None, default_principal, other_fields: Vec::new(), entries: Vec::new() }
    }

    /// Reads a cache file. One whose last entry is cut off, by a writer that was stopped, has the
    /// entries before it, as MIT reads it; what was [removed](CacheEntry::removed) is left out.
    ///
    /// # Errors
    /// [`FormatError`]; if the cut entry is the only one too.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::locate(bytes).map(|(cache, _)| cache)
    }

    /// Reads a cache file as [`Self::from_bytes`] does, and says where its entries lie, for those who
    /// change it in its place.
    ///
    /// # Errors
    /// [`FormatError`]; if the cut entry is the only one too.
    pub fn locate(bytes: &[u8]) -> Result<(Self, CachePlaces), FormatError> {
        let mut file = Cursor::new(bytes);
        let version = match file.take(2, "version")? {
            [5, version @ 1..=4] => *version,
            _ => return Err(Cursor::new(bytes).error(FormatErrorKind::UnknownVersion, "version")),
        };
        let (kdc_offset, other_fields) =
            if version == 4 { read_header(&mut file)? } else { (None, Vec::new()) };
        if version <= 2 {
            // These are in the byte order of whoever wrote them: the one in which the default
            // principal can be read.
            let mut probe = file.clone();
            file.little_endian = read_principal(&mut probe, version).is_err();
        }
        let default_principal = read_principal(&mut file, version)?;
        let mut entries = Vec::new();
        let mut places =
            CachePlaces { version, entries: Vec::new(), removed: 0, end: file.offset() };
        while !file.is_empty() {
            let is_first = entries.is_empty() && places.removed == 0;
            match CacheEntry::read(&mut file, version) {
                Ok(entry) if entry.is_removed() => places.removed += file.offset() - places.end,
                Ok(entry) => {
                    entries.push(entry);
                    places.entries.push(places.end..file.offset());
                }
                Err(error) if error.kind == FormatErrorKind::Truncated && !is_first => break,
                Err(error) => return Err(error),
            }
            places.end = file.offset();
        }
        Ok((Self { kdc_offset, default_principal, other_fields, entries }, places))
    }

    /// Writes a cache file, version 4.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Every length in here was read from 16 bits, or is 8 for the offset.
        let mut header = Vec::new();
        let mut field = |tag: u16, octets: &[u8]| {
            header.extend_from_slice(&tag.to_be_bytes());
            header.extend_from_slice(&(octets.len() as u16).to_be_bytes());
            header.extend_from_slice(octets);
        };
        if let Some(KdcOffset { seconds, microseconds }) = self.kdc_offset {
            field(DELTA_TIME, &[seconds.to_be_bytes(), microseconds.to_be_bytes()].concat());
        }
        self.other_fields.iter().for_each(|(tag, octets)| field(*tag, octets));
        let mut file = SecretFile::new(&[5, 4]);
        file.put(&(header.len() as u16).to_be_bytes());
        file.put(&header);
        write_principal(&mut file, &self.default_principal);
        self.entries.iter().for_each(|entry| entry.write(&mut file));
        file.into_bytes()
    }

    /// A principal alone, as version 4 has it: what KCM and keyrings keep one in.
    #[must_use]
    pub fn principal_to_bytes(principal: &Principal) -> Vec<u8> {
        let mut file = SecretFile::new(&[]);
        write_principal(&mut file, principal);
        file.into_bytes().to_vec()
    }

    /// Reads [`Self::principal_to_bytes`].
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn principal_from_bytes(bytes: &[u8]) -> Result<Principal, FormatError> {
        read_principal(&mut Cursor::new(bytes), 4)
    }

    /// The tickets, without configuration entries.
    pub fn tickets(&self) -> impl Iterator<Item = &CacheEntry> {
        self.entries.iter().filter(|entry| !entry.is_configuration())
    }
}

fn read_header(file: &mut Cursor<'_>) -> Result<(Option<KdcOffset>, Typed), FormatError> {
    let length = file.u16("header length")?;
    let mut header = file.part(length.into(), "header")?;
    let mut offset = None;
    let mut others = Vec::new();
    while !header.is_empty() {
        let (tag, length) = (header.u16("header tag")?, header.u16("header tag length")?);
        let mut field = header.part(length.into(), "header field")?;
        if tag != DELTA_TIME {
            others.push((tag, field.take(length.into(), "header field")?.to_vec()));
        } else if offset.is_none() {
            // MIT looks at the first one and at eight bytes of it.
            offset = Some(KdcOffset {
                seconds: field.i32("KDC offset")?,
                microseconds: field.i32("KDC offset")?,
            });
        }
    }
    Ok((offset, others))
}

fn read_principal(file: &mut Cursor<'_>, version: u8) -> Result<Principal, FormatError> {
    let name_type = match version {
        1 => NameType::UNKNOWN,
        _ => NameType(file.i32("name type")?),
    };
    let count = file.count(4, "component count")?;
    // Version 1 counts the realm as a component.
    let count = if version == 1 { count.saturating_sub(1) } else { count };
    let realm = file.octets32("realm")?.to_vec();
    let mut components = Vec::new();
    for _ in 0..count {
        components.push(file.octets32("component")?.to_vec());
    }
    Ok(Principal { name: Name { name_type, components }, realm })
}

fn write_principal(file: &mut SecretFile, principal: &Principal) {
    let Name { name_type, components } = &principal.name;
    file.put(&name_type.0.to_be_bytes());
    file.put(&(components.len() as u32).to_be_bytes());
    write_octets(file, &principal.realm);
    components.iter().for_each(|component| write_octets(file, component));
}

fn write_octets(file: &mut SecretFile, octets: &[u8]) {
    file.put(&(octets.len() as u32).to_be_bytes());
    file.put(octets);
}

type Typed = Vec<(u16, Vec<u8>)>;

fn read_typed<'a, T>(
    file: &mut Cursor<'a>,
    number: fn(&mut Cursor<'a>, &'static str) -> Result<T, FormatError>,
    field: &'static str,
) -> Result<Vec<(T, Vec<u8>)>, FormatError> {
    let mut list = Vec::new();
    for _ in 0..file.count(6, field)? {
        list.push((number(file, field)?, file.octets32(field)?.to_vec()));
    }
    Ok(list)
}

fn write_typed<T: Copy>(file: &mut SecretFile, list: &[(T, Vec<u8>)], number: fn(T) -> [u8; 2]) {
    file.put(&(list.len() as u32).to_be_bytes());
    for (kind, octets) in list {
        file.put(&number(*kind));
        write_octets(file, octets);
    }
}

/// Where the entries of a cache file lie ([`CredentialCache::locate`]).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CachePlaces {
    /// The file's version, 1 to 4. Only version 4 is written.
    pub version: u8,
    /// Where each of the cache's entries lies, in bytes.
    pub entries: Vec<Range<usize>>,
    /// How many bytes are taken by what was removed.
    pub removed: usize,
    /// Where the last whole entry ends, and the next one goes.
    pub end: usize,
}

/// The realm of configuration entries, and the one that they get when they are removed.
const CONFIGURATION: (&[u8], &[u8]) = (b"X-CACHECONF:", b"X-RMED-CONF:");

impl CacheEntry {
    /// One of MIT's configuration entries, not a ticket.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        self.server.realm == CONFIGURATION.0
    }

    /// What stands in the place of an entry that was removed from a file. It has the same length, so
    /// that whoever reads the file meanwhile goes on (MIT since 1.18, Heimdal): no end and an
    /// impossible logon, and another realm if it is a configuration entry.
    #[must_use]
    pub fn removed(&self) -> Self {
        let mut removed = self.clone();
        removed.times[0] = u32::MAX;
        removed.times[2] = 0;
        if removed.is_configuration() {
            removed.server.realm = CONFIGURATION.1.to_vec();
        }
        removed
    }

    /// Was it removed? Such entries are only found in files.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        (self.times[0], self.times[2]) == (u32::MAX, 0) || self.server.realm == CONFIGURATION.1
    }

    /// The entry alone, as version 4 has it: what KCM and keyrings keep one in.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut file = SecretFile::new(&[]);
        self.write(&mut file);
        file.into_bytes()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::read(&mut Cursor::new(bytes), 4)
    }

    /// The entry as a credential.
    ///
    /// # Errors
    /// If the session key is of an enctype that this crate does not use.
    pub fn credential(&self) -> Result<Credential, CryptoError> {
        Ok(self.with_session_key(Key::new(self.enctype, &self.key_bytes)?))
    }

    /// The entry as a credential, with an RC4 session key too. RC4 is broken: only for services that
    /// have nothing else.
    ///
    /// # Errors
    /// If the session key is of an enctype that this crate does not have.
    pub fn danger_credential(&self) -> Result<Credential, CryptoError> {
        match self.enctype {
            EncType::RC4_HMAC => Ok(self.with_session_key(Key::danger_new_rc4(&self.key_bytes)?)),
            _ => self.credential(),
        }
    }

    fn with_session_key(&self, session_key: Key) -> Credential {
        let [authtime, starttime, endtime, renew_till] = self.times.map(i64::from);
        let starttime = if starttime == 0 { authtime } else { starttime };
        Credential {
            client: self.client.clone(),
            server: self.server.clone(),
            session_key,
            times: TicketTimes {
                authtime: KerberosTime::from_unix(authtime),
                starttime: KerberosTime::from_unix(starttime),
                endtime: KerberosTime::from_unix(endtime),
                renew_till: (renew_till != 0).then(|| KerberosTime::from_unix(renew_till)),
            },
            flags: self.flags,
            ticket: self.ticket.clone(),
        }
    }

    fn read(file: &mut Cursor<'_>, version: u8) -> Result<Self, FormatError> {
        let client = read_principal(file, version)?;
        let server = read_principal(file, version)?;
        let enctype = EncType(file.i16("enctype")?.into());
        if version == 3 {
            file.u16("enctype")?; // version 3 writes it twice
        }
        let key_bytes = Zeroizing::new(file.octets32("session key")?.to_vec());
        let mut times = [0; 4];
        for time in &mut times {
            *time = file.u32("times")?;
        }
        Ok(Self {
            client,
            server,
            enctype,
            key_bytes,
            times,
            is_skey: file.u8("is-skey")? != 0,
            flags: TicketFlags(file.u32("flags")?),
            addresses: read_typed(file, Cursor::u16, "addresses")?,
            authdata: read_typed(file, Cursor::i16, "authorization data")?,
            ticket: file.octets32("ticket")?.to_vec(),
            second_ticket: file.octets32("second ticket")?.to_vec(),
        })
    }

    fn write(&self, file: &mut SecretFile) {
        write_principal(file, &self.client);
        write_principal(file, &self.server);
        file.put(&(self.enctype.0 as u16).to_be_bytes());
        write_octets(file, &self.key_bytes);
        self.times.iter().for_each(|time| file.put(&time.to_be_bytes()));
        file.put(&[self.is_skey.into()]);
        file.put(&self.flags.0.to_be_bytes());
        write_typed(file, &self.addresses, u16::to_be_bytes);
        write_typed(file, &self.authdata, i16::to_be_bytes);
        write_octets(file, &self.ticket);
        write_octets(file, &self.second_ticket);
    }
}

impl From<&Credential> for CacheEntry {
    fn from(credential: &Credential) -> Self {
        let TicketTimes { authtime, starttime, endtime, renew_till } = credential.times;
        let times = [authtime, starttime, endtime, renew_till.unwrap_or_default()];
        Self {
            client: credential.client.clone(),
            server: credential.server.clone(),
            enctype: credential.session_key.enctype(),
            key_bytes: Zeroizing::new(credential.session_key.as_bytes().to_vec()),
            times: times.map(|time| time.unix().clamp(0, u32::MAX.into()) as u32),
            is_skey: false,
            flags: credential.flags,
            addresses: Vec::new(),
            authdata: Vec::new(),
            ticket: credential.ticket.clone(),
            second_ticket: Vec::new(),
        }
    }
}
