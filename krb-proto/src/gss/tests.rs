//! Both sides joined in memory, under a fixed clock and fixed randomness.

mod delegation;

use std::format;
use std::vec::Vec;

use proptest::prelude::*;

use super::testing::{
    ENDTIME, NOW, PAC, SKEW, Service, TestRng, at, bit_flips, enctypes, established, initiate,
    offset_of, random_key,
};
use super::token::{TokenId, frame_message, unframe_message};
use super::*;
use crate::ap::{ApReplyError, ApReqOptions, ApRequest, ApRequestError};
use crate::asn1::AuthorizationData;
use crate::crypto::{CryptoError, Key};
use crate::der;
use crate::iana::{ApOptions, ChecksumType, EncType, ErrorCode, KeyUsage, TicketFlags};
use crate::{Context, Credential, KerberosTime, Principal, Timestamp};

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

fn token_of(credential: &Credential) -> Vec<u8> {
    initiate(credential, &InitiatorOptions::default()).1
}

fn refused(service: &Service, token: &[u8], now: Timestamp) -> GssError {
    service.accept(token, now).map(|_| ()).unwrap_err()
}

#[test]
fn both_sides_agree() {
    for enctype in enctypes() {
        for mutual in [true, false] {
            let options = InitiatorOptions { mutual, ..Default::default() };
            let (initiator, acceptor) = established(enctype, &options);
            let context = acceptor.context();
            assert!(initiator.is_complete());
            assert_eq!(initiator.session_key(), Some(context.session_key()));
            assert_eq!(context.session_key().enctype(), enctype);
            assert_eq!(context.flags().contains(GssFlags::MUTUAL), mutual);
            let subkey = acceptor.request().subkey.as_ref();
            assert_eq!(
                subkey == Some(context.session_key()),
                !mutual,
                "the acceptor's subkey wins"
            );
            assert_ne!(subkey, Some(&acceptor.request().session_key));
        }
    }
}

#[test]
fn the_acceptor_learns_who_came() {
    let (_, acceptor) = established(AES, &InitiatorOptions::default());
    let request = acceptor.request();
    assert_eq!(request.client, Principal::parse("alice@EXAMPLE", None).unwrap());
    assert_eq!(request.server, Service::new(AES).name);
    assert_eq!(request.time, NOW);
    let data = request.authorization_data.as_deref().unwrap();
    let data: AuthorizationData<'_> = der::decode(data).unwrap();
    assert_eq!(data.iter().next().unwrap().ad_data, PAC);
}

#[test]
fn two_contexts_of_one_ticket_share_nothing() {
    let credential = Service::new(AES).credential();
    let mut rng = TestRng(3);
    let mut start = || {
        Initiator::new(&credential, &InitiatorOptions::default(), &mut at(NOW, &mut rng)).unwrap().1
    };
    let (first, second) = (start(), start());
    assert_ne!(first, second);
    let service = Service::new(AES);
    let subkey = |token| service.accept(token, NOW).unwrap().0.request().subkey.clone();
    assert_ne!(subkey(&first), subkey(&second));
}

#[test]
fn there_is_no_key_before_the_ap_rep() {
    let service = Service::new(AES);
    let (mut initiator, token) = initiate(&service.credential(), &InitiatorOptions::default());
    assert!(!initiator.is_complete());
    assert!(initiator.session_key().is_none() && initiator.context_mut().is_none());
    let (_, reply) = service.accept(&token, NOW).unwrap();
    let reply = reply.unwrap();
    initiator.step(&reply).unwrap();
    assert_eq!(initiator.step(&reply), Err(GssError::AlreadyEstablished));
    assert!(initiator.is_complete(), "misuse does no harm");
}

#[test]
fn nothing_secret_is_printed() {
    let service = Service::new(AES);
    let (mut initiator, token) = initiate(&service.credential(), &InitiatorOptions::default());
    let (acceptor, reply) = service.accept(&token, NOW).unwrap();
    let before = format!("{initiator:?}");
    assert_eq!(before, "Initiator(awaiting AP-REP)");
    initiator.step(&reply.unwrap()).unwrap();
    let key = format!("{:?}", acceptor.context().session_key().as_bytes());
    let key = key.trim_matches(['[', ']']);
    for text in [format!("{initiator:?}"), format!("{acceptor:?}")] {
        assert!(!text.contains(key), "{text}");
    }
}

