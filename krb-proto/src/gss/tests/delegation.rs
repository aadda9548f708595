//! A credential handed on with the login.

use std::vec::Vec;

use super::super::testing::{NOW, Service, TestRng, at, bit_flips, initiate};
use super::super::*;
use crate::ap::ClientData;
use crate::ap::{ApReqOptions, ApRequest, KrbCredError, krb_cred};
use crate::asn1::LsapTokenInfoIntegrity;
use crate::crypto::{CryptoError, Key};
use crate::iana::{ApOptions, ChecksumType, EncType, KeyUsage};
use crate::{Credential, Principal};

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

fn accept(token: &[u8], take_delegated: bool) -> Result<Acceptor, GssError> {
    let service = Service::new(AES);
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    let options = AcceptorOptions { take_delegated, ..AcceptorOptions::new(&keys) };
    Acceptor::accept(token, &options, &mut at(NOW, &mut TestRng(4))).map(|(acceptor, _)| acceptor)
}

fn forwarded() -> Credential {
    Service::new(EncType::AES128_CTS_HMAC_SHA256_128).credential()
}

#[test]
fn what_is_delegated_arrives_where_it_is_wanted() {
    let forwarded = forwarded();
    let options = InitiatorOptions { delegate: Some(&forwarded), ..Default::default() };
    let (initiator, token) = initiate(&Service::new(AES).credential(), &options);
    drop(initiator);
    let acceptor = accept(&token, true).unwrap();
    let [delegated] = acceptor.delegated() else { panic!("one credential") };
    assert_eq!((&delegated.client, &delegated.ticket), (&forwarded.client, &forwarded.ticket));
    assert_eq!(delegated.session_key, forwarded.session_key);
    assert!(acceptor.context().flags().contains(GssFlags::DELEG));

    let acceptor = accept(&token, false).unwrap();
    assert!(
        acceptor.delegated().is_empty() && !acceptor.context().flags().contains(GssFlags::DELEG)
    );
    let (_, token) = initiate(&Service::new(AES).credential(), &InitiatorOptions::default());
    assert!(accept(&token, true).unwrap().delegated().is_empty());
}

/// A token whose checksum delegates `message`, with `subkey`.
fn delegating(message: &[u8], subkey: Option<&Key>) -> Vec<u8> {
    token_with(GssFlags::DELEG | GssFlags::INTEG, Some(message), subkey)
}

fn token_with(flags: GssFlags, delegated: Option<&[u8]>, subkey: Option<&Key>) -> Vec<u8> {
    let checksum = checksum::encode(None, flags, delegated, None).unwrap();
    let options = ApReqOptions {
        usage: KeyUsage::AP_REQ_AUTHENTICATOR,
        ap_options: ApOptions::NONE,
        checksum: Some((ChecksumType::GSSAPI, &checksum)),
        subkey,
        sequence_number: None,
        authorization_data: None,
    };
    let credential = Service::new(AES).credential();
    let request = ApRequest::new(&credential, &options, &mut at(NOW, &mut TestRng(5))).unwrap();
    token::frame_message(Oid::KRB5, token::TokenId::AP_REQ, &request.message)
}

#[test]
fn it_may_be_encrypted_with_the_session_key_or_the_subkey_and_not_otherwise() {
    let forwarded = forwarded();
    let session_key = Service::new(AES).credential().session_key;
    let [subkey, other] = [6, 7].map(|seed| Key::generate(AES, &mut TestRng(seed)).unwrap());
    let message = |key| krb_cred(&[&forwarded], key, &mut at(NOW, &mut TestRng(8))).unwrap();
    for key in [&session_key, &subkey] {
        let acceptor = accept(&delegating(&message(key), Some(&subkey)), true).unwrap();
        assert_eq!(acceptor.delegated().len(), 1);
    }
    let wrong = KrbCredError::Crypto(CryptoError::IntegrityCheckFailed);
    for (key, subkey) in [(&other, Some(&subkey)), (&subkey, None)] {
        let error = accept(&delegating(&message(key), subkey), true).err();
        assert_eq!(error, Some(GssError::Delegation(wrong)));
    }
    // Where it is not wanted it does not matter.
    assert!(accept(&delegating(&message(&other), None), false).is_ok());
    let sent = message(&session_key);
    for (at, flipped) in bit_flips(&sent).step_by(97) {
        if let Ok(acceptor) = accept(&delegating(&flipped, None), true) {
            assert_ne!(acceptor.delegated()[0].ticket, forwarded.ticket, "byte {at}");
        }
    }
}

#[test]
fn a_ticket_that_is_none_is_not_sent() {
    let mut forwarded = forwarded();
    forwarded.ticket.pop();
    let options = InitiatorOptions { delegate: Some(&forwarded), ..Default::default() };
    let credential = Service::new(AES).credential();
    let error = Initiator::new(&credential, &options, &mut at(NOW, &mut TestRng(3))).err();
    assert!(matches!(error, Some(GssError::BadTicket(_))));
}

#[test]
fn the_acceptor_learns_what_the_client_says_of_itself() {
    let integrity = LsapTokenInfoIntegrity { flags: 0, token_il: 0x3000, machine_id: [9; 32] };
    let client_data = ClientData { always_binds: true, integrity: Some(integrity) };
    let options = InitiatorOptions { client_data, ..Default::default() };
    let (_, token) = initiate(&Service::new(AES).credential(), &options);
    assert_eq!(accept(&token, false).unwrap().request().client_data, client_data);
    let (_, token) = initiate(&Service::new(AES).credential(), &InitiatorOptions::default());
    assert_eq!(accept(&token, false).unwrap().request().client_data, ClientData::default());
}

#[test]
fn dce_style_is_refused() {
    let token = token_with(GssFlags::DCE_STYLE | GssFlags::INTEG, None, None);
    assert_eq!(accept(&token, false).err(), Some(GssError::NotOffered));
}
