//! Both sides joined in memory, with an exchange that takes whatever the KDC says.

use alloc::boxed::Box;
use std::vec;

use super::super::testing::{NOW, Service, TestRng, at, bit_flips, random_key};
use super::super::token::unframe;
use super::super::{Acceptor, AcceptorOptions, Initiator, InitiatorOptions};
use super::*;
use crate::asn1::{AsReq, KdcReqBody, KrbError};
use crate::der::{Encoded, Int, KerberosString, List, UInt32};
use crate::exchange::{Exchange, ExchangeError, Request, Step};
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

    fn request(&mut self, _: &mut Context<'_>) -> Result<Request, ExchangeError> {
        Ok(Request { realm: REALM.to_vec(), message: as_req(self.0) })
    }

    fn receive(
        &mut self,
        _: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        if reply.first() == Some(&0x7e) {
            let error: KrbError<'_> = der::decode(reply)?;
            assert_eq!(error.error_code, ErrorCode::IAKERB_KDC_NO_RESPONSE);
            return Err(ExchangeError::NoCommonEnctype);
        }
        assert_eq!(reply, self.0.to_be_bytes());
        self.0 -= 1;
        if self.0 > 0 { Ok(Step::Continue) } else { Ok(Step::Done(Service::new(AES).credential())) }
    }
}

fn start(rounds: u32) -> (IakerbInitiator, Vec<u8>) {
    IakerbInitiator::new(
        Box::new(Rounds(rounds)),
        RealmForm::default(),
        &mut at(NOW, &mut TestRng(3)),
    )
    .unwrap()
}

fn initiator_step(
    initiator: &mut IakerbInitiator,
    token: &[u8],
) -> Result<Option<Vec<u8>>, IakerbError> {
    initiator.step(token, &InitiatorOptions::default(), &mut at(NOW, &mut TestRng(5)))
}

fn acceptor_step(acceptor: &mut IakerbAcceptor, token: &[u8]) -> Result<IakerbStep, GssError> {
    let service = Service::new(AES);
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    acceptor.step(token, &AcceptorOptions::new(&keys), &mut at(NOW, &mut TestRng(4)))
}

/// Both sides up to the client's login.
fn proxied(rounds: u32) -> (IakerbInitiator, IakerbAcceptor, Vec<u8>) {
    let (mut initiator, mut token) = start(rounds);
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
        IakerbStep::Ask { .. } => panic!("a login"),
    }
}

#[test]
fn a_login_through_the_service() {
    for rounds in [1, 2, 4] {
        let (mut initiator, mut acceptor, token) = proxied(rounds);
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

#[test]
fn only_the_first_token_is_framed() {
    let (mut initiator, first) = start(2);
    assert!(unframe(Oid::IAKERB, &first).is_ok());
    let mut acceptor = IakerbAcceptor::default();
    acceptor_step(&mut acceptor, &first).unwrap();
    let relayed = acceptor.relay(Some(&2_u32.to_be_bytes()), NOW).unwrap();
    assert_eq!(relayed, b"\x05\x01\x30\x0b\xa1\x09\x0c\x07EXAMPLE\x00\x00\x00\x02");
    let second = initiator_step(&mut initiator, &relayed).unwrap().unwrap();
    assert_eq!(second[..2], [5, 1]);
}

#[test]
fn the_acceptor_answers_in_the_clients_form() {
    let cx = &mut TestRng(3);
    for (form, tag) in [(RealmForm::Utf8String, 0x0c), (RealmForm::OctetString, 0x04)] {
        let (_, first) = IakerbInitiator::new(Box::new(Rounds(1)), form, &mut at(NOW, cx)).unwrap();
        let mut acceptor = IakerbAcceptor::default();
        acceptor_step(&mut acceptor, &first).unwrap();
        let relayed = acceptor.relay(Some(b""), NOW).unwrap();
        assert_eq!(relayed[6], tag);
    }
}

#[test]
fn the_acceptors_cookie_comes_back() {
    let (mut initiator, _) = start(2);
    let realm = RealmForm::Utf8String.write(REALM);
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
    assert_eq!(error, Err(GssError::IakerbFinished));

    // A login that is bound to nothing.
    let (_, mut acceptor, _) = proxied(1);
    let mut rng = TestRng(6);
    let credential = Service::new(AES).credential();
    let options = InitiatorOptions::default();
    let (_, token) =
        Initiator::start(Oid::IAKERB, None, &credential, &options, &mut at(NOW, &mut rng)).unwrap();
    let error = acceptor_step(&mut acceptor, &token).map(|_| ());
    assert_eq!(error, Err(GssError::IakerbFinished));
    let (_, krb5) = Initiator::new(&credential, &options, &mut at(NOW, &mut rng)).unwrap();
    let error = acceptor_step(&mut acceptor, &krb5).map(|_| ());
    assert_eq!(error, Err(GssError::UnexpectedMechanism));
}

#[test]
fn the_finished_is_the_subkeys_and_nobody_elses() {
    for enctype in super::super::testing::enctypes() {
        let subkey = random_key(enctype, 7);
        let sent = finished(&subkey, b"conversation");
        assert_eq!(verify_finished(&subkey, b"conversation", &sent), Ok(()));
        assert!(verify_finished(&subkey, b"conversatioN", &sent).is_err());
        assert!(verify_finished(&random_key(enctype, 8), b"conversation", &sent).is_err());
        for (at, flipped) in bit_flips(&sent) {
            assert!(verify_finished(&subkey, b"conversation", &flipped).is_err(), "byte {at}");
        }
        for end in 0..sent.len() {
            assert!(verify_finished(&subkey, b"conversation", &sent[..end]).is_err());
        }
    }
}

#[test]
fn only_requests_to_a_kdc_are_passed_on() {
    let request = as_req(1);
    let longer = [&request[..], b"x"].concat();
    let token = |message| {
        Proxy { realm: RealmForm::Utf8String.write(REALM), cookie: None, message }.to_token(true)
    };
    for message in [&b""[..], b"GET / HTTP/1.1", &request[1..], &longer] {
        let mut acceptor = IakerbAcceptor::default();
        assert!(matches!(
            acceptor_step(&mut acceptor, &token(message)).map(|_| ()),
            Err(GssError::Malformed(_))
        ));
    }
    let mut acceptor = IakerbAcceptor::default();
    assert_eq!(acceptor.relay(Some(b""), NOW), Err(GssError::NegotiationOutOfStep));
    acceptor_step(&mut acceptor, &token(&request)).unwrap();
    let error = acceptor_step(&mut acceptor, &token(&request)).map(|_| ());
    assert_eq!(error, Err(GssError::NegotiationOutOfStep), "the answer is due");
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
    assert_eq!(conversation.add(b"token"), Err(GssError::IakerbTooLong));
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
