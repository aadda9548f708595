use core::fmt;

use crate::crypto::CryptoError;
use crate::der::DecodeError;
use crate::iana::{ChecksumType, EncType};

/// Why what stands in FAST's armor was refused. All are the peer's fault, or an attacker's.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum FastError {
    /// There is no PA-FX-FAST, although one was due.
    Missing,
    /// Malformed.
    Malformed(DecodeError),
    /// Encrypted in another enctype than the armor key's.
    EncType(EncType),
    /// It does not decrypt with the armor key.
    Crypto(CryptoError),
    /// It answers another request.
    Nonce,
    /// A reply with a ticket lacks the KDC's KrbFastFinished.
    NotFinished,
    /// A checksum of another type than the armor key's.
    ChecksumType(ChecksumType),
    /// The checksum over the ticket, or over the request, is wrong.
    Checksum(CryptoError),
    /// An error lacks its PA-FX-ERROR.
    NoInnerError,
    /// Armor of another type than FX_FAST_ARMOR_AP_REQUEST, or none where it is due.
    Armor(i32),
    /// The KDC did not prove that it knows the client's key.
    NoKdcChallenge,
}

impl fmt::Display for FastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it is not armored (no PA-FX-FAST)"),
            Self::Malformed(error) => write!(f, "its armored part is malformed: {error}"),
            Self::EncType(enctype) => {
                write!(f, "its armored part has enctype {enctype}, which is not the armor key's")
            }
            Self::Crypto(error) => write!(f, "its armored part does not decrypt: {error}"),
            Self::Nonce => f.write_str("its armored part answers another request"),
            Self::NotFinished => f.write_str("its armored part does not vouch for the ticket"),
            Self::ChecksumType(checksum_type) => {
                write!(f, "checksum type {checksum_type} is not that of the armor key")
            }
            Self::Checksum(error) => write!(f, "its armored part is for something else: {error}"),
            Self::NoInnerError => f.write_str("its armored part does not say which error it is"),
            Self::Armor(armor_type) => write!(f, "armor of type {armor_type} is not known"),
            Self::NoKdcChallenge => {
                f.write_str("the KDC did not prove that it knows the client's key")
            }
        }
    }
}

impl core::error::Error for FastError {}

impl From<DecodeError> for FastError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<CryptoError> for FastError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}