/// A bit of the client's token that may change unnoticed is one that RFC 4120 leaves unprotected:
/// ap-options but use-session-key, and the type of the service's name. Neither decides anything.
#[test]
fn every_flipped_bit_of_the_ap_req_is_refused() {
    let service = Service::new(EncType::AES128_CTS_HMAC_SHA256_128);
    let token = token_of(&service.credential());
    let ap_options = offset_of(&token, &[0xa2, 0x07, 0x03, 0x05, 0x00]) + 4;
    let name_type = offset_of(&token, &[0xa0, 0x03, 0x02, 0x01, 0x03]) + 4;
    let mut unnoticed = 0;
    for (at, flipped) in bit_flips(&token) {
        if let Ok((acceptor, _)) = service.accept(&flipped, NOW) {
            assert!((ap_options..ap_options + 5).contains(&at) || at == name_type, "byte {at}");
            assert!(acceptor.context().flags().contains(GssFlags::MUTUAL));
            unnoticed += 1;
        }
    }
    assert_eq!(unnoticed, 3 + 31 + 8);
}

#[test]
fn every_flipped_bit_of_the_ap_rep_is_refused() {
    let service = Service::new(EncType::AES128_CTS_HMAC_SHA256_128);
    let credential = service.credential();
    let (_, reply) = service.accept(&token_of(&credential), NOW).unwrap();
    let reply = reply.unwrap();
    for (at, flipped) in bit_flips(&reply) {
        let (mut initiator, _) = initiate(&credential, &InitiatorOptions::default());
        assert!(initiator.step(&flipped).is_err(), "byte {at}");
        assert!(!initiator.is_complete() && initiator.session_key().is_none());
        assert_eq!(initiator.step(&reply), Err(GssError::NotEstablished), "no second chance");
    }
    let (mut initiator, _) = initiate(&credential, &InitiatorOptions::default());
    assert_eq!(initiator.step(&reply), Ok(()));
}

#[test]
fn every_truncation_and_every_surplus_is_refused() {
    let service = Service::new(AES);
    let credential = service.credential();
    let token = token_of(&credential);
    let reply = service.accept(&token, NOW).unwrap().1.unwrap();
    let step = |reply: &[u8]| initiate(&credential, &InitiatorOptions::default()).0.step(reply);
    for end in 0..token.len() {
        assert!(service.accept(&token[..end], NOW).is_err(), "length {end}");
    }
    for end in 0..reply.len() {
        assert!(step(&reply[..end]).is_err(), "length {end}");
    }
    assert!(service.accept(&[&token[..], b"\0"].concat(), NOW).is_err());
    assert!(step(&[&reply[..], b"\0"].concat()).is_err());
    let (id, message) = unframe_message(Oid::KRB5, &reply).unwrap();
    assert!(step(&frame_message(Oid::KRB5, id, &[message, b"\0"].concat())).is_err());
}

#[test]
fn a_reply_to_another_request_is_refused() {
    let service = Service::new(AES);
    let credential = service.credential();
    let later = Timestamp::new(NOW.seconds.unix(), NOW.microseconds + 1);
    let mut rng = TestRng(8);
    let (_, other) =
        Initiator::new(&credential, &InitiatorOptions::default(), &mut at(later, &mut rng))
            .unwrap();
    let reply = service.accept(&other, later).unwrap().1.unwrap();
    let (mut initiator, _) = initiate(&credential, &InitiatorOptions::default());
    assert_eq!(initiator.step(&reply), Err(GssError::Reply(ApReplyError::NotForThisRequest)));
}

