//! A client against a KDC made of the same pieces, and everything that the KDC may get wrong.

use alloc::sync::Arc;
use std::sync::LazyLock;
use std::vec;
use std::vec::Vec;

use sha1::Digest;

use super::super::client::{AUTH_DATA, DH_KEY_DATA};
use super::super::signed_data::{open, sign};
use super::super::*;
use super::pki::*;
use crate::asn1::*;
use crate::crypto::Key as ProtocolKey;
use crate::der::{self, Any, BitString, List, Oid, UInt32};
use crate::iana::EncType;
use crate::{Context, KerberosTime, Name, Principal, Timestamp};

const BODY: &[u8] = b"a KDC-REQ-BODY";
const AS_REQ: &[u8] = b"an AS-REQ";
const NONCE: u32 = 0x1234_5678;
const ENCTYPE: EncType = EncType::AES256_CTS_HMAC_SHA1_96;
const NOW: Timestamp = Timestamp::new(JUNE, 5);

static ROOT: LazyLock<Vec<u8>> =
    LazyLock::new(|| Spec::ca("ca", "ca").signed(&Key::new(1), &Key::new(1)));

fn root() -> Vec<u8> {
    ROOT.clone()
}

fn kdc_signer(spec: &Spec) -> SoftwareSigner {
    let key = Key::new(2);
    key.signer(&[&spec.signed(&key, &Key::new(1))])
}

/// What the KDC says; each test changes something.
struct Reply {
    signer: SoftwareSigner,
    content_type: Oid<'static>,
    nonce: u32,
    expiration: Option<KerberosTime>,
    server_nonce: Option<&'static [u8]>,
    kdf: Option<Oid<'static>>,
    public_value: Option<Vec<u8>>,
}

impl Reply {
    fn right() -> Self {
        Self {
            signer: kdc_signer(&Spec::kdc("ca")),
            content_type: DH_KEY_DATA,
            nonce: NONCE,
            expiration: None,
            server_nonce: None,
            kdf: Some(Kdf::Sha256.oid()),
            public_value: None,
        }
    }
}

struct Client {
    pkinit: Pkinit,
    request: Vec<u8>,
}

fn client(groups: &[Group], hosts: &[&str]) -> Client {
    let mut pkinit = Pkinit::new(Arc::new(config(&[&root()], groups, hosts)));
    pkinit.set_freshness_token(b"fresh");
    let request = ask(&mut pkinit).unwrap();
    Client { pkinit, request }
}

fn ask(pkinit: &mut Pkinit) -> Result<Vec<u8>, PkinitError> {
    let mut cx = Context { now: NOW, kdc_offset: 60, rng: &mut Counter(7) };
    pkinit.request(BODY, NONCE, &mut cx)
}

/// The KDC's side: the reply and the secret it has come to.
fn answer(request: &[u8], reply: &Reply) -> (Vec<u8>, Vec<u8>) {
    let request: PaPkAsReq<'_> = der::decode(request).unwrap();
    let anchors = TrustAnchors::from_der([root()]).unwrap();
    let opened = open(request.signed_auth_pack, AUTH_DATA, &anchors, NOW.seconds).unwrap();
    let pack: AuthPack<'_> = der::decode(opened.content).unwrap();
    let info: SubjectPublicKeyInfo<'_> = der::decode(pack.client_public_value.unwrap().0).unwrap();
    let group = Group::from_algorithm(&info.algorithm).unwrap();
    let pair = KeyPair::generate(group, &mut Counter(8)).unwrap();
    let secret = pair.agree(info.subject_public_key.0).unwrap().to_vec();
    let public_value = reply.public_value.clone().unwrap_or_else(|| pair.public_value());
    let key_info = der::encode(&KdcDhKeyInfo {
        subject_public_key: BitString(&public_value),
        nonce: UInt32::new(reply.nonce),
        dh_key_expiration: reply.expiration,
    });
    let signed = sign(&reply.signer, reply.content_type, &key_info, &mut Counter(9)).unwrap();
    let message = der::encode(&PaPkAsRep::DhInfo(DhRepInfo {
        dh_signed_data: &signed,
        server_dh_nonce: reply.server_nonce,
        kdf: reply.kdf.map(|kdf_id| KdfAlgorithmId { kdf_id }),
    }));
    (message, secret)
}

fn take(client: &mut Client, pk_as_rep: &[u8]) -> Result<ProtocolKey, PkinitError> {
    client.pkinit.reply_key(&key_use(pk_as_rep, &alice(), &Principal::krbtgt(b"EXAMPLE.COM")))
}

