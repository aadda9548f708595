//! The client against a server in memory.

use std::string::ToString;

use super::*;
use crate::Timestamp;
use crate::ap::{ApReplyError, ProtectedError, RequestPolicy, VerifiedRequest};
use crate::crypto::CryptoError;
use crate::gss::testing::{NOW, Service, TestRng, at, bit_flips, hex};
use crate::iana::{EncType, ErrorCode};

const SENDER: HostAddress<'_> = HostAddress { addr_type: 2, address: &[127, 0, 0, 1] };
const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

fn service() -> Service {
    let mut service = Service::new(AES);
    service.name = Principal::new(PasswordChange::service(), "EXAMPLE");
    service
}

fn change() -> (PasswordChange, Vec<u8>) {
    let mut rng = TestRng(3);
    PasswordChange::change(&service().credential(), "n3w", SENDER, &mut at(NOW, &mut rng)).unwrap()
}

/// What the server reads.
fn read(message: &[u8]) -> Result<ChangeRequest, ChangeRequestError> {
    read_at(message, NOW)
}

fn read_at(message: &[u8], now: Timestamp) -> Result<ChangeRequest, ChangeRequestError> {
    let service = service();
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    ChangeRequest::verify(message, &RequestPolicy::new(&keys), now)
}

/// The server's reply with this result.
fn answer(message: &[u8], result: &[u8]) -> Vec<u8> {
    let request = read(message).unwrap();
    let (code, text) = result.split_first_chunk().unwrap();
    let code = KpasswdResult(u16::from_be_bytes(*code));
    let text = str::from_utf8(text).unwrap();
    request.answerable.answer(&ChangeResult::Text(code, text), SENDER, &mut TestRng(5))
}

/// A server's reply that no honest one gives.
fn answer_with(message: &[u8], result: &[u8]) -> Vec<u8> {
    let (_, ap_req, _) = frame::read(message).unwrap();
    let service = service();
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    let request = VerifiedRequest::verify(ap_req, &RequestPolicy::new(&keys), NOW).unwrap();
    let rng = &mut TestRng(5);
    let ap_rep = request.reply(None, Some(99), rng);
    let stamp = Stamp { time: None, sequence_number: Some(99) };
    let subkey = request.subkey.as_ref().unwrap();
    frame::write(CHANGE, &ap_rep, &krb_priv(subkey, result, stamp, SENDER, rng)).unwrap()
}

fn krb_error(e_data: Option<&[u8]>) -> Vec<u8> {
    let server = service().name;
    der::encode(&KrbError {
        e_data,
        ..KrbError::new(ErrorCode::GENERIC, NOW, &server.realm, &server.name)
    })
}

fn refusal(result: KpasswdResult, reason: Option<&str>, authenticated: bool) -> KpasswdError {
    let reason = reason.map(|text| Reason::Text(text.into()));
    KpasswdError::Refused(KpasswdRefusal { result, reason, authenticated })
}

#[test]
fn the_server_reads_what_was_asked() {
    let (_, message) = change();
    let request = read(&message).unwrap();
    assert_eq!((&request.target, &**request.password), (&Target::Own, &b"n3w"[..]));
    assert_eq!(request.client().to_string(), "alice@EXAMPLE");
    assert!(!request.is_initial(), "as this ticket is");

    let target = Principal::parse("bob@EXAMPLE", None).unwrap();
    let mut rng = TestRng(3);
    let credential = service().credential();
    let (_, message) =
        PasswordChange::set(&credential, &target, "n3w", SENDER, &mut at(NOW, &mut rng)).unwrap();
    let request = read(&message).unwrap();
    assert_eq!((&request.target, &**request.password), (&Target::Of(target), &b"n3w"[..]));
}

/// A request with any user data and version.
fn request(version: u16, data: &[u8]) -> Vec<u8> {
    let mut rng = TestRng(3);
    let credential = service().credential();
    PasswordChange::new(&credential, version, data, SENDER, &mut at(NOW, &mut rng)).unwrap().1
}

#[test]
fn a_request_to_set_a_password_says_whose_or_leaves_it_out() {
    let target = |name: Option<&Name>, realm: Option<&[u8]>| {
        let data = der::encode(&ChangePasswdData {
            newpasswd: SecretOctets(b"n3w"),
            targname: name.map(Into::into),
            targrealm: realm.map(KerberosString),
        });
        read(&request(SET, &data)).map(|request| request.target).map_err(|error| error.result())
    };
    let bob = Name::user("bob");
    assert_eq!(target(None, None), Ok(Target::Own));
    let elsewhere = Target::Of(Principal::new(bob.clone(), "ELSEWHERE"));
    assert_eq!(target(Some(&bob), Some(b"ELSEWHERE")), Ok(elsewhere));
    for half in [target(None, Some(b"ELSEWHERE")), target(Some(&bob), None)] {
        assert_eq!(half, Err(KpasswdResult::MALFORMED));
    }
}

