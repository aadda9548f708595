//! The key agreement of RFC 4556 section 3.2.3.1 and RFC 5349: groups, key pairs, public values.

use alloc::vec::Vec;
use core::fmt;

use p256::elliptic_curve::sec1::ToSec1Point;
use zeroize::Zeroizing;

use super::modp::{Exponent, GROUP_14, GROUP_16};
use crate::Random;
use crate::asn1::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use crate::der::{self, BigUnsigned, BitString, Decode, Encode, Oid, Reader, Writer};

/// dhpublicnumber (RFC 3279 section 2.3.3).
const DH_PUBLIC_NUMBER: Oid<'_> = Oid(b"\x2a\x86\x48\xce\x3e\x02\x01");
/// id-ecPublicKey, and the named curves as its parameters (RFC 5480 section 2.1).
pub(super) const EC_PUBLIC_KEY: Oid<'_> = Oid(b"\x2a\x86\x48\xce\x3d\x02\x01");
pub(super) const SECP256R1: Oid<'_> = Oid(b"\x2a\x86\x48\xce\x3d\x03\x01\x07");
pub(super) const SECP384R1: Oid<'_> = Oid(b"\x2b\x81\x04\x00\x22");

/// In what group client and KDC agree on a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Group {
    /// The 2048-bit MODP group (RFC 3526 section 3), which every KDC has.
    Modp14,
    /// The 4096-bit MODP group (RFC 3526 section 5).
    Modp16,
    /// NIST P-256 (RFC 5349).
    P256,
    /// NIST P-384 (RFC 5349).
    P384,
}

impl Group {
    const ALL: [Self; 4] = [Self::Modp14, Self::Modp16, Self::P256, Self::P384];

    /// The DER of the parameters in the group's AlgorithmIdentifier, and its name.
    pub(super) fn algorithm(self) -> (Oid<'static>, Vec<u8>) {
        let modp = |p: &[u8], q: &[u8]| (DH_PUBLIC_NUMBER, domain_parameters(p, q));
        match self {
            Self::Modp14 => modp(&GROUP_14.prime(), &GROUP_14.order()),
            Self::Modp16 => modp(&GROUP_16.prime(), &GROUP_16.order()),
            Self::P256 => (EC_PUBLIC_KEY, der::encode(&SECP256R1)),
            Self::P384 => (EC_PUBLIC_KEY, der::encode(&SECP384R1)),
        }
    }

    /// Is it a group modulo a prime?
    #[cfg(any(feature = "kdc", test))]
    pub(super) const fn is_finite_field(self) -> bool {
        matches!(self, Self::Modp14 | Self::Modp16)
    }

    /// The group that an element of TD-DH-PARAMETERS names, if it is one of these. Of domain
    /// parameters p and g decide.
    #[must_use]
    pub fn from_algorithm(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        let parameters = algorithm.parameters?;
        let known = |group: &Self| {
            let (oid, expected) = group.algorithm();
            let same = if oid == DH_PUBLIC_NUMBER {
                prime_and_generator(parameters) == prime_and_generator(&expected)
            } else {
                parameters == expected
            };
            algorithm.algorithm == oid && same
        };
        Self::ALL.into_iter().find(known)
    }
}

/// DomainParameters (RFC 3279 section 2.3.3): p, g and q.
fn domain_parameters(p: &[u8], q: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    for number in [q, &[2], p] {
        BigUnsigned::new(number).encode(&mut writer);
    }
    writer.close(0x30, 0);
    writer.into_vec()
}

fn prime_and_generator(parameters: &[u8]) -> Option<[BigUnsigned<'_>; 2]> {
    let mut members = Reader::new(parameters).enter(0x30).ok()?;
    Some([Decode::decode(&mut members).ok()?, Decode::decode(&mut members).ok()?])
}

/// Why no key came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AgreementError {
    /// The peer's public value is outside of the group, or of the part of it that makes secrets.
    PublicValue,
    /// The caller's randomness gave no private key in many tries.
    Randomness,
}

impl fmt::Display for AgreementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PublicValue => "the public value is not a member of the group",
            Self::Randomness => "the source of randomness gives no private key",
        })
    }
}

impl core::error::Error for AgreementError {}

