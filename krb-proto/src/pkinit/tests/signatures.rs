//! Signatures by OpenSSL's keys, and what is refused.

use std::vec;
use std::vec::Vec;

use super::super::certificate::Certificate;
use super::super::signature::power;
use super::super::*;
use super::pki::{Counter, Key, tlv};
use crate::asn1::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use crate::der::{self, BitString, Oid};

const CA: &[u8] = include_bytes!("../../../vectors/pkinit-mit-1.20/ca.der");
const ALICE: &[u8] = include_bytes!("../../../vectors/pkinit-mit-1.20/alice.der");
const ALICE_KEY: &[u8] = include_bytes!("../../../vectors/pkinit-mit-1.20/alice.p8");

const RSA_SHA256: SignatureAlgorithm = SignatureAlgorithm { key: KeyKind::Rsa, hash: Hash::Sha256 };

#[test]
fn rsa_certificates_of_openssl() {
    let (ca, alice) = (Certificate::from_der(CA).unwrap(), Certificate::from_der(ALICE).unwrap());
    assert!(ca.is_signed_by(&ca));
    assert!(alice.is_signed_by(&ca));
    assert!(!alice.is_signed_by(&alice));
}

#[test]
fn rsa_signatures() {
    let signer = SoftwareSigner::from_pkcs8(vec![ALICE.to_vec()], ALICE_KEY).unwrap();
    assert_eq!(signer.algorithm(), RSA_SHA256);
    let signature = signer.sign(b"message", &mut Counter(0)).unwrap();
    let alice = Certificate::from_der(ALICE).unwrap();
    let key = alice.key().unwrap();
    let verifies = |message: &[u8], signature: &[u8]| RSA_SHA256.verifies(&key, message, signature);
    assert!(verifies(b"message", &signature));
    assert!(!verifies(b"massage", &signature));
    for at in [0, 100, 255] {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        assert!(!verifies(b"message", &changed));
    }
    assert!(!verifies(b"message", &signature[1..]));
    assert!(!verifies(b"message", &[&[0], &signature[..]].concat()));
    assert!(!verifies(b"message", &[0xff; 256]), "above the modulus");
    for hash in [Hash::Sha384, Hash::Sha512] {
        let other = SignatureAlgorithm { key: KeyKind::Rsa, hash };
        assert!(!other.verifies(&key, b"message", &signature));
    }
    let ecdsa = SignatureAlgorithm { key: KeyKind::Ecdsa, hash: Hash::Sha256 };
    assert!(!ecdsa.verifies(&key, b"message", &signature), "not an EC key");
}

/// The encoded message as its own signature: what an exponent of 1 would accept. And moduli of too
/// few or too many bits, with the same.
#[test]
fn rsa_keys_that_are_none() {
    let digest = Hash::Sha256.digest(b"message");
    let accepted = |len: usize, exponent: &[u8]| {
        let mut modulus = vec![0xff; len];
        modulus[0] = 0x7f;
        let key = tlv(0x30, &[&tlv(2, &[&modulus]), &tlv(2, &[exponent])]);
        let rsa = AlgorithmIdentifier {
            algorithm: Oid(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"),
            parameters: Some(&[5, 0]),
        };
        let key = SubjectPublicKeyInfo { algorithm: rsa, subject_public_key: BitString(&key) };
        // Whatever its power is: the right answer to a key of that length is never needed.
        let signature = RSA_SHA256.rsa_encoding(&digest, len);
        RSA_SHA256.verifies(&key, b"message", &signature)
    };
    for len in [255, 256, 257, 1023, 1024, 1025] {
        assert!(!accepted(len, &[1]), "{len}");
        assert!(!accepted(len, &[1, 0, 0, 0, 1]), "an exponent of 33 bits");
    }
}

#[test]
fn powers() {
    assert_eq!(power(&[3], &[4], &[0x4d]), Some(vec![81 - 77]));
    assert_eq!(power(&[0], &[4], &[0x4d]), Some(vec![0]));
    assert_eq!(power(&[0x4d], &[4], &[0x4d]), None, "not below the modulus");
    assert_eq!(power(&[3], &[4], &[0x4c]), None, "even");
}

#[test]
fn ecdsa_signatures() {
    let key = Key::new(7);
    let signature = key.sign(b"message");
    let public = key.public();
    let info: SubjectPublicKeyInfo<'_> = der::decode(&public).unwrap();
    let ecdsa = SignatureAlgorithm { key: KeyKind::Ecdsa, hash: Hash::Sha256 };
    assert!(ecdsa.verifies(&info, b"message", &signature));
    assert!(!ecdsa.verifies(&info, b"massage", &signature));
    for end in 0..signature.len() {
        assert!(!ecdsa.verifies(&info, b"message", &signature[..end]));
    }
    let trailing = [&signature[..], &[0]].concat();
    assert!(!ecdsa.verifies(&info, b"message", &trailing));
    let zeros = [0x30, 6, 2, 1, 0, 2, 1, 0];
    assert!(!ecdsa.verifies(&info, b"message", &zeros));
}

#[test]
fn private_keys_that_are_none() {
    let refused = |key: &[u8]| {
        let signer = SoftwareSigner::from_pkcs8(Vec::new(), key);
        assert_eq!(signer.map(drop), Err(SigningError::PrivateKey));
    };
    for end in 0..100 {
        refused(&ALICE_KEY[..end]);
    }
    refused(b"-----BEGIN PRIVATE KEY-----");
    let zero = tlv(0x30, &[&[2, 1, 1], &tlv(4, &[&[0; 32]])]);
    refused(&tlv(0x30, &[&[2, 1, 0], super::pki::EC_P256, &tlv(4, &[&zero])]));
    let signer = SoftwareSigner::from_pkcs8(Vec::new(), ALICE_KEY).unwrap();
    assert!(!std::format!("{signer:?}").contains("48"), "prints no key");
}
