//! The KDC's side: what it takes from whom, and that its answer is one that the client believes.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

use sha1::{Digest, Sha1};

use super::super::client::AUTH_DATA;
use super::super::signed_data::sign;
use super::super::*;
use super::pki::*;
use crate::asn1::{AuthPack, KdfAlgorithmId, PaChecksum2, PaPkAsReq, PkAuthenticator};
use crate::der::{self, Any, List, Microseconds, Oid, UInt32};
use crate::iana::{EncType, ErrorCode};
use crate::pac::Sid;
use crate::{Context, KerberosTime, Name, Principal, Timestamp};

const BODY: &[u8] = b"a KDC-REQ-BODY";
const NONCE: u32 = 0x1234_5678;
const ENCTYPE: EncType = EncType::AES256_CTS_HMAC_SHA1_96;
const NOW: Timestamp = Timestamp::new(JUNE, 5);
const SID: &str = "S-1-5-21-1-2-3-1104";

const STRICT: RequestRules = RequestRules { skew: 300, second_checksum: false, any_client: false };
const SERVER_2025: RequestRules =
    RequestRules { skew: 300, second_checksum: true, any_client: true };

fn root() -> Vec<u8> {
    Spec::ca("ca", "ca").signed(&Key::new(1), &Key::new(1))
}

fn kdc() -> KdcPkinit {
    let certificate = Spec::kdc("ca").signed(&Key::new(2), &Key::new(1));
    let signer = Arc::new(Key::new(2).signer(&[&certificate]));
    KdcPkinit::new(signer, TrustAnchors::from_der([root()]).unwrap())
}

fn alice() -> Principal {
    Principal::new(Name::user("alice"), "EXAMPLE.COM")
}

/// A client's request with a certificate of this kind.
fn request_of(spec: &Spec, groups: &[Group]) -> (Pkinit, Vec<u8>) {
    let certificate = spec.signed(&Key::new(3), &Key::new(1));
    let config = PkinitConfig {
        signer: Some(Box::new(Key::new(3).signer(&[&certificate]))),
        anchors: TrustAnchors::from_der([root()]).unwrap(),
        groups: groups.to_vec(),
        kdc_hosts: vec![],
    };
    let mut pkinit = Pkinit::new(Arc::new(config));
    let mut cx = Context { now: NOW, kdc_offset: 0, rng: &mut Counter(7) };
    let request = pkinit.request(BODY, NONCE, &mut cx).unwrap();
    (pkinit, request)
}

fn login() -> Spec {
    Spec::client(names(&[principal(&["alice"], "EXAMPLE.COM")]))
}

#[test]
fn the_client_believes_the_kdc_and_both_have_the_same_key() {
    for group in [Group::P256, Group::P384, Group::Modp14, Group::Modp16] {
        let (mut client, request) = request_of(&login(), &[group]);
        let proof = ClientProof::verify(&kdc(), &SERVER_2025, &request, BODY, NOW).unwrap();
        let (name, server) = (alice(), Principal::krbtgt(b"EXAMPLE.COM"));
        let (message, key) = proof
            .offer()
            .answer(&kdc(), &name, &server, ENCTYPE, b"an AS-REQ", &mut Counter(8))
            .unwrap();
        let key_use = KeyUse {
            client: &name,
            server: &server,
            enctype: ENCTYPE,
            as_req: b"an AS-REQ",
            pk_as_rep: &message,
        };
        assert_eq!(client.reply_key(&key_use), Ok(key), "{group:?}");
    }
}

/// What a client signs; a test changes something.
struct Signed {
    nonce: u32,
    time: i64,
    group: Option<Group>,
    first: Option<Vec<u8>>,
    second: Option<(Vec<u8>, Oid<'static>)>,
    kdfs: Option<Vec<Oid<'static>>>,
    content_type: Oid<'static>,
}

impl Signed {
    fn right() -> Self {
        let second = Some((Hash::Sha256.digest(BODY), Hash::Sha256.oid()));
        Self {
            nonce: NONCE,
            time: JUNE,
            group: Some(Group::P256),
            first: Some(Sha1::digest(BODY).to_vec()),
            second,
            kdfs: Some(vec![Kdf::Sha256.oid()]),
            content_type: AUTH_DATA,
        }
    }

