//! Who signs for the client: a token, or a key in memory.

use alloc::vec::Vec;
use core::fmt;

use p256::ecdsa::signature::hazmat::PrehashSigner;
use zeroize::Zeroizing;

use super::agreement::{EC_PUBLIC_KEY, SECP256R1, SECP384R1};
use super::signature::{Hash, KeyKind, SignatureAlgorithm, power};
use crate::Random;
use crate::asn1::AlgorithmIdentifier;
use crate::der::{self, BigUnsigned, Decode, Oid, Reader};

/// The client's certificate and the key that belongs to it, wherever that key lives.
pub trait Signer: Send + Sync {
    /// Certificates as DER: the client's own first, then what a KDC may need to reach its anchor.
    fn certificates(&self) -> &[Vec<u8>];

    /// How it signs.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// The signature over `message` (hashed by the signer): PKCS #1 octets, or the DER of
    /// ECDSA-Sig-Value (RFC 5753 section 7.2).
    ///
    /// # Errors
    /// [`SigningError`].
    fn sign(&self, message: &[u8], rng: &mut dyn Random) -> Result<Vec<u8>, SigningError>;
}

/// Why there is no signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SigningError {
    /// The client's own certificate is missing or malformed.
    Certificate,
    /// The private key is malformed, or of a kind that is not known here.
    PrivateKey,
    /// The token refused, or its signature does not verify.
    Refused,
}

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "the client's certificate is missing or malformed",
            Self::PrivateKey => "the client's private key is malformed or of an unknown kind",
            Self::Refused => "the client's key made no valid signature",
        })
    }
}

impl core::error::Error for SigningError {}

/// A private key in memory, wiped when it is dropped.
pub struct SoftwareSigner {
    certificates: Vec<Vec<u8>>,
    key: PrivateKey,
}

enum PrivateKey {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Rsa { modulus: Vec<u8>, public: Vec<u8>, private: Zeroizing<Vec<u8>> },
}

impl SoftwareSigner {
    /// From an unencrypted PKCS #8 PrivateKeyInfo (RFC 5958) of an RSA key or one on P-256 or
    /// P-384.
    ///
    /// # Errors
    /// [`SigningError::PrivateKey`].
    pub fn from_pkcs8(certificates: Vec<Vec<u8>>, key: &[u8]) -> Result<Self, SigningError> {
        let key = private_key(key).ok_or(SigningError::PrivateKey)?;
        Ok(Self { certificates, key })
    }
}

fn private_key(pkcs8: &[u8]) -> Option<PrivateKey> {
    let mut outer = Reader::new(pkcs8).enter(0x30).ok()?;
    i32::decode(&mut outer).ok()?;
    let algorithm = AlgorithmIdentifier::decode(&mut outer).ok()?;
    let mut key = Reader::new(<&[u8]>::decode(&mut outer).ok()?).enter(0x30).ok()?;
    i32::decode(&mut key).ok()?;
    if algorithm.algorithm == EC_PUBLIC_KEY {
        // ECPrivateKey (RFC 5915 section 3).
        let scalar = <&[u8]>::decode(&mut key).ok()?;
        let curve: Oid<'_> = der::decode(algorithm.parameters?).ok()?;
        if curve == SECP256R1 {
            return p256::ecdsa::SigningKey::from_slice(scalar).ok().map(PrivateKey::P256);
        }
        let known = curve == SECP384R1;
        return known
            .then(|| p384::ecdsa::SigningKey::from_slice(scalar).ok().map(PrivateKey::P384))?;
    }
    // RSAPrivateKey (RFC 8017 appendix A.1.2).
    let mut number = || BigUnsigned::decode(&mut key).map(BigUnsigned::octets).ok();
    Some(PrivateKey::Rsa {
        modulus: number()?.to_vec(),
        public: number()?.to_vec(),
        private: Zeroizing::new(number()?.to_vec()),
    })
}

impl Signer for SoftwareSigner {
    fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        let (key, hash) = match self.key {
            PrivateKey::P256(_) => (KeyKind::Ecdsa, Hash::Sha256),
            PrivateKey::P384(_) => (KeyKind::Ecdsa, Hash::Sha384),
            PrivateKey::Rsa { .. } => (KeyKind::Rsa, Hash::Sha256),
        };
        SignatureAlgorithm { key, hash }
    }

    fn sign(&self, message: &[u8], _rng: &mut dyn Random) -> Result<Vec<u8>, SigningError> {
        let algorithm = self.algorithm();
        let digest = algorithm.hash.digest(message);
        let signature = match &self.key {
            PrivateKey::P256(key) => {
                let signature: Option<p256::ecdsa::Signature> = key.sign_prehash(&digest).ok();
                signature.map(|signature| signature.to_der().as_bytes().to_vec())
            }
            PrivateKey::P384(key) => {
                let signature: Option<p384::ecdsa::Signature> = key.sign_prehash(&digest).ok();
                signature.map(|signature| signature.to_der().as_bytes().to_vec())
            }
            PrivateKey::Rsa { modulus, public, private } => {
                let encoded = algorithm.rsa_encoding(&digest, modulus.len());
                // A faulty signature would give the key away, so it is opened before it leaves.
                power(&encoded, private, modulus)
                    .filter(|signature| power(signature, public, modulus) == Some(encoded))
            }
        };
        signature.ok_or(SigningError::Refused)
    }
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareSigner({:?})", self.algorithm())
    }
}
