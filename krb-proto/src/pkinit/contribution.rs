//! The KDC's part in the session key of nobody's ticket (RFC 8062 section 7, PA-PKINIT-KX).
//!
//! Who logs in as nobody proves nothing, so that somebody between them and the KDC could log in twice, as
//! the KDC to the one and as nobody to the other. The session key is made of both sides' parts, so that it
//! is not the same on both ways.

#[cfg(any(feature = "kdc", test))]
use alloc::vec::Vec;

use super::error::PkinitError;
use crate::asn1::{EncryptedData, EncryptionKey};
use crate::crypto::{CryptoError, Key};
use crate::der;
use crate::iana::KeyUsage;

/// The session key of the KDC's part and the reply key, written as MIT's and Heimdal's libraries write
/// what is mixed in.
fn session_key(part: &Key, reply_key: &Key) -> Result<Key, CryptoError> {
    part.fx_cf2(b"PKINIT", reply_key, b"KEYEXCHANGE")
}

/// PA-PKINIT-KX, with the KDC's part in it, and the session key that comes of it.
///
/// # Errors
/// As [`Key::fx_cf2`].
#[cfg(any(feature = "kdc", test))]
pub(crate) fn contribute(
    part: &Key,
    reply_key: &Key,
    rng: &mut dyn crate::Random,
) -> Result<(Vec<u8>, Key), CryptoError> {
    use crate::asn1::SecretOctets;

    let key = EncryptionKey { keytype: part.enctype(), keyvalue: SecretOctets(part.as_bytes()) };
    let cipher = reply_key.encrypt(KeyUsage::PA_PKINIT_KX, &der::encode_secret(&key), rng);
    let value = EncryptedData { etype: reply_key.enctype(), kvno: None, cipher: &cipher };
    Ok((der::encode(&value), session_key(part, reply_key)?))
}

/// Is the session key made of the KDC's part in this PA-PKINIT-KX and the reply key?
///
/// # Errors
/// [`PkinitError::NotContributed`] if it is not, or there is none.
pub(crate) fn verify(
    value: Option<&[u8]>,
    reply_key: &Key,
    session: &Key,
) -> Result<(), PkinitError> {
    let sealed: EncryptedData<'_> = der::decode(value.ok_or(PkinitError::NotContributed)?)?;
    if sealed.etype != reply_key.enctype() {
        return Err(PkinitError::NotContributed);
    }
    let opened = reply_key.decrypt(KeyUsage::PA_PKINIT_KX, sealed.cipher);
    let opened = opened.map_err(|_| PkinitError::NotContributed)?;
    let part: EncryptionKey<'_> = der::decode(&opened)?;
    let part = Key::new(part.keytype, part.keyvalue.0)?;
    if session_key(&part, reply_key)? == *session {
        Ok(())
    } else {
        Err(PkinitError::NotContributed)
    }
}

#[cfg(test)]
mod tests {
    use std::assert_eq;

    use super::*;
    use crate::gss::testing::TestRng;
    use crate::iana::EncType;

    fn key(octet: u8) -> Key {
        Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[octet; 32]).unwrap()
    }

    #[test]
    fn both_make_the_same_key_of_both_parts() {
        let (value, session) = contribute(&key(1), &key(2), &mut TestRng(3)).unwrap();
        assert_eq!(verify(Some(&value), &key(2), &session), Ok(()));
        assert_ne!(session, key(1));
        let no = Err(PkinitError::NotContributed);
        assert_eq!(verify(None, &key(2), &session), no);
        assert_eq!(verify(Some(&value), &key(2), &key(1)), no, "the KDC's part alone");
        assert_eq!(verify(Some(&value), &key(4), &session), no, "another reply key");
        let (other, _) = contribute(&key(5), &key(2), &mut TestRng(3)).unwrap();
        assert_eq!(verify(Some(&other), &key(2), &session), no);
        for end in 0..value.len() {
            assert!(verify(Some(&value[..end]), &key(2), &session).is_err());
        }
    }
}