#[test]
fn what_the_server_refuses() {
    let result = |message: &[u8], now: Timestamp| read_at(message, now).err().map(|e| e.result());
    let (_, good) = change();
    for later in [-300, 0, 300] {
        assert_eq!(result(&good, NOW.plus_seconds(later)), None);
    }
    for later in [-301, 301] {
        let error = read_at(&good, NOW.plus_seconds(later)).err().unwrap();
        assert_eq!((error.result(), error.code()), (KpasswdResult::AUTH_ERROR, ErrorCode::SKEW));
    }
    for end in 0..good.len() {
        assert_eq!(result(&good[..end], NOW), Some(KpasswdResult::MALFORMED), "{end}");
    }
    for version in [0, 2, 0xff7f, 0xff81] {
        let mut other = good.clone();
        other[2..4].copy_from_slice(&u16::to_be_bytes(version));
        assert_eq!(result(&other, NOW), Some(KpasswdResult::BAD_VERSION), "{version:#x}");
    }
    assert_eq!(result(&request(SET, b"no data"), NOW), Some(KpasswdResult::MALFORMED));
    let longest = [b'x'; MAX_PASSWORD];
    assert_eq!(result(&request(CHANGE, &longest), NOW), None);
    let longer = [b'x'; MAX_PASSWORD + 1];
    assert_eq!(result(&request(CHANGE, &longer), NOW), Some(KpasswdResult::MALFORMED));
    // Who did prove itself learns of it so that it can believe it.
    let Err(ChangeRequestError::Content(client, _)) = read(&request(CHANGE, &longer)) else {
        panic!("refused")
    };
    let text = ChangeResult::Text(KpasswdResult::MALFORMED, "too long");
    let mut rng = TestRng(3);
    let (change, _) = PasswordChange::new(
        &service().credential(),
        CHANGE,
        &longer,
        SENDER,
        &mut at(NOW, &mut rng),
    )
    .unwrap();
    let expected = refusal(KpasswdResult::MALFORMED, Some("too long"), true);
    assert_eq!(change.receive(&client.answer(&text, SENDER, &mut TestRng(5))), Err(expected));
}

#[test]
fn every_flipped_bit_of_a_request_is_refused() {
    let (_, good) = change();
    let (_, ap_req, _) = frame::read(&good).unwrap();
    for (at, flipped) in bit_flips(&good) {
        // Hints in the ticket's clear part: its key version, types of names, options.
        let hints = 6..6 + ap_req.len();
        assert!(read(&flipped).is_err() || hints.contains(&at), "byte {at}");
    }
}

#[test]
fn the_client_learns_the_result() {
    let result = |result: &[u8]| {
        let (change, message) = change();
        change.receive(&answer(&message, result))
    };
    assert_eq!(result(b"\0\0"), Ok(()));
    assert_eq!(result(b"\0\0Password changed."), Ok(()));
    let soft = KpasswdResult::SOFT_ERROR;
    assert_eq!(result(b"\0\x04"), Err(refusal(soft, None, true)));
    assert_eq!(result(b"\0\x04too\nshort"), Err(refusal(soft, Some("too short"), true)));
    assert_eq!(result(b"\x12\x34"), Err(refusal(KpasswdResult(0x1234), None, true)));
    for short in [&b""[..], b"\0"] {
        let (change, message) = change();
        assert_eq!(change.receive(&answer_with(&message, short)), Err(KpasswdError::Truncated));
    }
    let long = [&[0, 4][..], &[b'x'; 1000]].concat();
    let Err(KpasswdError::Refused(refused)) = result(&long) else { panic!("refused") };
    assert_eq!(refused.reason, Some(Reason::Text("x".repeat(256))));
}

/// Active Directory's thirty octets: 7 characters, 24 former passwords, complex, 42 days, 1 day
/// (its defaults), laid out as MIT krb5 reads them (src/lib/krb5/krb/chpw.c).
#[test]
fn a_policy_is_said_in_words() {
    let policy = hex("0000 00000007 00000018 00000001 00002100f5598000 000000c92a69c000");
    let Some(Reason::Policy(said)) = Reason::new(&policy) else { panic!("a policy") };
    assert_eq!(said.to_bytes(), policy);
    let (change, message) = change();
    let request = read(&message).unwrap();
    let reply = request.answerable.answer(&ChangeResult::Policy(&said), SENDER, &mut TestRng(5));
    let error = change.receive(&reply).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the password server answered KRB5_KPASSWD_SOFTERROR: a password has at least 7 characters, \
         of three kinds among capitals, small letters, digits and signs, and not the account's \
         name, is none of the last 24, and stays for at least 1 days"
    );
    for length in [29, 31] {
        let mut other = policy.clone();
        other.resize(length, 0);
        assert!(!matches!(Reason::new(&other), Some(Reason::Policy(_))));
    }
}

