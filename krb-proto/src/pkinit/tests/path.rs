//! Which certificates lead to an anchor.

use std::vec;
use std::vec::Vec;

use super::super::certificate::Certificate;
use super::super::path::verify;
use super::super::*;
use super::pki::*;
use crate::KerberosTime;

fn parsed(ders: &[Vec<u8>]) -> Vec<Certificate> {
    ders.iter().map(|der| Certificate::from_der(der).unwrap()).collect()
}

fn check(leaf: &[u8], pool: &[Vec<u8>], anchor: &[u8], now: i64) -> Result<(), PathError> {
    let leaf = Certificate::from_der(leaf).unwrap();
    let anchors = TrustAnchors::from_der([anchor]).unwrap();
    verify(&leaf, &parsed(pool), &anchors, KerberosTime::from_unix(now))
}

#[test]
fn issued_by_an_anchor_within_its_time() {
    let (ca, kdc) = (Key::new(1), Key::new(2));
    let root = Spec::ca("ca", "ca").signed(&ca, &ca);
    let leaf = Spec::kdc("ca").signed(&kdc, &ca);
    // From 2026-01-01T00:00:00Z to 2026-12-31T23:59:59Z, both included.
    let (first, last) = (1_767_225_600, 1_798_761_599);
    for (now, expected) in [
        (first - 1, Err(PathError::Validity)),
        (first, Ok(())),
        (first + 1, Ok(())),
        (last - 1, Ok(())),
        (last, Ok(())),
        (last + 1, Err(PathError::Validity)),
    ] {
        assert_eq!(check(&leaf, &[], &root, now), expected, "{now}");
    }
    // The anchor's time counts as well.
    let spec = Spec { validity: ["260101000000Z", "260301000000Z"], ..Spec::ca("ca", "ca") };
    assert_eq!(check(&leaf, &[], &spec.signed(&ca, &ca), JUNE), Err(PathError::NoPath));
    // A KDC's own certificate may be the anchor.
    assert_eq!(check(&leaf, &[], &leaf, JUNE), Ok(()));
}

#[test]
fn not_by_somebody_else() {
    let (ca, kdc, mallory) = (Key::new(1), Key::new(2), Key::new(9));
    let root = Spec::ca("ca", "ca").signed(&ca, &ca);
    let no_path = Err(PathError::NoPath);
    let forged = Spec::kdc("ca").signed(&kdc, &mallory);
    assert_eq!(check(&forged, &[], &root, JUNE), no_path);
    assert_eq!(check(&Spec::kdc("other").signed(&kdc, &ca), &[], &root, JUNE), no_path, "name");
    // A root of Mallory's in the message is not an anchor.
    let own = Spec::ca("ca", "ca").signed(&mallory, &mallory);
    assert_eq!(check(&forged, &[own], &root, JUNE), no_path);
    // Every octet that is signed counts.
    let leaf = Spec::kdc("ca").signed(&kdc, &ca);
    for at in (20..leaf.len()).step_by(37) {
        let mut changed = leaf.clone();
        changed[at] ^= 1;
        if let Ok(certificate) = Certificate::from_der(&changed) {
            let anchors = TrustAnchors::from_der([&root]).unwrap();
            let now = KerberosTime::from_unix(JUNE);
            assert!(verify(&certificate, &[], &anchors, now).is_err(), "{at}");
        }
    }
}

#[test]
fn only_cas_certify() {
    let (ca, middle, kdc) = (Key::new(1), Key::new(4), Key::new(2));
    let root = Spec::ca("ca", "ca").signed(&ca, &ca);
    let leaf = Spec::kdc("middle").signed(&kdc, &middle);
    let with = |extensions: Vec<Vec<u8>>| {
        let spec = Spec { extensions, ..Spec::ca("middle", "ca") };
        check(&leaf, &[spec.signed(&middle, &ca)], &root, JUNE)
    };
    let no_path = Err(PathError::NoPath);
    assert_eq!(with(vec![ca_extension(None), key_usage(0x04, 2)]), Ok(()));
    assert_eq!(with(vec![ca_extension(None)]), Ok(()), "no key usage: any");
    assert_eq!(with(vec![ca_extension(Some(0))]), Ok(()));
    assert_eq!(with(vec![]), no_path, "no basic constraints");
    assert_eq!(with(vec![ca_extension(None), key_usage(0x80, 7)]), no_path, "signs messages only");
    let not_ca = extension(b"\x55\x1d\x13", true, &[0x30, 0]);
    assert_eq!(with(vec![not_ca, key_usage(0x04, 2)]), no_path);
    let expired = Spec { validity: ["250101000000Z", "260101000000Z"], ..Spec::ca("middle", "ca") };
    assert_eq!(check(&leaf, &[expired.signed(&middle, &ca)], &root, JUNE), no_path);
}

