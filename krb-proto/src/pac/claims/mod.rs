//! Claims (MS-ADTS 2.2.18): what the directory says of a user or a device beside its groups.

mod metadata;
mod set;

use alloc::string::String;
use alloc::vec::Vec;

pub use metadata::MAX_UNCOMPRESSED_CLAIMS;

use super::{PacBuffer, PacError};
use crate::iana::PacBufferType;

/// CLAIMS_SET (MS-ADTS 2.2.18.5).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClaimsSet {
    /// ClaimsArrays: the claims of each source.
    pub arrays: Vec<ClaimsArray>,
}

/// CLAIMS_ARRAY (MS-ADTS 2.2.18.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimsArray {
    /// usClaimsSourceType.
    pub source: ClaimsSource,
    /// ClaimEntries.
    pub claims: Vec<Claim>,
}

/// CLAIMS_SOURCE_TYPE (MS-ADTS 2.2.18.1): where claims come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimsSource(pub u16);

impl ClaimsSource {
    /// The directory.
    pub const AD: Self = Self(1);
    /// A certificate.
    pub const CERTIFICATE: Self = Self(2);
}

/// CLAIM_ENTRY (MS-ADTS 2.2.18.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Id: the claim type's name in the directory, such as `ad://ext/department`.
    pub id: String,
    /// Values: all of one type.
    pub values: ClaimValues,
}

/// The values of a claim, by CLAIM_TYPE (MS-ADTS 2.2.18.2).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ClaimValues {
    /// CLAIM_TYPE_INT64.
    Int64(Vec<i64>),
    /// CLAIM_TYPE_UINT64.
    UInt64(Vec<u64>),
    /// CLAIM_TYPE_STRING.
    String(Vec<String>),
    /// CLAIM_TYPE_BOOLEAN.
    Boolean(Vec<bool>),
}

impl ClaimsSet {
    /// All claims, whatever their source.
    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.arrays.iter().flat_map(|array| &array.claims)
    }

    /// CLAIMS_SET_METADATA (MS-ADTS 2.2.18.6) with the claims in it. Windows sends no bytes where
    /// there are no claims.
    fn from_buffer(buffer: &[u8]) -> Result<Self, PacError> {
        if buffer.is_empty() { Ok(Self::default()) } else { metadata::read(buffer) }
    }

    fn to_buffer(&self) -> Result<Vec<u8>, PacError> {
        if self.arrays.is_empty() { Ok(Vec::new()) } else { metadata::write(self) }
    }
}

/// PAC_CLIENT_CLAIMS_INFO (MS-PAC 2.11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientClaims(pub ClaimsSet);

/// PAC_DEVICE_CLAIMS_INFO (MS-PAC 2.13).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceClaims(pub ClaimsSet);

impl PacBuffer for ClientClaims {
    const TYPE: PacBufferType = PacBufferType::CLIENT_CLAIMS;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        ClaimsSet::from_buffer(buffer).map(Self)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        self.0.to_buffer()
    }
}

impl PacBuffer for DeviceClaims {
    const TYPE: PacBufferType = PacBufferType::DEVICE_CLAIMS;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        ClaimsSet::from_buffer(buffer).map(Self)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        self.0.to_buffer()
    }
}
