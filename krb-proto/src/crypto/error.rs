use core::fmt;

use crate::iana::{ChecksumType, EncType};

/// Why a cryptographic operation was refused. Never carries key or message bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CryptoError {
    /// This crate does not implement the enctype.
    UnsupportedEncType(EncType),
    /// The enctype is broken and was not asked for by its own constructor.
    DangerousEncType(EncType),
    /// A key of another length than its enctype's.
    KeyLength,
    /// Shorter than the confounder and MAC that every ciphertext of the enctype has.
    CiphertextTooShort,
    /// The MAC is wrong: wrong key, wrong key usage, or changed on the way.
    IntegrityCheckFailed,
    /// The checksum type is unkeyed, unknown, or not the one that belongs to the key.
    ChecksumTypeNotAllowed(ChecksumType),
    /// String-to-key parameters (`s2kparams`) that are not a 4-octet iteration count.
    BadParameters,
    /// An iteration count below the enctype's default, which would weaken the key, or above
    /// [`MAX_ITERATIONS`](super::MAX_ITERATIONS), which would keep us busy for seconds.
    IterationCount,
    /// More pseudo-random octets than PRF+ can make (255 blocks).
    OutputTooLong,
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedEncType(enctype) => write!(f, "unsupported enctype {enctype}"),
            Self::DangerousEncType(enctype) => {
                write!(f, "enctype {enctype} is broken and not enabled")
            }
            Self::KeyLength => f.write_str("the key has not the length of its enctype"),
            Self::CiphertextTooShort => f.write_str("too short to be a ciphertext"),
            Self::IntegrityCheckFailed => f.write_str(
                "integrity check failed: wrong key or key usage, or the message was changed",
            ),
            Self::ChecksumTypeNotAllowed(checksum_type) => {
                write!(f, "checksum type {checksum_type} is not allowed with this key")
            }
            Self::BadParameters => f.write_str("malformed string-to-key parameters"),
            Self::IterationCount => f.write_str(
                "string-to-key iteration count below the enctype's default or above 2^24",
            ),
            Self::OutputTooLong => f.write_str("more pseudo-random octets than PRF+ can make"),
        }
    }
}

impl core::error::Error for CryptoError {}
