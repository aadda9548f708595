use alloc::vec::Vec;

use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::side::Side;
use super::{edwards25519, nist};
use crate::Random;

/// A group of the "Kerberos SPAKE Groups" registry (RFC 9588 section 11.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpakeGroup {
    /// edwards25519, which everybody has.
    Edwards25519 = 1,
    /// P-256.
    P256 = 2,
    /// P-384.
    P384 = 3,
    /// P-521.
    P521 = 4,
}

impl SpakeGroup {
    /// All of them, the preferred first.
    pub const ALL: [Self; 4] = [Self::Edwards25519, Self::P256, Self::P384, Self::P521];

    /// The group with this number.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.number() == number)
    }

    /// Its number in the registry.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// Octets of a multiplier.
    pub(super) const fn multiplier_len(self) -> usize {
        match self {
            Self::Edwards25519 | Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The group's hash over the concatenation of `parts`.
    pub(super) fn hash(self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        fn hash<D: Digest>(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
            let mut digest = D::new();
            parts.iter().for_each(|part| digest.update(part));
            Zeroizing::new(digest.finalize().to_vec())
        }
        match self {
            Self::Edwards25519 | Self::P256 => hash::<Sha256>(parts),
            Self::P384 => hash::<Sha384>(parts),
            Self::P521 => hash::<Sha512>(parts),
        }
    }

    /// A fresh private multiplier, in the form that [`Self::public`] and [`Self::shared`] take.
    pub(super) fn private(self, rng: &mut dyn Random) -> Zeroizing<Vec<u8>> {
        let mut private = Zeroizing::new(alloc::vec![0; self.multiplier_len()]);
        rng.fill(&mut private);
        if let [first, .., _] = &mut private[..] {
            match self {
                // A multiple of the cofactor.
                Self::Edwards25519 => *first &= 0xf8,
                // 521 bits, so that the reduction favours no value.
                Self::P521 => *first &= 0x01,
                Self::P256 | Self::P384 => {}
            }
        }
        private
    }

    /// The public element of `side`: `private` times the generator, masked with `w` times the
    /// side's constant.
    pub(super) fn public(self, side: Side, w: &[u8], private: &[u8]) -> Vec<u8> {
        match self {
            Self::Edwards25519 => edwards25519::public(side, w, private),
            Self::P256 => nist::public::<p256::NistP256>(side, w, private),
            Self::P384 => nist::public::<p384::NistP384>(side, w, private),
            Self::P521 => nist::public::<p521::NistP521>(side, w, private),
        }
    }

    /// The shared element K, from the peer's public one. `None` if that is no element of the
    /// group, or leads to the neutral one.
    pub(super) fn shared(
        self,
        side: Side,
        w: &[u8],
        private: &[u8],
        peer: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Edwards25519 => edwards25519::shared(side, w, private, peer),
            Self::P256 => nist::shared::<p256::NistP256>(side, w, private, peer),
            Self::P384 => nist::shared::<p384::NistP384>(side, w, private, peer),
            Self::P521 => nist::shared::<p521::NistP521>(side, w, private, peer),
        }
    }
}