fn alice() -> Principal {
    Principal::new(Name::user("alice"), "EXAMPLE.COM")
}

fn key_use<'a>(pk_as_rep: &'a [u8], client: &'a Principal, server: &'a Principal) -> KeyUse<'a> {
    KeyUse { client, server, enctype: ENCTYPE, as_req: AS_REQ, pk_as_rep }
}

fn outcome(reply: &Reply) -> Result<(), PkinitError> {
    let mut client = client(&[Group::P256], &[]);
    let (message, _) = answer(&client.request, reply);
    take(&mut client, &message).map(drop)
}

#[test]
fn both_sides_have_the_same_key() {
    for group in [Group::Modp14, Group::P256, Group::P384] {
        for kdf in [None, Some(Kdf::Sha256), Some(Kdf::Sha384), Some(Kdf::Sha512)] {
            let mut client = client(&[group], &[]);
            let reply = Reply { kdf: kdf.map(Kdf::oid), ..Reply::right() };
            let (message, secret) = answer(&client.request, &reply);
            let (name, server) = (alice(), Principal::krbtgt(b"EXAMPLE.COM"));
            let expected = match kdf {
                None => octet_string_to_key(&secret, ENCTYPE),
                Some(kdf) => kdf.reply_key(&secret, &key_use(&message, &name, &server)),
            };
            assert_eq!(take(&mut client, &message), Ok(expected.unwrap()), "{group:?} {kdf:?}");
            assert_eq!(take(&mut client, &message), Err(PkinitError::NoRequest), "one reply each");
        }
    }
}

#[test]
fn what_the_request_says() {
    let client = client(&[Group::P256], &[]);
    let request: PaPkAsReq<'_> = der::decode(&client.request).unwrap();
    let anchors = TrustAnchors::from_der([root()]).unwrap();
    let opened = open(request.signed_auth_pack, AUTH_DATA, &anchors, NOW.seconds).unwrap();
    let pack: AuthPack<'_> = der::decode(opened.content).unwrap();
    let authenticator = pack.pk_authenticator;
    assert_eq!(authenticator.ctime, KerberosTime::from_unix(JUNE + 60), "the KDC's clock");
    assert_eq!((authenticator.cusec.0, authenticator.nonce.get()), (5, NONCE));
    assert_eq!(authenticator.freshness_token, Some(&b"fresh"[..]));
    assert_eq!(authenticator.pa_checksum.unwrap(), &sha1::Sha1::digest(BODY)[..]);
    let second = authenticator.pa_checksum2.unwrap();
    assert_eq!(second.checksum, &sha2::Sha256::digest(BODY)[..]);
    assert_eq!(second.algorithm_identifier, Hash::Sha256.identifier());
    let kdfs: Vec<_> = pack.supported_kdfs.unwrap().iter().map(|kdf| kdf.kdf_id).collect();
    assert_eq!(kdfs, Kdf::OFFERED.map(Kdf::oid));
    assert_eq!(pack.supported_cms_types.unwrap().iter().count(), 6);
    assert_eq!((pack.client_dh_nonce, request.kdc_pk_id), (None, None));
}

#[test]
fn replies_that_are_not_to_be_believed() {
    assert_eq!(outcome(&Reply::right()), Ok(()));
    let other = PkinitError::OtherRequest;
    for (reply, expected) in [
        (Reply { nonce: NONCE + 1, ..Reply::right() }, other),
        (Reply { nonce: 0, expiration: Some(NOW.seconds), ..Reply::right() }, other),
        (Reply { expiration: Some(NOW.seconds), ..Reply::right() }, other),
        (Reply { server_nonce: Some(b"n"), ..Reply::right() }, other),
        (Reply { kdf: Some(Kdf::Sha1.oid()), ..Reply::right() }, PkinitError::Kdf),
        (Reply { kdf: Some(Oid(b"\x2a")), ..Reply::right() }, PkinitError::Kdf),
        (Reply { content_type: AUTH_DATA, ..Reply::right() }, SignedDataError::ContentType.into()),
        (
            Reply { public_value: Some(vec![0]), ..Reply::right() },
            AgreementError::PublicValue.into(),
        ),
    ] {
        assert_eq!(outcome(&reply), Err(expected));
    }
    let mut client = client(&[Group::P256], &[]);
    let transport = der::encode(&PaPkAsRep::EncKeyPack(b"anything"));
    assert_eq!(take(&mut client, &transport), Err(PkinitError::KeyTransport));
}