    fn message(&self) -> Vec<u8> {
        let public = self
            .group
            .map(|group| KeyPair::generate(group, &mut Counter(1)).unwrap().public_key_info());
        let kdfs: Option<Vec<_>> = self
            .kdfs
            .as_ref()
            .map(|kdfs| kdfs.iter().map(|&kdf_id| KdfAlgorithmId { kdf_id }).collect());
        let pack = der::encode(&AuthPack {
            pk_authenticator: PkAuthenticator {
                cusec: Microseconds(0),
                ctime: KerberosTime::from_unix(self.time),
                nonce: UInt32::new(self.nonce),
                pa_checksum: self.first.as_deref(),
                freshness_token: None,
                pa_checksum2: self.second.as_ref().map(|(checksum, algorithm)| PaChecksum2 {
                    checksum,
                    algorithm_identifier: crate::asn1::AlgorithmIdentifier {
                        algorithm: *algorithm,
                        parameters: None,
                    },
                }),
            },
            client_public_value: public.as_deref().map(Any),
            supported_cms_types: None,
            client_dh_nonce: None,
            supported_kdfs: kdfs.as_deref().map(List::of),
        });
        let certificate = login().signed(&Key::new(3), &Key::new(1));
        let signer = Key::new(3).signer(&[&certificate]);
        let signed = sign(&signer, self.content_type, &pack, &mut Counter(2)).unwrap();
        der::encode(&PaPkAsReq {
            signed_auth_pack: &signed,
            trusted_certifiers: None,
            kdc_pk_id: None,
        })
    }

