//! Which of several keys a message was sealed with. A key version number is a hint: keytabs made by
//! hand or by other tools name others than the KDC. The integrity check decides.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{CryptoError, Key};
use crate::iana::{EncType, KeyUsage};

/// No more keys than these are tried on one message, and [`Keytab::keys`] gives no more: each costs
/// a derivation and a MAC over what somebody sent.
///
/// [`Keytab::keys`]: crate::formats::Keytab::keys
pub const MAX_CANDIDATES: usize = 16;

/// The key that fitted, and the plaintext.
type Opened = (Key, Zeroizing<Vec<u8>>);

/// Decrypts with the first key of this enctype whose integrity check holds; `None` if there is no
/// key of this enctype at all.
pub(crate) fn decrypt_with_any(
    keys: impl IntoIterator<Item = Key>,
    enctype: EncType,
    usage: KeyUsage,
    ciphertext: &[u8],
) -> Option<Result<Opened, CryptoError>> {
    let fitting = keys.into_iter().filter(|key| key.enctype() == enctype);
    let mut refused = None;
    for key in fitting.take(MAX_CANDIDATES) {
        match key.decrypt(usage, ciphertext) {
            Ok(plaintext) => return Some(Ok((key, plaintext))),
            // What the best candidate said.
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    refused.map(Err)
}

#[cfg(test)]
mod tests {
    use std::assert_eq;

    use super::*;
    use crate::gss::testing::{TestRng, random_key};

    const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;
    const USAGE: KeyUsage = KeyUsage::TICKET;

    /// The right key behind `wrong` others of its enctype and one of another.
    fn try_behind(wrong: usize) -> Option<Result<Key, CryptoError>> {
        let right = random_key(AES, 1);
        let sealed = right.encrypt(USAGE, b"plaintext", &mut TestRng(1));
        let mut keys = Vec::from([random_key(EncType::AES128_CTS_HMAC_SHA1_96, 1)]);
        keys.extend((0..wrong).map(|n| random_key(AES, 100 + n as u64)));
        keys.push(right);
        let opened = decrypt_with_any(keys, AES, USAGE, &sealed);
        opened.map(|opened| opened.map(|(key, _)| key))
    }

    #[test]
    fn the_key_that_fits_is_found_within_the_bound() {
        for wrong in [0, 1, MAX_CANDIDATES - 1] {
            assert_eq!(try_behind(wrong), Some(Ok(random_key(AES, 1))), "{wrong}");
        }
        assert_eq!(try_behind(MAX_CANDIDATES), Some(Err(CryptoError::IntegrityCheckFailed)));
    }

    #[test]
    fn no_key_of_the_enctype_is_another_thing_than_a_wrong_one() {
        let other = random_key(EncType::AES128_CTS_HMAC_SHA1_96, 1);
        assert!(decrypt_with_any([other], AES, USAGE, &[0; 64]).is_none());
        assert!(decrypt_with_any([], AES, USAGE, &[0; 64]).is_none());
    }
}