#[test]
fn the_kdc_must_be_the_realms() {
    let with = |extensions: &[Vec<u8>], hosts: &[&str]| {
        let spec = Spec { extensions: extensions.to_vec(), ..Spec::kdc("ca") };
        let mut client = client(&[Group::P256], hosts);
        let reply = Reply { signer: kdc_signer(&spec), ..Reply::right() };
        let (message, _) = answer(&client.request, &reply);
        take(&mut client, &message).map(drop)
    };
    let stranger = Err(PkinitError::NotTheKdc);
    assert_eq!(with(&[kdc_name("EXAMPLE.COM")], &[]), Ok(()));
    assert_eq!(with(&[kdc_name("example.com")], &[]), stranger, "realms have a case");
    assert_eq!(with(&[kdc_name("OTHER.COM"), for_kdc()], &[]), stranger);
    assert_eq!(with(&[], &[]), stranger);
    assert_eq!(with(&[for_kdc()], &[]), stranger);
    // What the CA says that the key is for holds, also where it need not say it.
    assert_eq!(with(&[kdc_name("EXAMPLE.COM"), for_kdc()], &[]), Ok(()));
    assert_eq!(with(&[kdc_name("EXAMPLE.COM"), purpose(b"\x55\x1d\x25\x00")], &[]), Ok(()));
    assert_eq!(with(&[kdc_name("EXAMPLE.COM"), for_login()], &[]), stranger);
    // By host name only if asked, and only a certificate for a KDC.
    let by_host = [host_name("DC1.example.com"), for_kdc()];
    assert_eq!(with(&by_host, &[]), stranger);
    assert_eq!(with(&by_host, &["dc2.example.com"]), stranger);
    assert_eq!(with(&by_host, &["dc2.example.com", "dc1.example.com"]), Ok(()));
    assert_eq!(with(&by_host[..1], &["dc1.example.com"]), stranger);
    // A key that may only agree, not sign.
    let refused = Err(SignedDataError::Signature.into());
    assert_eq!(with(&[kdc_name("EXAMPLE.COM"), key_usage(0x08, 3)], &[]), refused);
}