    fn outcome(&self, rules: &RequestRules) -> Result<(), ErrorCode> {
        let proof = ClientProof::verify(&kdc(), rules, &self.message(), BODY, NOW);
        proof.map(drop).map_err(|error| error.code())
    }
}

#[test]
fn what_a_request_must_have() {
    let right = Signed::right;
    let md5: Oid<'_> = Oid(b"\x2a\x86\x48\x86\xf7\x0d\x02\x05");
    let cases: Vec<(&str, Signed, Result<(), ErrorCode>)> = vec![
        ("all", right(), Ok(())),
        ("a clock at the limit", Signed { time: JUNE - 300, ..right() }, Ok(())),
        ("at the other", Signed { time: JUNE + 300, ..right() }, Ok(())),
        ("beyond", Signed { time: JUNE - 301, ..right() }, Err(ErrorCode::SKEW)),
        ("beyond the other", Signed { time: JUNE + 301, ..right() }, Err(ErrorCode::SKEW)),
        (
            "RSA key transport",
            Signed { group: None, ..right() },
            Err(ErrorCode::PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED),
        ),
        (
            "no checksum",
            Signed { first: None, ..right() },
            Err(ErrorCode::PA_CHECKSUM_MUST_BE_INCLUDED),
        ),
        (
            "a checksum over another request",
            Signed { first: Some(Sha1::digest(b"another").to_vec()), ..right() },
            Err(ErrorCode::MODIFIED),
        ),
        (
            "a second checksum over another request",
            Signed { second: Some((Hash::Sha256.digest(b"x"), Hash::Sha256.oid())), ..right() },
            Err(ErrorCode::MODIFIED),
        ),
        (
            "a second checksum of a hash that is not taken",
            Signed { second: Some((vec![0; 16], md5)), ..right() },
            Err(ErrorCode::SUMTYPE_NOSUPP),
        ),
        ("no key derivation function named", Signed { kdfs: None, ..right() }, Ok(())),
        (
            "none that is known",
            Signed { kdfs: Some(vec![Kdf::Sha1.oid(), md5]), ..right() },
            Err(ErrorCode::NO_ACCEPTABLE_KDF),
        ),
        (
            "another content",
            Signed { content_type: super::super::client::DH_KEY_DATA, ..right() },
            Err(ErrorCode::PREAUTH_FAILED),
        ),
    ];
    for (what, signed, expected) in cases {
        assert_eq!(signed.outcome(&STRICT), expected, "{what}");
    }
}

/// Windows Server 2025: the second checksum is due with a finite field, and with no curve.
#[test]
fn a_second_checksum_is_due_where_sha_1_alone_would_decide() {
    let outcome = |group, second: bool, rules: &RequestRules| {
        let mut signed = Signed { group: Some(group), ..Signed::right() };
        if !second {
            signed.second = None;
        }
        signed.outcome(rules)
    };
    let missing = Err(ErrorCode::PA_CHECKSUM_MUST_BE_INCLUDED);
    for group in [Group::Modp14, Group::Modp16] {
        assert_eq!(outcome(group, true, &SERVER_2025), Ok(()));
        assert_eq!(outcome(group, false, &SERVER_2025), missing);
        assert_eq!(outcome(group, false, &STRICT), Ok(()));
    }
    for group in [Group::P256, Group::P384] {
        assert_eq!(outcome(group, false, &SERVER_2025), Ok(()));
    }
}

#[test]
fn a_group_that_is_not_taken_is_answered_with_those_that_are() {
    let config = KdcPkinit { groups: vec![Group::Modp14, Group::P384], ..kdc() };
    let (mut client, request) = request_of(&login(), &[Group::P256, Group::P384]);
    let refused = ClientProof::verify(&config, &STRICT, &request, BODY, NOW).err();
    assert_eq!(refused, Some(RequestError::Group));
    assert_eq!(RequestError::Group.code(), ErrorCode::DH_KEY_PARAMETERS_NOT_ACCEPTED);
    assert_eq!(client.change_group(&dh_parameters(&config.groups)), Ok(true));
    let mut cx = Context { now: NOW, kdc_offset: 0, rng: &mut Counter(9) };
    let request = client.request(BODY, NONCE, &mut cx).unwrap();
    assert!(ClientProof::verify(&config, &STRICT, &request, BODY, NOW).is_ok());
    let infos = dh_parameters(&[Group::P256]);
    let list: crate::asn1::TdDhParameters<'_> = der::decode(&infos).unwrap();
    assert_eq!(Group::from_algorithm(&list.iter().next().unwrap()), Some(Group::P256));
}

#[test]
fn only_who_a_trusted_ca_knows_for_that_use_and_now() {
    let outcome = |spec: &Spec, rules: &RequestRules, by: u8| {
        let certificate = spec.signed(&Key::new(3), &Key::new(by));
        let config = PkinitConfig {
            signer: Some(Box::new(Key::new(3).signer(&[&certificate]))),
            anchors: TrustAnchors::default(),
            groups: vec![Group::P256],
            kdc_hosts: vec![],
        };
        let mut cx = Context { now: NOW, kdc_offset: 0, rng: &mut Counter(7) };
        let request = Pkinit::new(Arc::new(config)).request(BODY, NONCE, &mut cx).unwrap();
        let proof = ClientProof::verify(&kdc(), rules, &request, BODY, NOW);
        proof.map(drop).map_err(|error| error.code())
    };
    assert_eq!(outcome(&login(), &STRICT, 1), Ok(()));
    assert_eq!(outcome(&login(), &STRICT, 9), Err(ErrorCode::CANT_VERIFY_CERTIFICATE));
    let stranger = Spec { issuer: "another ca", ..login() };
    assert_eq!(outcome(&stranger, &STRICT, 1), Err(ErrorCode::CANT_VERIFY_CERTIFICATE));
    let expired = Spec { validity: ["250101000000Z", "260531235959Z"], ..login() };
    assert_eq!(outcome(&expired, &STRICT, 1), Err(ErrorCode::INVALID_CERTIFICATE));
    // Purposes: id-ms-kp-sc-logon; TLS clients, or none named, only at AD.
    let mut spec = login();
    let mut with = |purpose: Option<Vec<u8>>| {
        spec.extensions.truncate(2);
        spec.extensions.extend(purpose);
        [outcome(&spec, &STRICT, 1), outcome(&spec, &SERVER_2025, 1)]
    };
    let refused = Err(ErrorCode::INCONSISTENT_KEY_PURPOSE);
    let logon = b"\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x02";
    assert_eq!(with(Some(purpose(logon))), [Ok(()), Ok(())]);
    assert_eq!(with(Some(purpose(b"\x2b\x06\x01\x05\x05\x07\x03\x02"))), [refused, Ok(())]);
    assert_eq!(with(None), [refused, Ok(())]);
    assert_eq!(with(Some(for_kdc())), [refused, refused], "a KDC's");
    // A key that may only agree, not sign.
    let mut spec = login();
    spec.extensions[1] = key_usage(0x08, 3);
    assert_eq!(outcome(&spec, &STRICT, 1), Err(ErrorCode::INVALID_SIG));
}

#[test]
fn a_changed_request_is_refused() {
    let (_, request) = request_of(&login(), &[Group::P256]);
    assert!(ClientProof::verify(&kdc(), &STRICT, &request, BODY, NOW).is_ok());
    for octet in (0..request.len()).step_by(7) {
        let mut changed = request.clone();
        changed[octet] ^= 1 << (octet % 8);
        let proof = ClientProof::verify(&kdc(), &STRICT, &changed, BODY, NOW);
        // NULL beside a hash's name is nothing, and of a set of certificates one is enough; whoever
        // it is that is proven, it is the same one.
        if let Ok(proof) = proof {
            assert!(
                proof.certificate.principals().any(|name| name.is_same(&alice())),
                "octet {octet}"
            );
        }
        assert!(ClientProof::verify(&kdc(), &STRICT, &request[..octet], BODY, NOW).is_err());
    }
}

const AD: MappingRules =
    MappingRules { principal_names: false, weak: true, key_identifier_needs_nt_auth: false };
const AD_2025: MappingRules =
    MappingRules { principal_names: false, weak: false, key_identifier_needs_nt_auth: true };
const BY_RFC: MappingRules =
    MappingRules { principal_names: true, weak: false, key_identifier_needs_nt_auth: true };

/// Whether a certificate is the account's, in the three modes.
fn mapped(
    extensions: &[Vec<u8>],
    mappings: &[CertificateMapping],
    nt_auth: bool,
) -> [Result<(), MappingError>; 3] {
    let mut spec = login();
    spec.extensions[0] = key_identifier(b"the client's key");
    spec.extensions.extend_from_slice(extensions);
    let mut config = kdc();
    if nt_auth {
        config.nt_auth = Arc::new(TrustAnchors::from_der([root()]).unwrap());
    }
    let (_, request) = request_of(&spec, &[Group::P256]);
    let proof = ClientProof::verify(&config, &STRICT, &request, BODY, NOW).unwrap();
    let (principal, upns) = (alice(), vec![String::from("alice@example.com")]);
    let sid: Sid = SID.parse().unwrap();
    let owner = Owner { principal: &principal, upns: &upns, sid: Some(&sid), mappings };
    [AD, AD_2025, BY_RFC].map(|rules| proof.is_of(&owner, rules, &config))
}

#[test]
fn strong_signs_of_an_account_are_taken_everywhere() {
    let alices = [names(&[upn("alice@example.com")])];
    assert_eq!(mapped(&[sid(SID)], &[], false), [Ok(()); 3]);
    let uri = uri(&["tag:microsoft.com,2022-09-14:sid:", SID].concat());
    assert_eq!(mapped(&[names(&[uri])], &[], false), [Ok(()); 3]);
    assert_eq!(mapped(&[alices[0].clone(), sid(SID)], &[], false), [Ok(()); 3]);

    let (issuer, serial) = (name("ca"), vec![2, 1, 3]);
    let by_serial = CertificateMapping::IssuerSerial { issuer: issuer.clone(), serial };
    assert_eq!(mapped(&[], &[by_serial], false), [Ok(()); 3]);
    let hash = CertificateMapping::PublicKeyHash(Sha1::digest(Key::new(3).public()).into());
    assert_eq!(mapped(&[], &[hash], false), [Ok(()); 3]);
    let by_key = CertificateMapping::KeyIdentifier(b"the client's key".to_vec());
    assert_eq!(mapped(&[], &[by_key], true), [Ok(()); 3]);

    let der = login().signed(&Key::new(3), &Key::new(1));
    for made in [
        CertificateMapping::issuer_serial_of(&der).unwrap(),
        CertificateMapping::public_key_of(&der).unwrap(),
    ] {
        assert!(made.is_strong());
        assert_eq!(mapped(&[], &[made], false), [Ok(()); 3]);
    }
}

#[test]
fn a_key_identifier_says_nothing_of_a_ca_outside_of_nt_auth() {
    let by_key = CertificateMapping::KeyIdentifier(b"the client's key".to_vec());
    let refused = Err(MappingError::NotInNtAuth);
    assert_eq!(mapped(&[], &[by_key], false), [Ok(()), refused, refused]);
    assert_eq!(MappingError::NotInNtAuth.code(), ErrorCode::CLIENT_NOT_TRUSTED);
    let other = CertificateMapping::KeyIdentifier(b"another key".to_vec());
    assert_eq!(mapped(&[], &[other], true), [Err(MappingError::Nobody); 3]);
}

#[test]
fn weak_signs_are_refused_where_they_are_not_asked_for() {
    let weak = Err(MappingError::Weak);
    let only_ad = [Ok(()), weak, weak];
    assert_eq!(MappingError::Weak.code(), ErrorCode::CERTIFICATE_MISMATCH);
    assert_eq!(mapped(&[names(&[upn("Alice@EXAMPLE.com")])], &[], true), only_ad);
    let (issuer, subject) = (name("ca"), name("alice"));
    let both = CertificateMapping::IssuerSubject { issuer, subject: subject.clone() };
    assert_eq!(mapped(&[], &[both], true), only_ad);
    assert_eq!(mapped(&[], &[CertificateMapping::Subject(subject)], true), only_ad);
    let address = CertificateMapping::Email("alice@mail.example".to_string());
    assert_eq!(mapped(&[names(&[email("alice@mail.example")])], &[address], true), only_ad);
    // The principal's own name counts where RFC 4556 does.
    let own = names(&[principal(&["alice"], "EXAMPLE.COM")]);
    let nobody = Err(MappingError::Nobody);
    assert_eq!(mapped(&[own], &[], true), [nobody, nobody, Ok(())]);
    for other in [
        principal(&["alice"], "example.com"),
        principal(&["Alice"], "EXAMPLE.COM"),
        principal(&["alice", "admin"], "EXAMPLE.COM"),
        upn("bob@example.com"),
        email("alice@example.com"),
    ] {
        assert_eq!(mapped(&[names(&[other])], &[], true), [nobody; 3]);
    }
}

#[test]
fn the_sid_of_another_account_decides_against_all_that_is_said_for_this_one() {
    let refused = [Err(MappingError::OtherSid); 3];
    assert_eq!(MappingError::OtherSid.code(), ErrorCode::CERTIFICATE_MISMATCH);
    let (issuer, serial) = (name("ca"), vec![2, 1, 3]);
    let by_serial = [CertificateMapping::IssuerSerial { issuer, serial }];
    let alices = names(&[upn("alice@example.com"), principal(&["alice"], "EXAMPLE.COM")]);
    for other in ["S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1104-1", "nonsense", ""] {
        let extensions = [alices.clone(), sid(other)];
        assert_eq!(mapped(&extensions, &by_serial, true), refused, "{other}");
        let uri = uri(&["tag:microsoft.com,2022-09-14:sid:", other].concat());
        assert_eq!(mapped(&[names(&[uri]), sid(SID)], &by_serial, true), refused);
    }
}
