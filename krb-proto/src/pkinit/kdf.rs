//! The reply key from the shared secret: RFC 8636 section 6, or RFC 4556 section 3.2.3.1.

use alloc::vec::Vec;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::Principal;
use crate::asn1::{AlgorithmIdentifier, Krb5PrincipalName, OtherInfo, PkinitSuppPubInfo};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, KerberosString, Oid};
use crate::iana::EncType;

/// A key derivation function (RFC 8636 section 6), by its hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Kdf {
    /// id-pkinit-kdf-ah-sha1.
    Sha1,
    /// id-pkinit-kdf-ah-sha256.
    Sha256,
    /// id-pkinit-kdf-ah-sha512.
    Sha512,
    /// id-pkinit-kdf-ah-sha384.
    Sha384,
}

/// What a key is bound to besides the secret.
#[derive(Clone, Copy, Debug)]
pub struct KeyUse<'a> {
    /// The client as it stands in the AS-REQ.
    pub client: &'a Principal,
    /// The service asked for, as it stands in the AS-REQ.
    pub server: &'a Principal,
    /// Which key.
    pub enctype: EncType,
    /// The AS-REQ's bytes.
    pub as_req: &'a [u8],
    /// The bytes of PA-PK-AS-REP.
    pub pk_as_rep: &'a [u8],
}

impl Kdf {
    /// Those that a client offers. SHA-1 is left out: a KDC that knows of agility at all has
    /// another one.
    pub const OFFERED: [Self; 3] = [Self::Sha256, Self::Sha512, Self::Sha384];

    /// Its name in supportedKDFs.
    #[must_use]
    pub const fn oid(self) -> Oid<'static> {
        Oid(match self {
            Self::Sha1 => b"\x2b\x06\x01\x05\x02\x03\x06\x01",
            Self::Sha256 => b"\x2b\x06\x01\x05\x02\x03\x06\x02",
            Self::Sha512 => b"\x2b\x06\x01\x05\x02\x03\x06\x03",
            Self::Sha384 => b"\x2b\x06\x01\x05\x02\x03\x06\x04",
        })
    }

    /// The reply key of `secret` (RFC 8636 section 6).
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncType`], [`CryptoError::DangerousEncType`].
    pub fn reply_key(self, secret: &[u8], key_use: &KeyUse<'_>) -> Result<Key, CryptoError> {
        let seed = self.derive(secret, &self.other_info(key_use), Key::length(key_use.enctype)?);
        Key::new(key_use.enctype, &seed)
    }

    fn other_info(self, key_use: &KeyUse<'_>) -> Vec<u8> {
        let party = |principal: &Principal| {
            der::encode(&Krb5PrincipalName {
                realm: KerberosString(&principal.realm),
                principal_name: (&principal.name).into(),
            })
        };
        let supp_pub_info = der::encode(&PkinitSuppPubInfo {
            enctype: key_use.enctype,
            as_req: key_use.as_req,
            pk_as_rep: key_use.pk_as_rep,
        });
        der::encode(&OtherInfo {
            algorithm_id: AlgorithmIdentifier { algorithm: self.oid(), parameters: None },
            party_u_info: &party(key_use.client),
            party_v_info: &party(key_use.server),
            supp_pub_info: Some(&supp_pub_info),
            supp_priv_info: None,
        })
    }

    /// The concatenation KDF of SP 800-56A: hashes of counter, secret and `other_info`.
    fn derive(self, secret: &[u8], other_info: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
        let block = |counter: u32| {
            let parts = [&counter.to_be_bytes(), secret, other_info];
            match self {
                Self::Sha1 => hash::<Sha1>(&parts),
                Self::Sha256 => hash::<Sha256>(&parts),
                Self::Sha512 => hash::<Sha512>(&parts),
                Self::Sha384 => hash::<Sha384>(&parts),
            }
        };
        concatenated((1..).map(block), len)
    }
}

/// octetstring2key() (RFC 4556 section 3.2.3.1), for a KDC that names no [`Kdf`].
///
/// # Errors
/// [`CryptoError::UnsupportedEncType`], [`CryptoError::DangerousEncType`].
pub fn octet_string_to_key(secret: &[u8], enctype: EncType) -> Result<Key, CryptoError> {
    Key::new(enctype, &k_truncate(secret, Key::length(enctype)?))
}

fn k_truncate(secret: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    concatenated((0_u8..=u8::MAX).map(|counter| hash::<Sha1>(&[&[counter], secret])), len)
}

fn hash<D: Digest>(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut digest = D::new();
    parts.iter().for_each(|part| digest.update(part));
    Zeroizing::new(digest.finalize().to_vec())
}

fn concatenated(
    blocks: impl Iterator<Item = Zeroizing<Vec<u8>>>,
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(len));
    for block in blocks {
        let missing = len - out.len();
        out.extend(block.iter().take(missing));
        if out.len() == len {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests;
