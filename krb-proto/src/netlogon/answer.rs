use alloc::string::String;
use core::fmt;

use super::ber::{expect, split};

/// LOGON_SAM_LOGON_RESPONSE_EX (MS-ADTS 6.3.1.3).
const RESPONSE_EX: u16 = 23;
/// The longest name, written with dots (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 253;

/// What a domain controller says of itself, and of whoever asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DomainController {
    /// Its domain, as DNS has it.
    pub domain: String,
    /// Its host, as DNS has it.
    pub host: String,
    /// The site that whoever asked is in, by their address; empty if no subnet says so.
    pub client_site: String,
}

/// Why an answer to an LDAP ping is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PingError {
    /// It is no LDAP message of this kind, or is cut off.
    Malformed,
    /// It answers another question.
    NotOurs,
    /// The server is no domain controller of that domain.
    NotThere,
    /// It is not in the form that was asked for.
    Version(u16),
    /// It speaks of another domain.
    Domain,
}

impl fmt::Display for PingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("not an answer to an LDAP ping"),
            Self::NotOurs => f.write_str("an answer to another LDAP ping"),
            Self::NotThere => f.write_str("the server is no domain controller of this domain"),
            Self::Version(code) => write!(f, "an answer of kind {code} to an LDAP ping"),
            Self::Domain => f.write_str("an answer for another domain"),
        }
    }
}

impl core::error::Error for PingError {}

pub(super) fn read(
    reply: &[u8],
    message_id: u32,
    domain: &str,
) -> Result<DomainController, PingError> {
    let attributes = entry(reply, message_id)?;
    let value = netlogon(attributes).ok_or(PingError::NotThere)?;
    let found = response(value)?;
    // The empty one is of a server that has been asked for its own.
    if !found.domain.eq_ignore_ascii_case(domain.trim_end_matches('.')) {
        return Err(PingError::Domain);
    }
    Ok(found)
}

/// The attributes of the entry that was found.
fn entry(reply: &[u8], message_id: u32) -> Result<&[u8], PingError> {
    let (message, _) = expect(reply, 0x30).ok_or(PingError::Malformed)?;
    let (id, operation) = expect(message, 0x02).ok_or(PingError::Malformed)?;
    let id = match id {
        [] | [_, _, _, _, _, ..] => return Err(PingError::NotOurs),
        octets => octets.iter().fold(0, |sum: u32, &octet| sum << 8 | u32::from(octet)),
    };
    if id != message_id {
        return Err(PingError::NotOurs);
    }
    match split(operation).ok_or(PingError::Malformed)? {
        (0x64, entry, _) => {
            let (_, attributes) = expect(entry, 0x04).ok_or(PingError::Malformed)?;
            let (attributes, _) = expect(attributes, 0x30).ok_or(PingError::Malformed)?;
            Ok(attributes)
        }
        (0x65, ..) => Err(PingError::NotThere), // the end, with no entry before it
        _ => Err(PingError::Malformed),
    }
}

fn netlogon(mut attributes: &[u8]) -> Option<&[u8]> {
    while let Some((attribute, rest)) = expect(attributes, 0x30) {
        let (name, values) = expect(attribute, 0x04)?;
        if name.eq_ignore_ascii_case(b"netlogon") {
            let (values, _) = expect(values, 0x31)?;
            return expect(values, 0x04).map(|(value, _)| value);
        }
        attributes = rest;
    }
    None
}

/// NETLOGON_SAM_LOGON_RESPONSE_EX (MS-ADTS 6.3.1.9), as far as it is of use.
fn response(value: &[u8]) -> Result<DomainController, PingError> {
    let (kind, _) = value.split_first_chunk().ok_or(PingError::Malformed)?;
    let kind = u16::from_le_bytes(*kind);
    if kind != RESPONSE_EX {
        return Err(PingError::Version(kind));
    }
    let mut at = 24; // two words, flags and the domain's GUID
    let mut next = || name(value, &mut at).ok_or(PingError::Malformed);
    let (_forest, domain, host) = (next()?, next()?, next()?);
    let (_netbios_domain, _netbios_host, _user) = (next()?, next()?, next()?);
    let (_its_site, client_site) = (next()?, next()?);
    Ok(DomainController { domain, host, client_site })
}

/// A name as DNS writes it, with what it has in common with one before it left out (RFC 1035
/// section 4.1.4). It ends: each reference leads to a place before all those that were read.
fn name(value: &[u8], at: &mut usize) -> Option<String> {
    let mut name = String::new();
    let (mut place, mut earliest, mut end) = (*at, *at, None);
    loop {
        let length = *value.get(place)?;
        match length {
            0 => break,
            1..0x40 => {
                let start = place + 1;
                let label = value.get(start..start + usize::from(length))?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(core::str::from_utf8(label).ok()?);
                if name.len() > MAX_NAME {
                    return None;
                }
                place = start + usize::from(length);
            }
            0xc0.. => {
                let low = *value.get(place + 1)?;
                end = end.or(Some(place + 2));
                let to = usize::from(length & 0x3f) << 8 | usize::from(low);
                if to >= earliest {
                    return None;
                }
                (place, earliest) = (to, to);
            }
            _ => return None,
        }
    }
    *at = end.unwrap_or(place + 1);
    Some(name)
}