/// One key and many names: `count` CAs between the anchor and the KDC.
fn chain(count: usize, first: Vec<Vec<u8>>) -> (Vec<u8>, Vec<Vec<u8>>) {
    const NAMES: [&str; 9] = ["ca", "1", "2", "3", "4", "5", "6", "7", "8"];
    let key = Key::new(1);
    let pool = (1..=count).map(|at| {
        let spec = Spec::ca(NAMES[at], NAMES[at - 1]);
        let extensions = if at == 1 { first.clone() } else { spec.extensions.clone() };
        Spec { extensions, ..spec }.signed(&key, &key)
    });
    let pool = pool.collect();
    (Spec::kdc(NAMES[count]).signed(&Key::new(2), &key), pool)
}

#[test]
fn paths_have_an_end() {
    let key = Key::new(1);
    let root = Spec::ca("ca", "ca").signed(&key, &key);
    let check = |(leaf, pool): (Vec<u8>, Vec<Vec<u8>>)| check(&leaf, &pool, &root, JUNE);
    let any = || vec![ca_extension(None)];
    assert_eq!(check(chain(MAX_INTERMEDIATES - 1, any())), Ok(()));
    assert_eq!(check(chain(MAX_INTERMEDIATES, any())), Ok(()));
    assert_eq!(check(chain(MAX_INTERMEDIATES + 1, any())), Err(PathError::NoPath));
    // The CA next to the anchor allows so many below it.
    let at_most = |length| vec![ca_extension(Some(length))];
    assert_eq!(check(chain(3, at_most(3))), Ok(()));
    assert_eq!(check(chain(3, at_most(2))), Ok(()));
    assert_eq!(check(chain(3, at_most(1))), Err(PathError::NoPath));
}

/// Certificates of one name that all seem to certify each other: the search gives up after so many
/// signatures, not after all paths.
#[test]
fn a_crowd_of_namesakes_ends() {
    let (ca, key) = (Key::new(1), Key::new(5));
    let root = Spec::ca("ca", "ca").signed(&ca, &ca);
    let namesake = |serial| Spec { serial, ..Spec::ca("crowd", "crowd") }.signed(&key, &key);
    let pool: Vec<_> = (1..=16).map(namesake).collect();
    let leaf = Spec::kdc("crowd").signed(&Key::new(2), &key);
    assert_eq!(check(&leaf, &pool, &root, JUNE), Err(PathError::NoPath));
}

#[test]
fn malformed_certificates() {
    let (ca, kdc) = (Key::new(1), Key::new(2));
    let leaf = Spec::kdc("ca").signed(&kdc, &ca);
    for end in 0..leaf.len() {
        assert_eq!(Certificate::from_der(&leaf[..end]).err(), Some(CertificateError::Malformed));
    }
    let with = |added: Vec<u8>| {
        let mut spec = Spec::kdc("ca");
        spec.extensions.push(added);
        Certificate::from_der(&spec.signed(&kdc, &ca)).err()
    };
    // Name constraints (RFC 5280 section 4.2.1.10) are not looked at, so critical ones are refused.
    let constraints = |critical| extension(b"\x55\x1d\x1e", critical, &[0x30, 0]);
    assert_eq!(with(constraints(false)), None);
    assert_eq!(with(constraints(true)), Some(CertificateError::CriticalExtension));
    assert_eq!(with(kdc_name("OTHER.COM")), Some(CertificateError::Malformed), "two of a kind");
    assert_eq!(with(extension(b"\x55\x1d\x25", false, &[5, 0])), Some(CertificateError::Malformed));

    let long = |len: usize| {
        let mut spec = Spec::kdc("ca");
        let added = extension(b"\x2a\x03", false, &vec![0; len]);
        spec.extensions.push(added);
        spec.signed(&kdc, &ca)
    };
    // Signatures differ in length by an octet or two, so the limit is met within a few octets.
    let padding = 16_384 - (long(15_000).len() - 15_000);
    assert_eq!(Certificate::from_der(&long(padding - 8)).err(), None);
    let too_long = long(padding + 8);
    assert!(too_long.len() > 16_384);
    assert_eq!(Certificate::from_der(&too_long).err(), Some(CertificateError::Malformed));
}