/// A fresh key pair in a group. The private half is wiped when it is dropped.
#[derive(Clone)]
pub struct KeyPair {
    group: Group,
    private: Private,
}

#[derive(Clone)]
enum Private {
    Modp(Exponent),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
}

/// Draws private keys until one is in range, which the first is but once in 2^32.
fn draw<K, const LEN: usize>(
    rng: &mut dyn Random,
    key: impl Fn(&[u8]) -> Option<K>,
) -> Result<K, AgreementError> {
    const TRIES: usize = 16;
    let mut octets = Zeroizing::new([0; LEN]);
    for _ in 0..TRIES {
        rng.fill(&mut *octets);
        if let Some(key) = key(&*octets) {
            return Ok(key);
        }
    }
    Err(AgreementError::Randomness)
}

impl KeyPair {
    /// Draws a private key.
    ///
    /// # Errors
    /// [`AgreementError::Randomness`].
    pub fn generate(group: Group, rng: &mut dyn Random) -> Result<Self, AgreementError> {
        let private = match group {
            Group::Modp14 | Group::Modp16 => Private::Modp(Exponent::generate(rng)),
            Group::P256 => Private::P256(draw::<_, 32>(rng, |octets| {
                p256::SecretKey::from_slice(octets).ok()
            })?),
            Group::P384 => Private::P384(draw::<_, 48>(rng, |octets| {
                p384::SecretKey::from_slice(octets).ok()
            })?),
        };
        Ok(Self { group, private })
    }

    /// The public value as it stands in a BIT STRING: the DER of an INTEGER (RFC 3279 section
    /// 2.3.3), or an uncompressed point (RFC 5480 section 2.2).
    #[must_use]
    pub fn public_value(&self) -> Vec<u8> {
        let integer = |octets: &[u8]| der::encode(&BigUnsigned::new(octets));
        match &self.private {
            Private::Modp(exponent) if self.group == Group::Modp16 => {
                integer(&GROUP_16.public(exponent))
            }
            Private::Modp(exponent) => integer(&GROUP_14.public(exponent)),
            Private::P256(key) => key.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Private::P384(key) => key.public_key().to_sec1_point(false).as_bytes().to_vec(),
        }
    }

    /// Group and public value as a SubjectPublicKeyInfo: AuthPack's clientPublicValue.
    #[must_use]
    pub fn public_key_info(&self) -> Vec<u8> {
        let (algorithm, parameters) = self.group.algorithm();
        der::encode(&SubjectPublicKeyInfo {
            algorithm: AlgorithmIdentifier { algorithm, parameters: Some(&parameters) },
            subject_public_key: BitString(&self.public_value()),
        })
    }

    /// The secret shared with the owner of `public_value`: DHSharedSecret (RFC 4556 section
    /// 3.2.3.1), as long as the group's prime, or the x-coordinate (RFC 5349 section 4).
    ///
    /// # Errors
    /// [`AgreementError::PublicValue`] for whatever is not a member of the group, would make a
    /// secret that others know, or would tell something of the private key.
    pub fn agree(&self, public_value: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgreementError> {
        let no_member = AgreementError::PublicValue;
        let integer = || der::decode::<BigUnsigned<'_>>(public_value).map_err(|_| no_member);
        let uncompressed = || public_value.first() == Some(&4);
        match &self.private {
            Private::Modp(exponent) if self.group == Group::Modp16 => {
                GROUP_16.agree(exponent, integer()?.octets()).ok_or(no_member)
            }
            Private::Modp(exponent) => {
                GROUP_14.agree(exponent, integer()?.octets()).ok_or(no_member)
            }
            Private::P256(key) if uncompressed() => {
                let peer = p256::PublicKey::from_sec1_bytes(public_value).map_err(|_| no_member)?;
                Ok(Zeroizing::new(key.diffie_hellman(&peer).raw_secret_bytes().to_vec()))
            }
            Private::P384(key) if uncompressed() => {
                let peer = p384::PublicKey::from_sec1_bytes(public_value).map_err(|_| no_member)?;
                Ok(Zeroizing::new(key.diffie_hellman(&peer).raw_secret_bytes().to_vec()))
            }
            Private::P256(_) | Private::P384(_) => Err(no_member),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({:?})", self.group)
    }
}
