//! User-to-user: the whole conversation in memory, and what is refused.

use super::super::testing::{NOW, Service, TestRng, at, bit_flips, initiate, random_key};
use super::super::{Acceptor, AcceptorOptions, InitiatorOptions};
use super::*;
use crate::Principal;
use crate::ap::ApRequestError;
use crate::crypto::{CryptoError, Key};
use crate::iana::EncType;

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

/// The service, whose key is here the session key of its TGT.
fn accept(token: &[u8], session_keys: &[Key]) -> Result<(Acceptor, Vec<u8>), GssError> {
    let keys = |_: &Principal, _, _| Vec::new();
    let mut options = AcceptorOptions::new(&keys);
    options.request.user_to_user = session_keys;
    let (acceptor, answer) = Acceptor::accept(token, &options, &mut at(NOW, &mut TestRng(4)))?;
    Ok((acceptor, answer.unwrap()))
}

#[test]
fn both_sides_agree() {
    let service = Service::new(AES);
    let options = InitiatorOptions { user_to_user: true, ..Default::default() };
    let (mut initiator, token) = initiate(&service.credential(), &options);
    let (acceptor, answer) = accept(&token, core::slice::from_ref(&service.key)).unwrap();
    initiator.step(&answer).unwrap();
    assert_eq!(initiator.session_key(), Some(acceptor.context().session_key()));
    for token in [&token, &answer] {
        assert!(token.windows(10).any(|part| part == Oid::KRB5_USER_TO_USER.0));
    }
}

#[test]
fn each_key_is_good_for_its_own_kind_of_request() {
    let service = Service::new(AES);
    let user_to_user = InitiatorOptions { user_to_user: true, ..Default::default() };
    let (_, token) = initiate(&service.credential(), &user_to_user);
    let refused = |error| Err(GssError::Request(error));
    fn result(token: &[u8], keys: &[Key]) -> Result<(), GssError> {
        accept(token, keys).map(|_| ())
    }
    assert_eq!(result(&token, &[]), refused(ApRequestError::UserToUser));
    let wrong = ApRequestError::Ticket(CryptoError::IntegrityCheckFailed);
    assert_eq!(result(&token, &[random_key(AES, 99)]), refused(wrong));
    let other = random_key(EncType::AES128_CTS_HMAC_SHA1_96, 99);
    assert_eq!(result(&token, &[other]), refused(ApRequestError::NoKey));
    let renewed = [random_key(AES, 99), service.key.clone()];
    assert_eq!(result(&token, &renewed), Ok(()), "a ticket for the TGT before the last one");
    assert!(service.accept(&token, NOW).is_err(), "a service with a key, and no TGT");
    let (_, token) = initiate(&service.credential(), &InitiatorOptions::default());
    assert_eq!(result(&token, core::slice::from_ref(&service.key)), refused(ApRequestError::NoKey));
}

#[test]
fn the_tgt_is_asked_for_and_sent() {
    let service = Service::new(AES);
    for request in [
        TgtRequest::default(),
        TgtRequest {
            server: Some(service.name.name.clone()),
            realm: Some(service.name.realm.clone()),
        },
    ] {
        let token = request.to_token();
        assert_eq!(TgtRequest::from_token(&token), Ok(request));
        for end in 0..token.len() {
            assert!(TgtRequest::from_token(&token[..end]).is_err());
        }
        assert_eq!(ticket_of_tgt_reply(&token), Err(GssError::UnexpectedToken));
    }
    let tgt = service.credential();
    let token = tgt_reply(&tgt).unwrap();
    assert_eq!(ticket_of_tgt_reply(&token).as_ref(), Ok(&tgt.ticket));
    assert_eq!(TgtRequest::from_token(&token), Err(GssError::UnexpectedToken));
    for (_, flipped) in bit_flips(&token) {
        assert_ne!(ticket_of_tgt_reply(&flipped).as_ref(), Ok(&tgt.ticket));
    }
    for end in 0..token.len() {
        assert!(ticket_of_tgt_reply(&token[..end]).is_err());
    }
    let octets = TgtRequest::default().to_token();
    assert_eq!(
        octets,
        b"\x60\x1a\x06\x0a\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03\x04\x00\
          \x30\x0a\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x10",
        "draft-swift-win2k-krb-user2user section 3, by hand"
    );
}
