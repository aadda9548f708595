//! FAST (RFC 6113 section 5.4): a request and its reply inside an encrypted channel, whose key (the
//! armor key) comes from a ticket that the client already holds.
//!
//! Both sides stand here: the client seals a request ([`seal_request`]) that the KDC opens
//! ([`RequestPlaintext`]), and the KDC seals a reply ([`seal_response`]) that the client opens
//! ([`ResponsePlaintext`]). When which is due, and what may be concluded, is for the exchanges; a KDC
//! has what it needs for one request in [`KdcFast`].

mod armor;
mod challenge;
mod error;
#[cfg(any(feature = "kdc", test))]
mod kdc;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use armor::{ArmorTicket, armor_key, explicit_tgs_armor_key, strengthened};
pub use challenge::{Challenger, open_challenge, seal_challenge};
pub use error::FastError;
#[cfg(any(feature = "kdc", test))]
pub use kdc::{FastRequestError, KdcFast, SealedReply};
pub use request::{RequestPlaintext, RequestToSeal, seal_request};
pub use response::{ResponsePlaintext, seal_response, verify_finished};

use alloc::vec::Vec;

use crate::Random;
use crate::asn1::{Checksum, EncryptedData};
use crate::crypto::Key;
use crate::iana::KeyUsage;

/// The checksum types of both sides are those that belong to the armor key: no other is asked for
/// anywhere, so none is taken.
fn verify(
    armor_key: &Key,
    usage: KeyUsage,
    data: &[u8],
    checksum: &Checksum<'_>,
) -> Result<(), FastError> {
    if checksum.cksumtype != armor_key.checksum_type() {
        return Err(FastError::ChecksumType(checksum.cksumtype));
    }
    armor_key
        .verify_checksum(usage, checksum.cksumtype, data, checksum.checksum)
        .map_err(FastError::Checksum)
}

fn open(
    key: &Key,
    usage: KeyUsage,
    sealed: &EncryptedData<'_>,
) -> Result<zeroize::Zeroizing<Vec<u8>>, FastError> {
    if sealed.etype != key.enctype() {
        return Err(FastError::EncType(sealed.etype));
    }
    key.decrypt(usage, sealed.cipher).map_err(FastError::Crypto)
}

fn with_sealed<T>(
    key: &Key,
    usage: KeyUsage,
    plaintext: &[u8],
    rng: &mut dyn Random,
    f: impl FnOnce(EncryptedData<'_>) -> T,
) -> T {
    let cipher = key.encrypt(usage, plaintext, rng);
    f(EncryptedData { etype: key.enctype(), kvno: None, cipher: &cipher })
}
