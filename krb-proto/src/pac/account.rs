//! The two small buffers that a KDC puts into a TGT to recognise it by.

use alloc::vec::Vec;

use super::{PacBuffer, PacError, PacErrorKind as Kind, Sid};
use crate::iana::PacBufferType;

/// PAC_ATTRIBUTES_INFO (MS-PAC 2.14): whether the client asked for a PAC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// [`Self::PAC_WAS_REQUESTED`] and [`Self::PAC_WAS_GIVEN_IMPLICITLY`].
    pub flags: u32,
}

impl Attributes {
    /// The client asked for a PAC.
    pub const PAC_WAS_REQUESTED: u32 = 1;
    /// The client did not say, and was given one.
    pub const PAC_WAS_GIVEN_IMPLICITLY: u32 = 2;
    /// How many bits mean something. More than one word of them is refused.
    const FLAGS_LENGTH: u32 = 2;
}

impl PacBuffer for Attributes {
    const TYPE: PacBufferType = PacBufferType::ATTRIBUTES;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        let error = |kind| PacError::new(kind, buffer.len(), "PAC_ATTRIBUTES_INFO");
        let (length, flags) = buffer.split_first_chunk().ok_or(error(Kind::Truncated))?;
        let flags: &[u8; 4] = flags.try_into().map_err(|_| error(Kind::BadLength))?;
        if !(1..=32).contains(&u32::from_le_bytes(*length)) {
            return Err(error(Kind::BadLength));
        }
        Ok(Self { flags: u32::from_le_bytes(*flags) })
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        Ok([Self::FLAGS_LENGTH.to_le_bytes(), self.flags.to_le_bytes()].concat())
    }
}

/// PAC_REQUESTOR (MS-PAC 2.15): the SID of the account that the TGT was issued to. A KDC compares
/// it with the account that the client's name leads to now (CVE-2021-42287).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requestor(pub Sid);

impl PacBuffer for Requestor {
    const TYPE: PacBufferType = PacBufferType::REQUESTOR;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        Sid::from_bytes(buffer).map(Self).ok_or(PacError::new(Kind::BadSid, 0, "PAC_REQUESTOR"))
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        Ok(self.0.to_bytes())
    }
}
