//! Both sides joined in memory, with an exchange that takes whatever the KDC says.

use alloc::boxed::Box;
use std::vec;

use super::super::testing::{NOW, Service, TestRng, at, bit_flips, hex, random_key};
use super::super::token::unframe;
use super::super::{Acceptor, AcceptorOptions, Initiator, InitiatorOptions};
use super::*;
use crate::asn1::{AsReq, KdcReqBody, KrbError};
use crate::der::{Encoded, Int, KerberosString, List, UInt32};
use crate::exchange::{Exchange, ExchangeError, Step};
use crate::iana::{EncType, ErrorCode};
use crate::{Context, Credential, Principal};

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;
const REALM: &[u8] = b"EXAMPLE";

fn as_req(nonce: u32) -> Vec<u8> {
    let body = der::encode(&KdcReqBody {
        kdc_options: 0.into(),
        cname: None,
        realm: KerberosString(REALM),
        sname: None,
        from: None,
        till: NOW.seconds,
        rtime: None,
        nonce: UInt32::new(nonce),
        etype: List::of(&[AES]),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    });
    let req_body = Encoded::from_der(&body).unwrap();
    der::encode(&AsReq { pvno: Int, msg_type: Int, padata: None, req_body })
}

/// Asks `rounds` times.
struct Rounds(u32);

impl Exchange for Rounds {
    type Output = Credential;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        Ok(REALM)
    }

    fn request(&mut self, _: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        Ok(as_req(self.0))
    }

    fn receive(
        &mut self,
        _: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        if reply.first() == Some(&0x7e) {
            let error: KrbError<'_> = der::decode(reply).map_err(ExchangeError::Malformed)?;
            assert_eq!(error.error_code, ErrorCode::IAKERB_KDC_NO_RESPONSE);
            return Err(ExchangeError::NoCommonEnctype);
        }
        assert_eq!(reply, self.0.to_be_bytes());
        self.0 -= 1;
        if self.0 > 0 { Ok(Step::Continue) } else { Ok(Step::Done(Service::new(AES).credential())) }
    }
}

fn start(rounds: u32) -> (IakerbInitiator, Vec<u8>) {
    start_in(IakerbDialect::default(), rounds)
}

fn start_in(dialect: IakerbDialect, rounds: u32) -> (IakerbInitiator, Vec<u8>) {
    let mut rng = TestRng(3);
    IakerbInitiator::new(Box::new(Rounds(rounds)), dialect, &mut at(NOW, &mut rng)).unwrap()
}

fn initiator_step(
    initiator: &mut IakerbInitiator,
    token: &[u8],
) -> Result<Option<Vec<u8>>, IakerbError> {
    initiator.step(token, &InitiatorOptions::default(), &mut at(NOW, &mut TestRng(5)))
}

fn acceptor_step(acceptor: &mut IakerbAcceptor, token: &[u8]) -> Result<IakerbStep, IakerbError> {
    let service = Service::new(AES);
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    acceptor.step(token, &AcceptorOptions::new(&keys), &mut at(NOW, &mut TestRng(4)))
}

/// Both sides up to the client's login.
fn proxied(rounds: u32) -> (IakerbInitiator, IakerbAcceptor, Vec<u8>) {
    proxied_in(IakerbDialect::default(), rounds)
}

fn proxied_in(dialect: IakerbDialect, rounds: u32) -> (IakerbInitiator, IakerbAcceptor, Vec<u8>) {
    let (mut initiator, mut token) = start_in(dialect, rounds);
    let mut acceptor = IakerbAcceptor::default();
    for round in (1..=rounds).rev() {
        let IakerbStep::Ask { realm, message } = acceptor_step(&mut acceptor, &token).unwrap()
        else {
            panic!("a message for a KDC")
        };
        assert_eq!((realm, message), (REALM.to_vec(), as_req(round)));
        let relayed = acceptor.relay(Some(&round.to_be_bytes()), NOW).unwrap();
        token = initiator_step(&mut initiator, &relayed).unwrap().unwrap();
    }
    (initiator, acceptor, token)
}

fn done(step: IakerbStep) -> (Acceptor, Option<Vec<u8>>) {
    match step {
        IakerbStep::Done(acceptor, answer) => (acceptor, answer),
        IakerbStep::Ask { .. } | IakerbStep::AskedForRealm => panic!("a login"),
    }
}

#[test]
fn a_login_through_the_service() {
    let dialects = [IakerbDialect::Draft, IakerbDialect::BeforeMit122];
    for (rounds, dialect) in [1, 2, 4].into_iter().flat_map(|n| dialects.map(|d| (n, d))) {
        let (mut initiator, mut acceptor, token) = proxied_in(dialect, rounds);
        assert!(!initiator.is_complete());
        let (mut login, answer) = done(acceptor_step(&mut acceptor, &token).unwrap());
        assert_eq!(initiator_step(&mut initiator, &answer.unwrap()), Ok(None));
        assert!(initiator.is_complete());
        let key = initiator.login().and_then(Initiator::session_key);
        assert_eq!(key, Some(login.context().session_key()));
        let mic = initiator.login_mut().unwrap().context_mut().unwrap().get_mic(b"message");
        assert_eq!(login.context_mut().verify_mic(b"message", &mic), Ok(()));
    }
}

