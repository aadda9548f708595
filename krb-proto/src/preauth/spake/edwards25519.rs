//! Group 1 (RFC 9588 section 11.2). Multipliers are little-endian, elements compressed as in
//! RFC 8032 section 5.1.2.

use alloc::vec::Vec;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use zeroize::{Zeroize, Zeroizing};

use super::Side;

const M: [u8; 32] = [
    0xd0, 0x48, 0x03, 0x2c, 0x6e, 0xa0, 0xb6, 0xd6, 0x97, 0xdd, 0xc2, 0xe8, 0x6b, 0xda, 0x85, 0xa3,
    0x3a, 0xda, 0xc9, 0x20, 0xf1, 0xbf, 0x18, 0xe1, 0xb0, 0xc6, 0xd1, 0x66, 0xa5, 0xce, 0xcd, 0xaf,
];
const N: [u8; 32] = [
    0xd3, 0xbf, 0xb5, 0x18, 0xf4, 0x4f, 0x34, 0x30, 0xf2, 0x9d, 0x0c, 0x92, 0xaf, 0x50, 0x38, 0x65,
    0xa1, 0xed, 0x32, 0x81, 0xdc, 0x69, 0xb3, 0x5d, 0xd8, 0x68, 0xba, 0x85, 0xf8, 0x86, 0xc4, 0xab,
];

/// The mask that `side` puts over its public element.
fn mask(side: Side, w: &[u8]) -> Option<EdwardsPoint> {
    let constant = match side {
        Side::Kdc => M,
        Side::Client => N,
    };
    let mut w = Scalar::from_bytes_mod_order(w.try_into().ok()?);
    let mask = CompressedEdwardsY(constant).decompress().map(|constant| constant * w);
    w.zeroize();
    mask
}

/// The element, if these are the octets that it is compressed to and not others that stand for the
/// same.
fn element(octets: &[u8]) -> Option<EdwardsPoint> {
    let compressed = CompressedEdwardsY(octets.try_into().ok()?);
    compressed.decompress().filter(|element| element.compress() == compressed)
}

/// A private multiplier is eight times this.
fn eighth(private: &[u8]) -> Option<Scalar> {
    let mut octets = Zeroizing::new([0; 32]);
    let mut higher = 0;
    for (to, from) in octets.iter_mut().zip(private).rev() {
        *to = from >> 3 | higher;
        higher = from << 5;
    }
    (private.len() == 32).then(|| Scalar::from_bytes_mod_order(*octets))
}

pub(super) fn public(side: Side, w: &[u8], private: &[u8]) -> Vec<u8> {
    let element = eighth(private).zip(mask(side, w)).map(|(mut eighth, mask)| {
        let element = EdwardsPoint::mul_base(&eighth).mul_by_cofactor() + mask;
        eighth.zeroize();
        element
    });
    element.map(|element| element.compress().0.to_vec()).unwrap_or_default()
}

pub(super) fn shared(
    side: Side,
    w: &[u8],
    private: &[u8],
    peer: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let peer = element(peer)?;
    let mut eighth = eighth(private)?;
    // By the cofactor first: what a hostile peer put in of small order is gone then.
    let mut element = (peer - mask(side.peer(), w)?).mul_by_cofactor() * eighth;
    eighth.zeroize();
    let shared = (!element.is_identity()).then(|| Zeroizing::new(element.compress().0.to_vec()));
    element.zeroize();
    shared
}
