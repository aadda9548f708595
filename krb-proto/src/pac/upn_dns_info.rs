use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::ndr::utf16;
use super::{PacBuffer, PacError, PacErrorKind as Kind, Sid};
use crate::iana::PacBufferType;

/// UPN_DNS_INFO (MS-PAC 2.10).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpnDnsInfo {
    /// The user principal name.
    pub upn: String,
    /// The DNS name of the account's domain.
    pub dns_domain_name: String,
    /// Has the account no UPN of its own, so that this one was made from its name?
    pub upn_is_constructed: bool,
    /// sAMAccountName and SID, if the KDC gave them.
    pub extended: Option<UpnDnsExtended>,
}

/// The extended form's fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpnDnsExtended {
    /// The sAMAccountName.
    pub sam_account_name: String,
    /// The SID.
    pub sid: Sid,
}

const FIELD: &str = "UPN_DNS_INFO";
const CONSTRUCTED: u32 = 1;
const EXTENDED: u32 = 2;

impl PacBuffer for UpnDnsInfo {
    const TYPE: PacBufferType = PacBufferType::UPN_DNS_INFO;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        let flags = u32::from_le_bytes(*chunk(buffer, 8)?);
        let extended = if flags & EXTENDED == 0 {
            None
        } else {
            let sid = part(buffer, 16)?;
            Some(UpnDnsExtended {
                sam_account_name: text(buffer, 12)?,
                sid: Sid::from_bytes(sid).ok_or(PacError::new(Kind::BadSid, 16, FIELD))?,
            })
        };
        Ok(Self {
            upn: text(buffer, 0)?,
            dns_domain_name: text(buffer, 4)?,
            upn_is_constructed: flags & CONSTRUCTED != 0,
            extended,
        })
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut parts: Vec<Vec<u8>> = vec![utf16(&self.upn), utf16(&self.dns_domain_name)];
        let mut flags = if self.upn_is_constructed { CONSTRUCTED } else { 0 };
        if let Some(extended) = &self.extended {
            flags |= EXTENDED;
            parts.push(utf16(&extended.sam_account_name));
            parts.push(extended.sid.to_bytes());
        }
        // Lengths and offsets of two parts, the flags, those of the other two; each part is
        // aligned to 8, as is the whole.
        let mut head = Vec::new();
        let mut body = Vec::new();
        let body_offset = (4 * parts.len() + 4).next_multiple_of(8);
        for (index, part) in parts.iter().enumerate() {
            let number = |value: usize| {
                let number = u16::try_from(value).map(u16::to_le_bytes);
                number.map_err(|_| PacError::new(Kind::TooLong, head.len(), FIELD))
            };
            let place = [number(part.len())?, number(body_offset + body.len())?].concat();
            head.extend(place);
            if index == 1 {
                head.extend(flags.to_le_bytes());
            }
            body.extend(part);
            body.resize(body.len().next_multiple_of(8), 0);
        }
        head.resize(body_offset, 0);
        Ok([head, body].concat())
    }
}

fn chunk<const N: usize>(buffer: &[u8], at: usize) -> Result<&[u8; N], PacError> {
    let chunk = buffer.get(at..).and_then(<[u8]>::first_chunk);
    chunk.ok_or(PacError::new(Kind::Truncated, at.min(buffer.len()), FIELD))
}

/// What the length and offset at `at` describe.
fn part(buffer: &[u8], at: usize) -> Result<&[u8], PacError> {
    let [length, offset] = [at, at + 2].map(|at| chunk(buffer, at).map(|b| u16::from_le_bytes(*b)));
    let (length, offset) = (usize::from(length?), usize::from(offset?));
    buffer.get(offset..offset + length).ok_or(PacError::new(Kind::BadLength, at, FIELD))
}

fn text(buffer: &[u8], at: usize) -> Result<String, PacError> {
    utf16(part(buffer, at)?).ok_or(PacError::new(Kind::BadText, at, FIELD))
}
