//! The privilege attribute certificate (MS-PAC): who a ticket is really for.
//!
//! [`Pac`] is structure only; nothing in it may be believed before
//! [`Pac::verify_server_signature`] has turned it into a [`VerifiedPac`]. [`PacBuilder`] makes one.
//!
//! Section numbers are those of MS-PAC 24.0 and later, in which the signatures are 2.8.2 to 2.8.5.

mod account;
mod builder;
mod claims;
mod client_info;
mod container;
mod credential_info;
mod delegation_info;
mod device_info;
mod error;
mod file_time;
mod group;
mod logon_info;
mod ndr;
mod sid;
mod signature;
mod upn_dns_info;
pub mod xpress_huffman;

use alloc::vec::Vec;

pub use account::{Attributes, Requestor};
pub use builder::{PacBuilder, PacKeys};
pub use claims::{
    Claim, ClaimValues, ClaimsArray, ClaimsSet, ClaimsSource, ClientClaims, DeviceClaims,
    MAX_UNCOMPRESSED_CLAIMS,
};
pub use client_info::ClientInfo;
pub use container::{Pac, VerifiedPac};
pub use credential_info::{CredentialInfo, SupplementalCredential};
pub use delegation_info::DelegationInfo;
pub use device_info::DeviceInfo;
pub use error::{PacError, PacErrorKind};
pub use file_time::FileTime;
pub use group::{DomainGroups, GroupMembership, SidAndAttributes};
pub use logon_info::{LogonInfo, UserSessionKey};
pub use sid::{Sid, SidParseError};
pub use signature::PacSignature;
pub use upn_dns_info::{UpnDnsExtended, UpnDnsInfo};

use crate::iana::PacBufferType;

/// What one buffer of a PAC holds. `to_bytes(from_bytes(x))` means what `x` means, and is `x` where
/// that was written as Windows writes it.
pub trait PacBuffer: Sized {
    /// Its type.
    const TYPE: PacBufferType;

    /// Reads the whole buffer.
    ///
    /// # Errors
    /// [`PacError`], with an offset in the buffer.
    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError>;

    /// Writes it.
    ///
    /// # Errors
    /// If a text or a list is longer than its length field can say; never after
    /// [`PacBuffer::from_bytes`].
    fn to_bytes(&self) -> Result<Vec<u8>, PacError>;
}

#[cfg(test)]
mod tests;