/// MIT krb5 1.22 takes no token without a frame, 1.20 reads later ones either way and writes none.
#[test]
fn tokens_are_framed_as_the_dialect_has_it() {
    let bare = b"\x05\x01\x30\x0b\xa1\x09\x04\x07EXAMPLE\x00\x00\x00\x02";
    let framed = b"\x60\x1b\x06\x06\x2b\x06\x01\x05\x02\x05\
                   \x05\x01\x30\x0b\xa1\x09\x0c\x07EXAMPLE\x00\x00\x00\x02";
    for (dialect, expected) in
        [(IakerbDialect::Draft, &framed[..]), (IakerbDialect::BeforeMit122, bare)]
    {
        let (mut initiator, first) = start_in(dialect, 2);
        assert!(unframe(Oid::IAKERB, &first).is_ok());
        let mut acceptor = IakerbAcceptor::default();
        acceptor_step(&mut acceptor, &first).unwrap();
        let relayed = acceptor.relay(Some(&2_u32.to_be_bytes()), NOW).unwrap();
        assert_eq!(relayed, expected);
        let second = initiator_step(&mut initiator, &relayed).unwrap().unwrap();
        assert_eq!(second[0], expected[0]);
    }
}

/// RFC drafts of 2008 and of 2014: extension 1 with key usage 42, extension 2 with 41.
#[test]
fn the_finished_is_the_dialects() {
    let subkey = random_key(AES, 7);
    for (dialect, number, usage) in
        [(IakerbDialect::Draft, 2, 41), (IakerbDialect::BeforeMit122, 1, 42)]
    {
        let (found, finished) = Bound { dialect, tokens: b"conversation" }.finished(&subkey);
        assert_eq!(found, number);
        let expected = subkey.checksum(KeyUsage(usage), b"conversation");
        assert!(finished.ends_with(&expected));
    }
    let finished = Bound { dialect: IakerbDialect::Draft, tokens: b"x" }.finished(&subkey).1;
    let older = Bound { dialect: IakerbDialect::BeforeMit122, tokens: b"x" };
    assert_eq!(older.verify_finished(&subkey, &finished), Err(IakerbError::Finished));
}

/// MIT krb5 1.22's first token where the client has no realm (`t_iakerb -`).
const REALM_DISCOVERY: &str = "601006062b060105020505013004a1020c00";

#[test]
fn a_client_without_a_realm_is_told_the_services() {
    let mut acceptor = IakerbAcceptor::default();
    let asked = acceptor_step(&mut acceptor, &hex(REALM_DISCOVERY)).unwrap();
    assert!(matches!(asked, IakerbStep::AskedForRealm));
    assert_eq!(acceptor.relay(Some(b""), NOW), Err(IakerbError::NotAsked));

    let mut acceptor = IakerbAcceptor::default();
    assert_eq!(acceptor.name_realm(Some(REALM), NOW), Err(IakerbError::NotAsked));
    acceptor_step(&mut acceptor, &hex(REALM_DISCOVERY)).unwrap();
    let named = acceptor.name_realm(Some(REALM), NOW).unwrap();
    assert_eq!(
        named,
        hex("6017 06062b0601050205 0501 300b a109 0c07")
            .into_iter()
            .chain(*b"EXAMPLE")
            .collect::<Vec<_>>()
    );
    // It counts as part of the conversation that the login is bound to.
    assert_eq!(acceptor.conversation.octets, [hex(REALM_DISCOVERY), named].concat());

    let mut acceptor = IakerbAcceptor::default();
    acceptor_step(&mut acceptor, &hex(REALM_DISCOVERY)).unwrap();
    let none = acceptor.name_realm(None, NOW).unwrap();
    let error: KrbError<'_> =
        der::decode(Proxy::from_token(&none).unwrap().unwrap().message).unwrap();
    assert_eq!(error.error_code, ErrorCode::IAKERB_KDC_NOT_FOUND);
}

#[test]
fn the_acceptors_cookie_comes_back() {
    let (mut initiator, _) = start(2);
    let realm = IakerbDialect::Draft.write(REALM);
    let proxy = Proxy { realm, cookie: Some(b"cookie"), message: &2_u32.to_be_bytes() };
    let second = initiator_step(&mut initiator, &proxy.to_token(false)).unwrap().unwrap();
    assert_eq!(Proxy::from_token(&second).unwrap().unwrap().cookie, Some(&b"cookie"[..]));
}

