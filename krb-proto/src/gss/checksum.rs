//! The authenticator checksum 0x8003, which carries channel bindings and flags (RFC 4121
//! section 4.1.1).

use alloc::vec::Vec;
use core::fmt;
use core::ops::BitOr;

use md5::{Digest, Md5};

use super::GssError;

/// Context flags (RFC 4121 section 4.1.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct GssFlags(pub u32);

impl GssFlags {
    /// The initiator's credential is delegated. Never sent by this crate.
    pub const DELEG: Self = Self(1);
    /// The acceptor proves its identity with an AP-REP.
    pub const MUTUAL: Self = Self(2);
    /// Replayed messages are detected.
    pub const REPLAY: Self = Self(4);
    /// Messages out of order are detected.
    pub const SEQUENCE: Self = Self(8);
    /// Messages may be encrypted.
    pub const CONF: Self = Self(16);
    /// Messages may be signed.
    pub const INTEG: Self = Self(32);

    /// Are all flags of `other` set?
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for GssFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for GssFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GssFlags({:#x})", self.0)
    }
}

/// What ties a context to the channel below it (RFC 5056); only the application data, because no
/// protocol in use binds addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelBindings {
    application_data: Vec<u8>,
}

impl ChannelBindings {
    /// `tls-server-end-point` (RFC 5929 section 4): `certificate_hash` is the server certificate's
    /// hash, by SHA-256 where its signature uses MD5 or SHA-1, else by the signature's own hash.
    #[must_use]
    pub fn tls_server_end_point(certificate_hash: &[u8]) -> Self {
        Self { application_data: [b"tls-server-end-point:", certificate_hash].concat() }
    }

    /// The field Bnd (RFC 4121 section 4.1.1.2): MD5, here a name for public data and no
    /// protection of its own, over the address types and lengths (all 0), the application data's
    /// length and the data, numbers little-endian.
    fn digest(&self) -> [u8; 16] {
        let length = u32::try_from(self.application_data.len()).unwrap_or(u32::MAX);
        Md5::new()
            .chain_update([0; 16])
            .chain_update(length.to_le_bytes())
            .chain_update(&self.application_data)
            .finalize()
            .into()
    }
}

/// Lgth, Bnd and Flags of the checksum.
pub(super) fn encode(bindings: Option<&ChannelBindings>, flags: GssFlags) -> [u8; 24] {
    let mut out = [0; 24];
    out[..4].copy_from_slice(&16u32.to_le_bytes());
    out[4..20].copy_from_slice(&bindings.map(ChannelBindings::digest).unwrap_or_default());
    out[20..].copy_from_slice(&flags.0.to_le_bytes());
    out
}

/// Reads a received checksum and compares its bindings with those of the acceptor's channel, if
/// it has one: then the initiator must have bound the same. What is delegated is dropped, and with
/// it the flag.
pub(super) fn verify(
    checksum: &[u8],
    bindings: Option<&ChannelBindings>,
) -> Result<GssFlags, GssError> {
    let [16, 0, 0, 0, rest @ ..] = checksum else { return Err(GssError::BadChecksum) };
    let (bound, rest) = rest.split_first_chunk::<16>().ok_or(GssError::BadChecksum)?;
    let (flags, _) = rest.split_first_chunk().ok_or(GssError::BadChecksum)?;
    if bindings.is_some_and(|bindings| bindings.digest() != *bound) {
        return Err(GssError::ChannelBindings);
    }
    Ok(GssFlags(u32::from_le_bytes(*flags) & !GssFlags::DELEG.0))
}
