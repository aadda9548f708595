//! Key agreement: both sides get the same, and hostile public values get nothing.

use std::vec;
use std::vec::Vec;

use super::super::modp::{GROUP_14, GROUP_16};
use super::super::*;
use super::pki::Counter;
use crate::Random;
use crate::asn1::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use crate::der::{self, BigUnsigned, Oid};

const GROUPS: [(Group, usize); 4] =
    [(Group::Modp14, 256), (Group::Modp16, 512), (Group::P256, 32), (Group::P384, 48)];

#[test]
fn both_sides_agree() {
    for (group, len) in GROUPS {
        let ours = KeyPair::generate(group, &mut Counter(1)).unwrap();
        let theirs = KeyPair::generate(group, &mut Counter(2)).unwrap();
        let secret = ours.agree(&theirs.public_value()).unwrap();
        assert_eq!(secret, theirs.agree(&ours.public_value()).unwrap(), "{group:?}");
        assert_eq!(secret.len(), len);
    }
}

#[test]
fn groups_are_known_by_their_parameters() {
    for (group, _) in GROUPS {
        let pair = KeyPair::generate(group, &mut Counter(3)).unwrap();
        let info = pair.public_key_info();
        let info: SubjectPublicKeyInfo<'_> = der::decode(&info).unwrap();
        assert_eq!(Group::from_algorithm(&info.algorithm), Some(group));
        assert_eq!(info.subject_public_key.0, pair.public_value());

        // Some leave q out; nobody may bring a prime or a generator of his own.
        let other = Oid(b"\x2a\x03");
        let renamed = AlgorithmIdentifier { algorithm: other, ..info.algorithm };
        assert_eq!(Group::from_algorithm(&renamed), None);
        let bare = AlgorithmIdentifier { parameters: None, ..info.algorithm };
        assert_eq!(Group::from_algorithm(&bare), None);
        let mut changed = info.algorithm.parameters.unwrap().to_vec();
        let at = changed.len().min(40) - 1;
        changed[at] ^= 1;
        let changed = AlgorithmIdentifier { parameters: Some(&changed), ..info.algorithm };
        assert_eq!(Group::from_algorithm(&changed), None);
    }
}

fn integer(octets: &[u8]) -> Vec<u8> {
    der::encode(&BigUnsigned::new(octets))
}

#[test]
fn public_values_outside_of_the_subgroup_are_refused() {
    for (group, prime) in [(Group::Modp14, GROUP_14.prime()), (Group::Modp16, GROUP_16.prime())] {
        let pair = KeyPair::generate(group, &mut Counter(4)).unwrap();
        let less = |by: u8| {
            let mut value = prime.clone();
            *value.last_mut().unwrap() -= by;
            value
        };
        let refused = Err(AgreementError::PublicValue);
        let agree = |octets: &[u8]| pair.agree(&integer(octets)).map(drop);
        assert_eq!(agree(&[1]), refused);
        assert_eq!(agree(&[2]), Ok(()), "the generator");
        // The primes end in eight octets of FF: -1 and 2^n are what they are by quadratic
        // reciprocity for a prime that is 7 modulo 8: squares, and their negatives are none.
        assert_eq!(agree(&[4]), Ok(()));
        assert_eq!(agree(&less(4)), refused, "p - 4 is no square");
        assert_eq!(agree(&less(2)), refused, "p - 2 is no square");
        assert_eq!(agree(&less(1)), refused, "p - 1 is its own inverse");
        assert_eq!(agree(&prime), refused);
        let mut above = prime.clone();
        above[0] = 1;
        above.insert(0, 1);
        assert_eq!(agree(&above), refused, "longer than the prime");
        for not_an_integer in [&[][..], &[2, 1, 0], &[2, 1, 0x82], &[2, 2, 0, 2], &[4, 1, 2]] {
            assert_eq!(pair.agree(not_an_integer).map(drop), refused);
        }
    }
}

#[test]
fn points_off_the_curve_are_refused() {
    for (group, len) in [(Group::P256, 32), (Group::P384, 48)] {
        let pair = KeyPair::generate(group, &mut Counter(5)).unwrap();
        let peer = KeyPair::generate(group, &mut Counter(6)).unwrap().public_value();
        let refused = |value: &[u8]| {
            assert_eq!(pair.agree(value), Err(AgreementError::PublicValue));
        };
        refused(&[]);
        refused(&[0]);
        for at in [1, len, 2 * len] {
            let mut off = peer.clone();
            off[at] ^= 1;
            refused(&off);
        }
        refused(&peer[..2 * len]);
        refused(&[&peer[..], &[0]].concat());
        let mut compressed = peer[..=len].to_vec();
        compressed[0] = 2 | (peer[2 * len] & 1);
        refused(&compressed);
        refused(&[vec![4], vec![0; 2 * len]].concat());
    }
}

/// Never a private key: what is drawn is above the order of either curve.
#[test]
fn randomness_that_is_none_ends() {
    struct Ones;
    impl Random for Ones {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(0xff);
        }
    }
    for group in [Group::P256, Group::P384] {
        assert_eq!(KeyPair::generate(group, &mut Ones).map(drop), Err(AgreementError::Randomness));
    }
}