#[test]
fn a_reply_under_another_key_is_refused() {
    let service = Service::new(AES);
    let mut credential = service.credential();
    let reply = service.accept(&token_of(&credential), NOW).unwrap().1.unwrap();
    credential.session_key = Key::generate(AES, &mut TestRng(99)).unwrap();
    let (mut initiator, _) = initiate(&credential, &InitiatorOptions::default());
    let error = ApReplyError::Crypto(CryptoError::IntegrityCheckFailed);
    assert_eq!(initiator.step(&reply), Err(GssError::Reply(error)));
}

#[test]
fn our_own_token_is_no_reply() {
    let (mut initiator, token) =
        initiate(&Service::new(AES).credential(), &InitiatorOptions::default());
    assert_eq!(initiator.step(&token), Err(GssError::UnexpectedToken));
    assert_eq!(
        refused(&Service::new(AES), &frame_message(Oid::KRB5, TokenId::AP_REP, b""), NOW),
        GssError::UnexpectedToken
    );
    let other_mechanism = frame(Oid::MS_KRB5, |writer| writer.prepend(&TokenId::AP_REQ.0));
    assert_eq!(refused(&Service::new(AES), &other_mechanism, NOW), GssError::UnexpectedMechanism);
}

#[test]
fn a_krb_error_carries_its_reason() {
    let service = Service::new(AES);
    let (mut initiator, token) = initiate(&service.credential(), &InitiatorOptions::default());
    let theirs = NOW.plus_seconds(1000);
    let error = refused(&service, &token, theirs);
    let answer = Acceptor::refusal(&error, &service.name, theirs);
    let refused = GssError::Refused { code: ErrorCode::SKEW, server_time: theirs.seconds };
    assert_eq!(initiator.step(&answer), Err(refused));
    assert_eq!(
        format!("{refused}"),
        "the service refused the ticket with KRB_AP_ERR_SKEW; its clock says 2027-01-15T08:16:40Z"
    );
}

#[test]
fn times_are_kept_to_the_second() {
    let service = Service::new(AES);
    let skew = i64::from(SKEW);
    let start = |now: i64| {
        let credential = service.credential_with(|ticket| {
            ticket.times.starttime = NOW.seconds;
            ticket.times.endtime = KerberosTime::from_unix(ENDTIME);
        });
        let mut rng = TestRng(3);
        let now = Timestamp::new(now, 0);
        let (_, token) =
            Initiator::new(&credential, &InitiatorOptions::default(), &mut at(now, &mut rng))
                .unwrap();
        service.accept(&token, now).err()
    };
    let error = |error| Some(GssError::Request(error));
    let begin = NOW.seconds.unix() - skew;
    assert_eq!(start(begin - 1), error(ApRequestError::NotYetValid));
    assert_eq!(start(begin), None);
    assert_eq!(start(ENDTIME + skew), None);
    assert_eq!(start(ENDTIME + skew + 1), error(ApRequestError::Expired));

    let token = token_of(&service.credential());
    for (offset, expected) in [
        (-skew - 1, error(ApRequestError::Skew)),
        (-skew, None),
        (skew, None),
        (skew + 1, error(ApRequestError::Skew)),
    ] {
        assert_eq!(service.accept(&token, NOW.plus_seconds(offset)).err(), expected, "{offset}");
    }
}