#[test]
fn an_error_may_come_in_three_ways_and_is_no_success() {
    let auth = KpasswdResult::AUTH_ERROR;
    let with_result = krb_error(Some(b"\0\x03who?"));
    let expected = refusal(auth, Some("who?"), false);
    let unverified = unverified_answer(
        ErrorCode::GENERIC,
        &ChangeResult::Text(auth, "who?"),
        &service().name,
        &at(NOW, &mut TestRng(1)),
    );
    assert_eq!(change().0.receive(&unverified), Err(expected.clone()));
    assert_eq!(change().0.receive(&with_result), Err(expected.clone()));
    let framed = frame::write(CHANGE, b"", &with_result).unwrap();
    assert_eq!(change().0.receive(&framed), Err(expected));

    let bare = KpasswdError::Kerberos { code: ErrorCode::GENERIC, server_time: NOW.seconds };
    for e_data in [None, Some(&b""[..]), Some(b"\0"), Some(b"\0\0"), Some(b"\0\0forged")] {
        let error = krb_error(e_data);
        assert_eq!(change().0.receive(&error), Err(bare.clone()), "{e_data:?}");
        let framed = frame::write(CHANGE, b"", &error).unwrap();
        assert_eq!(change().0.receive(&framed), Err(bare.clone()));
    }
    let framed = frame::write(CHANGE, b"", b"").unwrap();
    assert!(matches!(change().0.receive(&framed), Err(KpasswdError::Malformed(_))));
}

#[test]
fn every_flipped_bit_and_every_truncation_of_the_reply_is_refused() {
    let (_, message) = change();
    let reply = answer(&message, b"\0\0");
    assert_eq!(change().0.receive(&reply), Ok(()));
    for (at, flipped) in bit_flips(&reply) {
        assert!(change().0.receive(&flipped).is_err(), "byte {at}");
    }
    for end in 0..reply.len() {
        assert!(change().0.receive(&reply[..end]).is_err(), "length {end}");
    }
    assert_eq!(change().0.receive(&[&reply[..], b"x"].concat()), Err(KpasswdError::Truncated));
}

#[test]
fn a_reply_to_another_request_is_refused() {
    let mut rng = TestRng(77);
    let credential = service().credential();
    let (other, message) =
        PasswordChange::change(&credential, "n3w", SENDER, &mut at(NOW, &mut rng)).unwrap();
    let reply = answer(&change().1, b"\0\0");
    let error = KpasswdError::Protection(ProtectedError::Crypto(CryptoError::IntegrityCheckFailed));
    assert_eq!(other.receive(&reply), Err(error), "another subkey");
    let later = NOW.plus_seconds(1);
    let mut rng = TestRng(3);
    let (later, _) =
        PasswordChange::change(&credential, "n3w", SENDER, &mut at(later, &mut rng)).unwrap();
    let error = KpasswdError::Authentication(ApReplyError::NotForThisRequest);
    assert_eq!(later.receive(&answer(&message, b"\0\0")), Err(error));
}

#[test]
fn lengths_and_versions() {
    let (ap_rep, private) = ([7; 1000], std::vec![7; 65_535 - 6 - 1000]);
    assert!(frame::write(SET, &ap_rep, &private).is_ok());
    let longer = [&private[..], b"x"].concat();
    assert_eq!(frame::write(SET, &ap_rep, &longer), Err(KpasswdError::TooLong));
    let (_, message) = change();
    for version in [0, 2, 0xff7f, 0xff81] {
        let mut reply = answer(&message, b"\0\0");
        reply[2..4].copy_from_slice(&u16::to_be_bytes(version));
        assert_eq!(change().0.receive(&reply), Err(KpasswdError::Version(version)));
    }
    let mut reply = answer(&message, b"\0\0");
    reply[2..4].copy_from_slice(&SET.to_be_bytes());
    assert_eq!(change().0.receive(&reply), Ok(()), "a server may repeat the request's version");
}

#[test]
fn only_a_whole_request_of_a_known_version_is_one() {
    let (_, message) = change();
    assert!(is_request(&message));
    for end in 0..message.len() {
        assert!(!is_request(&message[..end]), "length {end}");
    }
    for (version, known) in [(0, false), (1, true), (2, false), (0xff80, true), (0xffff, false)] {
        assert_eq!(is_request(&frame::write(version, b"", b"").unwrap()), known, "{version}");
    }
    // An AS-REQ of the length that its first octets would say here.
    let mut as_req = [0; 0x6a82];
    as_req[..4].copy_from_slice(b"\x6a\x82\x6a\x7e");
    assert!(!is_request(&as_req));
}
