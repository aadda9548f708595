//! Which signatures are taken, and what makes one right. SHA-1 and MD5 are not among them.

use alloc::vec::Vec;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::agreement::{EC_PUBLIC_KEY, SECP256R1, SECP384R1};
use crate::asn1::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use crate::der::{self, BigUnsigned, Decode, Encode, Oid, Reader, Writer};

/// A hash (RFC 5754 section 2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The kind of key that signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2) with 2048 to 8192 bits.
    Rsa,
    /// ECDSA on P-256 or P-384 (RFC 5758 section 3.2).
    Ecdsa,
}

/// A signature algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureAlgorithm {
    /// What signs.
    pub key: KeyKind,
    /// What is signed.
    pub hash: Hash,
}

const NULL: &[u8] = &[5, 0];
/// rsaEncryption (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: Oid<'_> = Oid(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
/// In octets: 2048 bits are the least that is taken, 8192 the most work that a peer can make.
const RSA_MODULUS: core::ops::RangeInclusive<usize> = 256..=1024;

impl Hash {
    const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    pub(super) const fn oid(self) -> Oid<'static> {
        Oid(match self {
            Self::Sha256 => b"\x60\x86\x48\x01\x65\x03\x04\x02\x01",
            Self::Sha384 => b"\x60\x86\x48\x01\x65\x03\x04\x02\x02",
            Self::Sha512 => b"\x60\x86\x48\x01\x65\x03\x04\x02\x03",
        })
    }

    /// As RFC 5754 section 2 writes it; some peers add NULL.
    pub(super) fn from_identifier(identifier: &AlgorithmIdentifier<'_>) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|hash| hash.oid() == identifier.algorithm)?;
        matches!(identifier.parameters, None | Some(NULL)).then_some(known)
    }

    pub(super) fn identifier(self) -> AlgorithmIdentifier<'static> {
        AlgorithmIdentifier { algorithm: self.oid(), parameters: None }
    }

    pub(super) fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

impl SignatureAlgorithm {
    /// All that are taken, best first: supportedCMSTypes.
    pub(super) const ALL: [Self; 6] = {
        use Hash::*;
        use KeyKind::*;
        [
            Self { key: Ecdsa, hash: Sha256 },
            Self { key: Ecdsa, hash: Sha384 },
            Self { key: Ecdsa, hash: Sha512 },
            Self { key: Rsa, hash: Sha256 },
            Self { key: Rsa, hash: Sha384 },
            Self { key: Rsa, hash: Sha512 },
        ]
    };

    const fn oid(self) -> Oid<'static> {
        Oid(match (self.key, self.hash) {
            (KeyKind::Rsa, Hash::Sha256) => b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b",
            (KeyKind::Rsa, Hash::Sha384) => b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c",
            (KeyKind::Rsa, Hash::Sha512) => b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d",
            (KeyKind::Ecdsa, Hash::Sha256) => b"\x2a\x86\x48\xce\x3d\x04\x03\x02",
            (KeyKind::Ecdsa, Hash::Sha384) => b"\x2a\x86\x48\xce\x3d\x04\x03\x03",
            (KeyKind::Ecdsa, Hash::Sha512) => b"\x2a\x86\x48\xce\x3d\x04\x03\x04",
        })
    }

    /// With NULL where RFC 4055 section 5 wants it.
    pub(super) fn identifier(self) -> AlgorithmIdentifier<'static> {
        let parameters = (self.key == KeyKind::Rsa).then_some(NULL);
        AlgorithmIdentifier { algorithm: self.oid(), parameters }
    }

    /// The algorithm of a certificate or a SignerInfo. In the latter `digest` names the hash where
    /// the signature algorithm is rsaEncryption alone (RFC 5754 section 3.2), and must agree with
    /// it elsewhere.
    pub(super) fn from_identifier(
        identifier: &AlgorithmIdentifier<'_>,
        digest: Option<Hash>,
    ) -> Option<Self> {
        if !matches!(identifier.parameters, None | Some(NULL)) {
            return None;
        }
        if identifier.algorithm == RSA_ENCRYPTION {
            return digest.map(|hash| Self { key: KeyKind::Rsa, hash });
        }
        let known = Self::ALL.into_iter().find(|known| known.oid() == identifier.algorithm)?;
        digest.is_none_or(|digest| digest == known.hash).then_some(known)
    }

    /// Is `signature` over `message` by the owner of `key`?
    pub(super) fn verifies(
        self,
        key: &SubjectPublicKeyInfo<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let digest = self.hash.digest(message);
        let octets = key.subject_public_key.0;
        let AlgorithmIdentifier { algorithm, parameters } = key.algorithm;
        match self.key {
            KeyKind::Rsa if algorithm == RSA_ENCRYPTION && parameters == Some(NULL) => {
                self.rsa(octets, &digest, signature).is_some()
            }
            KeyKind::Ecdsa if algorithm == EC_PUBLIC_KEY => {
                let curve = parameters.and_then(|curve| der::decode(curve).ok());
                if curve == Some(SECP256R1) {
                    p256_verifies(octets, &digest, signature).is_some()
                } else if curve == Some(SECP384R1) {
                    p384_verifies(octets, &digest, signature).is_some()
                } else {
                    false
                }
            }
            _ => false,
        }
    }

    fn rsa(self, key: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
        let mut members = Reader::new(key).enter(0x30).ok()?;
        let modulus = BigUnsigned::decode(&mut members).ok()?.octets();
        let exponent = BigUnsigned::decode(&mut members).ok()?.octets();
        members.finish().ok()?;
        // An exponent of 3 to 32 bits, as everybody's is.
        let small = exponent.len() <= 4 && exponent != [1];
        if !RSA_MODULUS.contains(&modulus.len()) || !small || signature.len() != modulus.len() {
            return None;
        }
        let opened = power(signature, exponent, modulus)?;
        (opened == self.rsa_encoding(digest, modulus.len())).then_some(())
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): comparing it whole leaves nothing to parse.
    pub(super) fn rsa_encoding(self, digest: &[u8], len: usize) -> Vec<u8> {
        let algorithm = AlgorithmIdentifier { parameters: Some(NULL), ..self.hash.identifier() };
        let mut writer = Writer::new();
        digest.encode(&mut writer);
        algorithm.encode(&mut writer);
        writer.close(0x30, 0);
        let info = writer.as_slice();
        let padding = alloc::vec![0xff; len.saturating_sub(info.len() + 3)];
        [&[0, 1], &padding[..], &[0], info].concat()
    }
}

/// `base` to the power of `exponent`, as long as the modulus; `None` if the base is not below it.
/// In constant time for base and exponent of the same lengths.
pub(super) fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    let len = modulus.len();
    let modulus = BoxedUint::from_be_slice_vartime(modulus);
    let base = BoxedUint::from_be_slice(base, modulus.bits_precision()).ok()?;
    if base >= modulus {
        return None;
    }
    let parameters = BoxedMontyParams::new_vartime(Option::from(Odd::new(modulus))?);
    let exponent = Zeroizing::new(BoxedUint::from_be_slice_vartime(exponent));
    let power = BoxedMontyForm::new(base, &parameters).pow(&exponent).retrieve().to_be_bytes();
    let start = power.len().checked_sub(len)?;
    Some(power.split_at(start).1.to_vec())
}

fn p256_verifies(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(digest, &signature).ok()
}

fn p384_verifies(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(digest, &signature).ok()
}