#[test]
fn what_the_ticket_says_is_checked() {
    let service = Service::new(AES);
    let error = |credential: &Credential| match refused(&service, &token_of(credential), NOW) {
        GssError::Request(error) => Some(error),
        _ => None,
    };
    let invalid = service.credential_with(|ticket| ticket.flags = TicketFlags::INVALID);
    assert_eq!(error(&invalid), Some(ApRequestError::NotYetValid));
    let path = b"ELSEWHERE";
    let unchecked = service.credential_with(|ticket| ticket.transited = path);
    assert_eq!(error(&unchecked), Some(ApRequestError::PathNotChecked));
    let checked = service.credential_with(|ticket| {
        ticket.transited = path;
        ticket.flags = TicketFlags::TRANSITED_POLICY_CHECKED;
    });
    assert!(service.accept(&token_of(&checked), NOW).is_ok());

    // The authenticator's client is not the ticket's: another name, or the same in another realm.
    let elsewhere = Principal::parse("alice@ELSEWHERE", None).unwrap();
    let mut mallory = service.credential_of(&elsewhere, &random_key(AES, 22), |_| {});
    mallory.client = Principal::parse("alice@EXAMPLE", None).unwrap();
    assert_eq!(error(&mallory), Some(ApRequestError::ClientMismatch));
    let mut mallory = service.credential();
    mallory.client = Principal::parse("bob@EXAMPLE", None).unwrap();
    assert_eq!(error(&mallory), Some(ApRequestError::ClientMismatch));

    let mut other = Service::new(AES);
    other.name = Principal::parse("HTTP/other.example@EXAMPLE", None).unwrap();
    assert_eq!(error(&other.credential()), Some(ApRequestError::NoKey));
    other.name = service.name.clone();
    other.key = Key::generate(AES, &mut TestRng(77)).unwrap();
    assert_eq!(
        error(&other.credential()),
        Some(ApRequestError::Ticket(CryptoError::IntegrityCheckFailed))
    );
    let mut stolen = service.credential();
    stolen.session_key = other.key;
    assert_eq!(
        error(&stolen),
        Some(ApRequestError::Authenticator(CryptoError::IntegrityCheckFailed))
    );
}

/// A token from an AP-REQ with these options instead of the initiator's own.
fn unusual_token(
    service: &Service,
    ap_options: ApOptions,
    checksum: Option<(ChecksumType, &[u8])>,
) -> Vec<u8> {
    let mut rng = TestRng(5);
    let mut cx: Context<'_> = at(NOW, &mut rng);
    let options = ApReqOptions {
        usage: KeyUsage::AP_REQ_AUTHENTICATOR,
        ap_options,
        checksum,
        subkey: None,
        sequence_number: None,
        authorization_data: None,
    };
    let request = ApRequest::new(&service.credential(), &options, &mut cx).unwrap();
    frame_message(Oid::KRB5, TokenId::AP_REQ, &request.message)
}

#[test]
fn the_checksum_must_be_the_mechanisms() {
    let service = Service::new(AES);
    let good = checksum::encode(None, GssFlags::INTEG, None, None).unwrap();
    let with = |checksum| unusual_token(&service, ApOptions::NONE, checksum);
    let (acceptor, reply) =
        service.accept(&with(Some((ChecksumType::GSSAPI, &good))), NOW).unwrap();
    assert_eq!(reply, None);
    let request = acceptor.request();
    assert_eq!(acceptor.context().session_key(), &request.session_key, "no subkey was sent");

    let other_length = [&[17], &good[1..]].concat();
    for checksum in [
        None,
        Some((ChecksumType::RSA_MD5, &good[..])),
        Some((ChecksumType::GSSAPI, &good[..23])),
        Some((ChecksumType::GSSAPI, &[][..])),
        Some((ChecksumType::GSSAPI, &other_length)),
    ] {
        assert_eq!(refused(&service, &with(checksum), NOW), GssError::BadChecksum);
    }
    let user_to_user =
        unusual_token(&service, ApOptions::USE_SESSION_KEY, Some((ChecksumType::GSSAPI, &good)));
    assert_eq!(
        refused(&service, &user_to_user, NOW),
        GssError::Request(ApRequestError::UserToUser)
    );
    let delegating = checksum::encode(None, GssFlags::DELEG | GssFlags::INTEG, None, None).unwrap();
    let (acceptor, _) =
        service.accept(&with(Some((ChecksumType::GSSAPI, &delegating))), NOW).unwrap();
    assert_eq!(acceptor.context().flags(), GssFlags::INTEG, "what is delegated is dropped");
}

proptest! {
    #[test]
    fn garbage_is_refused(message: Vec<u8>, framed: bool, kind in 0u8..5) {
        let token = if framed {
            frame_message(Oid::KRB5, TokenId([kind, 0]), &message)
        } else {
            message
        };
        let service = Service::new(AES);
        prop_assert!(service.accept(&token, NOW).is_err());
        let (mut initiator, _) = initiate(&service.credential(), &InitiatorOptions::default());
        prop_assert!(initiator.step(&token).is_err());
    }
}