/// The signed part of a right reply, changed in one place before the client sees it.
fn tampered(change: impl FnOnce(&mut SignedData<'_>)) -> Result<(), PkinitError> {
    let mut client = client(&[Group::P256], &[]);
    let (message, _) = answer(&client.request, &Reply::right());
    let PaPkAsRep::DhInfo(info) = der::decode(&message).unwrap() else { panic!("DH") };
    let content: ContentInfo<'_> = der::decode(info.dh_signed_data).unwrap();
    let mut signed: SignedData<'_> = der::decode(content.content.0).unwrap();
    change(&mut signed);
    let signed = der::encode(&signed);
    let content = der::encode(&ContentInfo { content: Any(&signed), ..content });
    let info = DhRepInfo { dh_signed_data: &content, ..info };
    take(&mut client, &der::encode(&PaPkAsRep::DhInfo(info))).map(drop)
}

#[test]
fn signed_data_holds_together() {
    assert_eq!(tampered(|_| ()), Ok(()));
    let refused = |error: SignedDataError| Err(PkinitError::from(error));
    let content = tampered(|signed| signed.encap_content_info.e_content = Some(b"else"));
    assert_eq!(content, refused(SignedDataError::Signature));
    let none = tampered(|signed| signed.encap_content_info.e_content = None);
    assert_eq!(none, refused(SignedDataError::ContentType));
    let bare = tampered(|signed| signed.certificates = None);
    assert_eq!(bare, refused(SignedDataError::NoSigner));

    let signer = |change: &dyn Fn(&mut SignerInfo<'_>)| {
        tampered(|signed| {
            let mut info = signed.signer_infos.iter().next().unwrap();
            change(&mut info);
            let infos = std::boxed::Box::leak(std::boxed::Box::new([info]));
            signed.signer_infos = der::SetOf::set_of(infos);
        })
    };
    assert_eq!(signer(&|_| ()), Ok(()));
    let algorithm = signer(&|info| info.digest_algorithm.algorithm = Oid(b"\x2b\x0e\x03\x02\x1a"));
    assert_eq!(algorithm, refused(SignedDataError::Algorithm), "SHA-1");
    let other = signer(&|info| info.digest_algorithm = Hash::Sha512.identifier());
    assert_eq!(other, refused(SignedDataError::Algorithm), "not the signature's hash");
    let signature = signer(&|info| info.signature = b"\x30\x06\x02\x01\x01\x02\x01\x01");
    assert_eq!(signature, refused(SignedDataError::Signature));
    let attributes = signer(&|info| info.signed_attrs = None);
    assert_eq!(attributes, refused(SignedDataError::Signature), "a signature over the content");
    // Others beside the signer's may be of no use.
    let beside = tampered(|signed| {
        let only = signed.certificates.unwrap().iter().next().unwrap();
        let all = std::boxed::Box::leak(std::boxed::Box::new([Any(b"\x30\0"), only]));
        signed.certificates = Some(der::SetOf::set_of(all));
    });
    assert_eq!(beside, Ok(()));
    let by_key = signer(&|info| info.sid = SignerIdentifier::SubjectKeyIdentifier(b"?"));
    assert_eq!(by_key, refused(SignedDataError::NoSigner));
}

#[test]
fn signed_data_has_limits() {
    let refused = Err(PkinitError::from(SignedDataError::Limits));
    let double = tampered(|signed| {
        let info = signed.signer_infos.iter().next().unwrap();
        let infos = std::boxed::Box::leak(std::boxed::Box::new([info, info]));
        signed.signer_infos = der::SetOf::set_of(infos);
    });
    assert_eq!(double, refused, "two signatures");
    assert_eq!(tampered(|signed| signed.signer_infos = der::SetOf::set_of(&[])), refused);

    let crowd = |count: usize| {
        tampered(|signed| {
            let only = signed.certificates.unwrap().iter().next().unwrap();
            let all = std::boxed::Box::leak(vec![only; count].into_boxed_slice());
            signed.certificates = Some(der::SetOf::set_of(all));
        })
    };
    assert_eq!(crowd(MAX_CERTIFICATES - 1), Ok(()));
    assert_eq!(crowd(MAX_CERTIFICATES), Ok(()));
    assert_eq!(crowd(MAX_CERTIFICATES + 1), refused);

    let anchors = TrustAnchors::from_der([root()]).unwrap();
    let sized = |len: usize| {
        let message = vec![0; len];
        open(&message, DH_KEY_DATA, &anchors, NOW.seconds).err().unwrap()
    };
    assert_eq!(sized(MAX_SIGNED_DATA + 1), SignedDataError::Limits);
    for len in [MAX_SIGNED_DATA - 1, MAX_SIGNED_DATA] {
        assert!(matches!(sized(len), SignedDataError::Malformed(_)), "read, at least");
    }
}

#[test]
fn another_group_on_the_kdcs_word() {
    let algorithms = |groups: &[Group]| {
        let infos: Vec<_> = groups
            .iter()
            .map(|group| KeyPair::generate(*group, &mut Counter(1)).unwrap().public_key_info())
            .collect();
        let algorithms: Vec<_> = infos
            .iter()
            .map(|info| der::decode::<SubjectPublicKeyInfo<'_>>(info).unwrap().algorithm)
            .collect();
        der::encode(&List::of(&algorithms))
    };
    let mut client = client(&[Group::P256, Group::Modp14, Group::P384], &[]);
    let group_of = |request: &[u8]| {
        let request: PaPkAsReq<'_> = der::decode(request).unwrap();
        let anchors = TrustAnchors::from_der([root()]).unwrap();
        let opened = open(request.signed_auth_pack, AUTH_DATA, &anchors, NOW.seconds).unwrap();
        let pack: AuthPack<'_> = der::decode(opened.content).unwrap();
        let info: SubjectPublicKeyInfo<'_> =
            der::decode(pack.client_public_value.unwrap().0).unwrap();
        Group::from_algorithm(&info.algorithm)
    };
    assert_eq!(group_of(&client.request), Some(Group::P256));
    // The KDC's order counts; groups that are not ours do not.
    let offered = algorithms(&[Group::Modp16, Group::P384, Group::Modp14]);
    assert_eq!(client.pkinit.change_group(&offered), Ok(true));
    assert_eq!(group_of(&ask(&mut client.pkinit).unwrap()), Some(Group::P384));
    // None is tried twice, so a KDC that never has enough is no loop.
    assert_eq!(client.pkinit.change_group(&offered), Ok(true));
    assert_eq!(group_of(&ask(&mut client.pkinit).unwrap()), Some(Group::Modp14));
    assert_eq!(client.pkinit.change_group(&offered), Ok(false));
    assert_eq!(ask(&mut client.pkinit), Err(PkinitError::NoGroup));
    assert!(matches!(client.pkinit.change_group(b"?"), Err(PkinitError::Malformed(_))));
}
