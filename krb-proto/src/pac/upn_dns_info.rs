use alloc::string::String;

use super::ndr::utf16;
use super::{PacError, PacErrorKind as Kind, Sid};

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

impl UpnDnsInfo {
    pub(super) fn parse(buffer: &[u8]) -> Result<Self, PacError> {
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
}

fn chunk<const N: usize>(buffer: &[u8], at: usize) -> Result<&[u8; N], PacError> {
    buffer.get(at..).and_then(<[u8]>::first_chunk).ok_or(PacError::new(Kind::Truncated, at, FIELD))
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