/// Somebody on the way changes a message of the KDC's, such that both sides go on.
#[test]
fn the_login_is_bound_to_the_conversation() {
    let (_, _, token) = proxied(2);
    let mut fresh = IakerbAcceptor::default();
    let (login, _) = done(acceptor_step(&mut fresh, &token).unwrap());
    assert_eq!(login.request().client.name, Service::new(AES).credential().client.name);

    let (_, mut acceptor, token) = proxied(2);
    let end = acceptor.conversation.octets.len() - 1;
    acceptor.conversation.octets[end] ^= 1;
    let error = acceptor_step(&mut acceptor, &token).map(|_| ());
    assert_eq!(error, Err(IakerbError::Finished));

    // A login that is bound to nothing.
    let (_, mut acceptor, _) = proxied(1);
    let mut rng = TestRng(6);
    let credential = Service::new(AES).credential();
    let options = InitiatorOptions::default();
    let (_, token) =
        Initiator::start(Oid::IAKERB, |_| None, &credential, &options, &mut at(NOW, &mut rng))
            .unwrap();
    let error = acceptor_step(&mut acceptor, &token).map(|_| ());
    assert_eq!(error, Err(IakerbError::Finished));
    let (_, krb5) = Initiator::new(&credential, &options, &mut at(NOW, &mut rng)).unwrap();
    let error = acceptor_step(&mut acceptor, &krb5).map(|_| ());
    assert_eq!(error, Err(IakerbError::Gss(GssError::UnexpectedMechanism)));
}

#[test]
fn the_finished_is_the_subkeys_and_nobody_elses() {
    for enctype in super::super::testing::enctypes() {
        let subkey = random_key(enctype, 7);
        let bound = |tokens| Bound { dialect: IakerbDialect::Draft, tokens };
        let (_, sent) = bound(b"conversation").finished(&subkey);
        let verify = |key: &Key, sent: &[u8]| bound(b"conversation").verify_finished(key, sent);
        assert_eq!(verify(&subkey, &sent), Ok(()));
        assert!(bound(b"conversatioN").verify_finished(&subkey, &sent).is_err());
        assert!(verify(&random_key(enctype, 8), &sent).is_err());
        for (at, flipped) in bit_flips(&sent) {
            assert!(verify(&subkey, &flipped).is_err(), "byte {at}");
        }
        for end in 0..sent.len() {
            assert!(verify(&subkey, &sent[..end]).is_err());
        }
    }
}

#[test]
fn only_requests_to_a_kdc_are_passed_on() {
    let request = as_req(1);
    let longer = [&request[..], b"x"].concat();
    let token = |message| {
        Proxy { realm: IakerbDialect::Draft.write(REALM), cookie: None, message }.to_token(true)
    };
    for message in [&b""[..], b"GET / HTTP/1.1", &request[1..], &longer] {
        let mut acceptor = IakerbAcceptor::default();
        assert!(matches!(
            acceptor_step(&mut acceptor, &token(message)).map(|_| ()),
            Err(IakerbError::Malformed(_))
        ));
    }
    let mut acceptor = IakerbAcceptor::default();
    assert_eq!(acceptor.relay(Some(b""), NOW), Err(IakerbError::NotAsked));
    acceptor_step(&mut acceptor, &token(&request)).unwrap();
    let error = acceptor_step(&mut acceptor, &token(&request)).map(|_| ());
    assert_eq!(error, Err(IakerbError::OutOfStep), "the answer is due");
}

#[test]
fn a_silent_kdc_is_said_to_be_one() {
    let (mut initiator, token) = start(1);
    let mut acceptor = IakerbAcceptor::default();
    acceptor_step(&mut acceptor, &token).unwrap();
    let silence = acceptor.relay(None, NOW).unwrap();
    let error = initiator_step(&mut initiator, &silence);
    assert_eq!(error, Err(IakerbError::Exchange(ExchangeError::NoCommonEnctype)));
    let error = initiator_step(&mut initiator, &silence);
    assert_eq!(error, Err(IakerbError::Gss(GssError::NotEstablished)));
}

#[test]
fn a_conversation_comes_to_an_end() {
    for (length, expected) in [(MAX_CONVERSATION, true), (MAX_CONVERSATION + 1, false)] {
        let added = Conversation::default().add(&vec![0; length]);
        assert_eq!(added.is_ok(), expected, "{length}");
    }
    let mut conversation = Conversation::default();
    for _ in 0..2 * MAX_MESSAGES {
        assert_eq!(conversation.add(b"token"), Ok(()));
    }
    assert_eq!(conversation.add(b"token"), Err(IakerbError::TooLong));
}

#[test]
fn every_truncation_is_refused() {
    let (_, first) = start(1);
    for end in 0..first.len() {
        let mut acceptor = IakerbAcceptor::default();
        assert!(acceptor_step(&mut acceptor, &first[..end]).is_err(), "length {end}");
    }
    let (_, mut acceptor, token) = proxied(1);
    for end in 0..token.len() {
        assert!(acceptor_step(&mut acceptor, &token[..end]).is_err(), "length {end}");
    }
    assert!(acceptor_step(&mut acceptor, &token).is_ok());
}
