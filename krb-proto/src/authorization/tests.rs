//! CAMMAC and AD-KDCIssued, made, verified, and changed.

use std::vec::Vec;

use super::*;
use crate::asn1::{
    AdCammac, AdKdcIssued, AuthorizationData, AuthorizationDataElement, Checksum, EncTicketPart,
    EncryptionKey, PrincipalName, SecretOctets, TransitedEncoding, VerifierMac,
};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, KerberosString, List};
use crate::iana::{AdType, ChecksumType, EncType, KeyUsage};
use crate::{KerberosTime, Name};

fn key(fill: u8) -> Key {
    Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[fill; 32]).unwrap()
}

fn with_ticket<R>(test: impl FnOnce(&EncTicketPart<'_>) -> R) -> R {
    let name = Name::user("alice");
    test(&EncTicketPart {
        flags: 0.into(),
        key: EncryptionKey {
            keytype: EncType::AES256_CTS_HMAC_SHA1_96,
            keyvalue: SecretOctets(&[3; 32]),
        },
        crealm: KerberosString(b"EXAMPLE.COM"),
        cname: PrincipalName::from(&name),
        transited: TransitedEncoding { tr_type: 1, contents: &[] },
        authtime: KerberosTime::from_unix(1_800_000_000),
        starttime: None,
        endtime: KerberosTime::from_unix(1_800_036_000),
        renew_till: None,
        caddr: None,
        authorization_data: None,
    })
}

const ELEMENTS: [AuthorizationDataElement<'_>; 2] = [
    AuthorizationDataElement { ad_type: AdType(-1), ad_data: b"pkinit" },
    AuthorizationDataElement { ad_type: AdType(-2), ad_data: b"" },
];

#[test]
fn a_cammac_holds_for_the_service_and_for_the_kdc() {
    with_ticket(|ticket| {
        let made = make_cammac(List::of(&ELEMENTS), ticket, (&key(1), 7), &key(2));
        let outer: AuthorizationData<'_> = der::decode(&made).unwrap();
        let outer: Vec<_> = outer.iter().collect();
        assert_eq!((outer.len(), outer[0].ad_type), (1, AdType::CAMMAC));
        let cammac: AdCammac<'_> = der::decode(outer[0].ad_data).unwrap();
        assert_eq!(cammac.kdc_verifier.unwrap().kvno.unwrap().get(), 7);
        let elements = Ok(List::of(&ELEMENTS));
        assert_eq!(verify_cammac_as_service(&cammac, &key(2)), elements);
        assert_eq!(verify_cammac_as_kdc(&cammac, ticket, &key(1)), elements);
        // The ticket's other authorization data are not covered.
        let more = EncTicketPart { authorization_data: Some(List::of(&ELEMENTS)), ..*ticket };
        assert_eq!(verify_cammac_as_kdc(&cammac, &more, &key(1)), elements);

        let wrong = Err(AuthorizationError::Crypto(CryptoError::IntegrityCheckFailed));
        assert_eq!(verify_cammac_as_service(&cammac, &key(1)), wrong);
        assert_eq!(verify_cammac_as_kdc(&cammac, ticket, &key(2)), wrong);
        let moved = EncTicketPart { crealm: KerberosString(b"EXAMPLE.ORG"), ..*ticket };
        assert_eq!(verify_cammac_as_kdc(&cammac, &moved, &key(1)), wrong);
        let fewer = AdCammac { elements: List::of(&ELEMENTS[..1]), ..cammac };
        assert_eq!(verify_cammac_as_service(&fewer, &key(2)), wrong);
        assert_eq!(verify_cammac_as_kdc(&fewer, ticket, &key(1)), wrong);
    });
}

#[test]
fn a_cammac_without_our_verifier_or_with_an_unkeyed_one_proves_nothing() {
    with_ticket(|ticket| {
        let made = make_cammac(List::of(&ELEMENTS), ticket, (&key(1), 7), &key(2));
        let outer: AuthorizationData<'_> = der::decode(&made).unwrap();
        let cammac: AdCammac<'_> = der::decode(outer.iter().next().unwrap().ad_data).unwrap();
        let without = AdCammac { kdc_verifier: None, svc_verifier: None, ..cammac };
        let none = Err(AuthorizationError::NoVerifier);
        assert_eq!(verify_cammac_as_service(&without, &key(2)), none);
        assert_eq!(verify_cammac_as_kdc(&without, ticket, &key(1)), none);

        let data = der::encode(&List::of(&ELEMENTS));
        let hmac_md5 = key(2).hmac_md5(KeyUsage::CAMMAC, &data);
        for (cksumtype, checksum) in [
            (ChecksumType::RSA_MD5, &[0; 16][..]),
            (ChecksumType::HMAC_MD5, &hmac_md5),
            (ChecksumType(0), &[]),
        ] {
            let mac = Checksum { cksumtype, checksum };
            let verifier = VerifierMac { mac, ..cammac.svc_verifier.unwrap() };
            let forged = AdCammac { svc_verifier: Some(verifier), ..cammac };
            assert_eq!(
                verify_cammac_as_service(&forged, &key(2)),
                Err(AuthorizationError::Crypto(CryptoError::ChecksumTypeNotAllowed(cksumtype)))
            );
        }
        let enctype = Some(EncType::AES128_CTS_HMAC_SHA1_96);
        let verifier = VerifierMac { enctype, ..cammac.svc_verifier.unwrap() };
        let other = AdCammac { svc_verifier: Some(verifier), ..cammac };
        assert!(verify_cammac_as_service(&other, &key(2)).is_err());
    });
}

#[test]
fn what_the_kdc_issued_has_its_checksum() {
    let elements = List::of(&ELEMENTS);
    let checksum = key(3).checksum(KeyUsage::KDC_ISSUED, &der::encode(&elements));
    let ad_checksum =
        Checksum { cksumtype: ChecksumType::HMAC_SHA1_96_AES256, checksum: &checksum };
    let issued = AdKdcIssued { ad_checksum, i_realm: None, i_sname: None, elements };
    assert_eq!(verify_kdc_issued(&issued, &key(3)), Ok(elements));
    let wrong = |error| Err(AuthorizationError::Crypto(error));
    let failed = wrong(CryptoError::IntegrityCheckFailed);
    assert_eq!(verify_kdc_issued(&issued, &key(4)), failed);
    let fewer = AdKdcIssued { elements: List::of(&ELEMENTS[1..]), ..issued };
    assert_eq!(verify_kdc_issued(&fewer, &key(3)), failed);
    let cksumtype = ChecksumType::RSA_MD4;
    let unkeyed = AdKdcIssued { ad_checksum: Checksum { cksumtype, ..ad_checksum }, ..issued };
    let error = wrong(CryptoError::ChecksumTypeNotAllowed(cksumtype));
    assert_eq!(verify_kdc_issued(&unkeyed, &key(3)), error);
}

#[test]
fn a_malformed_container_before_the_pac_is_an_error() {
    let element = |ad_type, ad_data| AuthorizationDataElement { ad_type, ad_data };
    let pac = [element(AdType::WIN2K_PAC, &b"pac"[..])];
    let container = der::encode(&List::of(&pac));
    let good = element(AdType::IF_RELEVANT, &container[..]);
    let bad = element(AdType::IF_RELEVANT, b"\x30\x80");
    let find = |elements: &[_]| find_pac(&List::of(elements)).map(|pac| pac.map(<[u8]>::len));
    assert_eq!(find(&[element(AdType(-1), b"x"), good, bad]), Ok(Some(3)));
    assert!(find(&[bad, good]).is_err());
    assert_eq!(find(&pac), Ok(None), "not in AD-IF-RELEVANT");
    with_ticket(|ticket| {
        let elements = [bad, good];
        let part = EncTicketPart { authorization_data: Some(List::of(&elements)), ..*ticket };
        assert!(with_pac(&part, b"new").is_err());
        let again = with_pac(ticket, b"new").unwrap();
        let part: EncTicketPart<'_> = der::decode(&again).unwrap();
        assert_eq!(find_pac(&part.authorization_data.unwrap()), Ok(Some(&b"new"[..])));
    });
}
