//! Both sides of the negotiation joined in memory, and peers that do it otherwise.

mod windows;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::der::{self, Encoded, List};
use crate::gss::testing::{NOW, Service, TestRng, at, bit_flips, initiate, offset_of};
use crate::gss::{
    Acceptor, AcceptorOptions, GssError, Initiator, InitiatorOptions, Oid, Protection,
};
use crate::iana::{EncType, ErrorCode};
use crate::{Credential, Principal};

const NTLM: Oid<'_> = Oid(b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a");

fn service() -> Service {
    Service::new(EncType::AES128_CTS_HMAC_SHA1_96)
}

fn start(credential: &Credential, mutual: bool) -> (SpnegoInitiator, Vec<u8>) {
    let options = InitiatorOptions { mutual, ..Default::default() };
    SpnegoInitiator::new(credential, &options, &mut at(NOW, &mut TestRng(3))).unwrap()
}

fn step(acceptor: &mut SpnegoAcceptor, token: &[u8]) -> Result<Option<Vec<u8>>, SpnegoError> {
    let service = service();
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    let options = AcceptorOptions::new(&keys);
    acceptor.step(token, &options, &mut at(NOW, &mut TestRng(4)))
}

fn resp<'a>(
    neg_state: NegState,
    response_token: Option<&'a [u8]>,
    mech_list_mic: Option<&'a [u8]>,
) -> NegTokenResp<'a> {
    let supported_mech = Some(Oid::KRB5);
    NegTokenResp { neg_state: Some(neg_state), supported_mech, response_token, mech_list_mic }
}

#[test]
fn the_ap_req_is_found_in_whatever_form_it_travels() {
    let credential = service().credential();
    let (_, bare) = initiate(&credential, &InitiatorOptions::default());
    let message = ap_req_in(&bare).unwrap();
    assert!(der::decode::<crate::asn1::ApReq<'_>>(message).is_ok());
    assert_eq!(ap_req_in(message), Ok(message), "without any framing");
    let user_to_user = InitiatorOptions { user_to_user: true, ..Default::default() };
    let (_, token) = initiate(&credential, &user_to_user);
    assert!(der::decode::<crate::asn1::ApReq<'_>>(ap_req_in(&token).unwrap()).is_ok());
    let (_, negotiation) = start(&credential, true);
    assert!(der::decode::<crate::asn1::ApReq<'_>>(ap_req_in(&negotiation).unwrap()).is_ok());
    let response = resp(NegState::ACCEPT_INCOMPLETE, Some(&bare), None).to_token();
    assert_eq!(ap_req_in(&response), Ok(message));

    let without = resp(NegState::ACCEPT_INCOMPLETE, None, None).to_token();
    assert_eq!(ap_req_in(&without), Err(GssError::UnexpectedToken.into()));
    let (_, reply) = service().accept(&bare, NOW).unwrap();
    assert_eq!(ap_req_in(&reply.unwrap()), Err(GssError::UnexpectedToken.into()), "an AP-REP");
    for end in 0..negotiation.len() {
        assert!(ap_req_in(&negotiation[..end]).is_err(), "{end}");
    }
}

/// A later message of the acceptor.
fn later(neg_state: Option<NegState>, mech_list_mic: Option<&[u8]>) -> Vec<u8> {
    NegTokenResp { neg_state, supported_mech: None, response_token: None, mech_list_mic }.to_token()
}

/// The client, and an acceptor of the bare mechanism that holds its token, with the AP-REP and the
/// offer: the tests play the negotiation of the service themselves.
struct Played {
    initiator: SpnegoInitiator,
    acceptor: Acceptor,
    reply: Option<Vec<u8>>,
    offer: Vec<u8>,
}

fn played(mutual: bool) -> Played {
    let (initiator, token) = start(&service().credential(), mutual);
    let init = NegTokenInit::from_token(&token).unwrap();
    let (acceptor, reply) = service().accept(init.mech_token.unwrap(), NOW).unwrap();
    Played { initiator, acceptor, reply, offer: init.mech_types.der().to_vec() }
}

impl Played {
    fn answer(&mut self, resp: &NegTokenResp<'_>) -> Result<Option<Vec<u8>>, SpnegoError> {
        self.initiator.step(&resp.to_token())
    }

    fn mic(&mut self) -> Vec<u8> {
        self.acceptor.context_mut().get_mic(&self.offer)
    }

    fn verify(&mut self, answer: &[u8], state: NegState) {
        let answer = NegTokenResp::from_token(answer).unwrap();
        assert_eq!(answer.neg_state, Some(state));
        let mic = answer.mech_list_mic.unwrap();
        assert_eq!(self.acceptor.context_mut().verify_mic(&self.offer, mic), Ok(()));
    }
}

#[test]
fn one_round_trip_and_messages_flow() {
    for mutual in [true, false] {
        let (mut initiator, token) = start(&service().credential(), mutual);
        assert!(!initiator.is_complete() && initiator.session_key().is_none());
        assert!(initiator.context_mut().is_none());
        let mut acceptor = SpnegoAcceptor::new();
        let answer = step(&mut acceptor, &token).unwrap().unwrap();
        assert_eq!(initiator.step(&answer), Ok(None));
        assert!(initiator.is_complete() && acceptor.is_complete());
        assert_eq!(initiator.step(&answer), Err(SpnegoError::Complete));
        assert_eq!(step(&mut acceptor, &token), Err(SpnegoError::Complete));
        assert!(initiator.is_complete() && acceptor.is_complete(), "misuse does no harm");

        let acceptor = acceptor.acceptor_mut().unwrap().context_mut();
        assert_eq!(initiator.session_key(), Some(acceptor.session_key()));
        let initiator = initiator.context_mut().unwrap();
        let wrapped = initiator.wrap(b"hello", Protection::Confidentiality, &mut TestRng(6));
        assert_eq!(acceptor.unwrap(&wrapped).unwrap().0, b"hello");
    }
}

#[test]
fn the_offer_is_kerberos_under_both_numbers() {
    let (_, token) = start(&service().credential(), true);
    assert_eq!(token[0], 0x60);
    let init = NegTokenInit::from_token(&token).unwrap();
    let offer: Vec<_> = init.mech_types.iter().collect();
    assert_eq!(offer, [Oid::KRB5, Oid::MS_KRB5]);
    assert_eq!(
        init.mech_types.der(),
        b"\x30\x16\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"
    );
}

#[test]
fn windows_number_for_kerberos_is_no_other_mechanism() {
    let mut peer = played(true);
    let reply = peer.reply.clone();
    let supported_mech = Some(Oid::MS_KRB5);
    let answer = resp(NegState::ACCEPT_COMPLETED, reply.as_deref(), None);
    assert_eq!(peer.answer(&NegTokenResp { supported_mech, ..answer }), Ok(None));
    assert!(peer.initiator.is_complete());
}

/// RFC 4178 section 5: the acceptor sends the mechanism's last token and its MIC with it.
#[test]
fn an_acceptor_that_signs_gets_our_signature() {
    for state in [NegState::ACCEPT_INCOMPLETE, NegState::REQUEST_MIC] {
        let mut peer = played(true);
        let (reply, mic) = (peer.reply.clone(), peer.mic());
        let answer = peer.answer(&resp(state, reply.as_deref(), Some(&mic))).unwrap().unwrap();
        peer.verify(&answer, NegState::ACCEPT_COMPLETED);
        assert!(peer.initiator.is_complete());
    }
    let mut peer = played(true);
    let (reply, mic) = (peer.reply.clone(), peer.mic());
    let answer = resp(NegState::ACCEPT_COMPLETED, reply.as_deref(), Some(&mic));
    assert_eq!(peer.answer(&answer), Ok(None), "it is done and waits for nothing");
    assert!(peer.initiator.is_complete());
}

#[test]
fn an_acceptor_that_is_not_done_must_sign() {
    for mutual in [true, false] {
        for last_state in [None, Some(NegState::ACCEPT_COMPLETED)] {
            let mut peer = played(mutual);
            let reply = peer.reply.clone();
            let first = resp(NegState::REQUEST_MIC, reply.as_deref(), None);
            let answer = peer.answer(&first).unwrap().unwrap();
            peer.verify(&answer, NegState::ACCEPT_INCOMPLETE);
            assert!(!peer.initiator.is_complete() && peer.initiator.session_key().is_none());
            let mic = peer.mic();
            assert_eq!(peer.initiator.step(&later(last_state, Some(&mic))), Ok(None));
            assert!(peer.initiator.is_complete());
        }
        for last_state in [None, Some(NegState::ACCEPT_COMPLETED)] {
            let mut peer = played(mutual);
            let reply = peer.reply.clone();
            peer.answer(&resp(NegState::REQUEST_MIC, reply.as_deref(), None)).unwrap();
            assert_eq!(peer.initiator.step(&later(last_state, None)), Err(SpnegoError::MicMissing));
            assert!(!peer.initiator.is_complete());
        }
    }
}

#[test]
fn a_wrong_mic_is_refused_even_where_none_is_due() {
    for state in [NegState::ACCEPT_COMPLETED, NegState::ACCEPT_INCOMPLETE, NegState::REQUEST_MIC] {
        let mut peer = played(true);
        let reply = peer.reply.clone();
        let other_offer = peer.acceptor.context_mut().get_mic(b"another list");
        let answer = resp(state, reply.as_deref(), Some(&other_offer));
        assert_eq!(peer.answer(&answer), Err(SpnegoError::MicWrong));
        assert!(!peer.initiator.is_complete());

        let mut peer = played(true);
        let reply = peer.reply.clone();
        let duplicate = resp(state, reply.as_deref(), reply.as_deref());
        assert_eq!(peer.answer(&duplicate), Err(SpnegoError::MicWrong), "Windows 2000");

        let mut peer = played(true);
        let (reply, mic) = (peer.reply.clone(), peer.mic());
        for (at, flipped) in bit_flips(&mic) {
            let mut peer = played(true);
            let answer = resp(state, reply.as_deref(), Some(&flipped));
            assert_eq!(peer.answer(&answer), Err(SpnegoError::MicWrong), "byte {at}");
        }
    }
    let mut peer = played(true);
    let reply = peer.reply.clone();
    peer.answer(&resp(NegState::REQUEST_MIC, reply.as_deref(), None)).unwrap();
    let wrong = peer.acceptor.context_mut().get_mic(b"another list");
    let last = later(Some(NegState::ACCEPT_COMPLETED), Some(&wrong));
    assert_eq!(peer.initiator.step(&last), Err(SpnegoError::MicWrong));
}

#[test]
fn a_rejection_says_why_if_it_can() {
    let mut peer = played(true);
    assert_eq!(peer.answer(&NegTokenResp::rejection(None)), Err(SpnegoError::Rejected));
    for mutual in [true, false] {
        let mut peer = played(mutual);
        let service = service();
        let error = service.accept(b"", NOW).map(|_| ()).unwrap_err();
        let reason = Acceptor::refusal(&error, &service.name, NOW);
        let refused = GssError::Refused { code: ErrorCode::GENERIC, server_time: NOW.seconds };
        assert_eq!(peer.answer(&NegTokenResp::rejection(Some(&reason))), Err(refused.into()));
        assert!(!peer.initiator.is_complete());
    }
    let mut peer = played(true);
    assert_eq!(peer.answer(&NegTokenResp::rejection(Some(b"?"))), Err(SpnegoError::Rejected));
}

#[test]
fn a_krb_error_behind_accept_incomplete_ends_it() {
    let mut peer = played(true);
    let reason = Acceptor::refusal(&GssError::BadChecksum, &service().name, NOW);
    let refused = GssError::Refused { code: ErrorCode::GENERIC, server_time: NOW.seconds };
    let answer = resp(NegState::ACCEPT_INCOMPLETE, Some(&reason), None);
    assert_eq!(peer.answer(&answer), Err(refused.into()));
    assert_eq!(peer.answer(&answer), Err(SpnegoError::Failed));
}

#[test]
fn no_success_without_the_ap_rep() {
    for state in [NegState::ACCEPT_COMPLETED, NegState::ACCEPT_INCOMPLETE, NegState::REQUEST_MIC] {
        let mut peer = played(true);
        let mic = peer.mic();
        assert_eq!(peer.answer(&resp(state, None, None)), Err(SpnegoError::NoReply));
        let mut peer = played(true);
        assert_eq!(peer.answer(&resp(state, None, Some(&mic))), Err(SpnegoError::NoReply));
        let mut peer = played(true);
        assert!(peer.answer(&resp(state, Some(b""), None)).is_err());
        assert!(!peer.initiator.is_complete() && peer.initiator.session_key().is_none());
    }
}

#[test]
fn what_is_out_of_step_is_refused() {
    let out_of_step = Err(SpnegoError::OutOfStep);
    let mut peer = played(true);
    let reply = peer.reply.clone();
    let good = resp(NegState::ACCEPT_COMPLETED, reply.as_deref(), None);
    assert_eq!(peer.answer(&NegTokenResp { neg_state: None, ..good }), out_of_step);
    let mut peer = played(true);
    assert_eq!(peer.answer(&NegTokenResp { neg_state: Some(NegState(4)), ..good }), out_of_step);
    let mut peer = played(true);
    let other = NegTokenResp { supported_mech: Some(NTLM), ..good };
    assert_eq!(peer.answer(&other), Err(SpnegoError::NoCommonMechanism));
    let mut peer = played(false);
    assert_eq!(peer.answer(&good), out_of_step, "an AP-REP that was not asked for");

    let last = NegTokenResp { response_token: None, ..good };
    for (bad, expected) in [
        (NegTokenResp { neg_state: Some(NegState::ACCEPT_INCOMPLETE), ..last }, &out_of_step),
        (NegTokenResp { supported_mech: Some(Oid::KRB5), ..last }, &out_of_step),
        (NegTokenResp { response_token: Some(b"x"), ..last }, &out_of_step),
        (NegTokenResp::rejection(None), &Err(SpnegoError::Rejected)),
    ] {
        let mut peer = played(true);
        let (reply, mic) = (peer.reply.clone(), peer.mic());
        peer.answer(&resp(NegState::REQUEST_MIC, reply.as_deref(), None)).unwrap();
        assert_eq!(&peer.answer(&NegTokenResp { mech_list_mic: Some(&mic), ..bad }), expected);
    }
    let (mut initiator, token) = start(&service().credential(), true);
    assert!(matches!(initiator.step(&token), Err(SpnegoError::Malformed(_))), "our own token");
}

#[test]
fn every_flipped_bit_and_truncation_of_the_answer_is_refused() {
    let (_, token) = start(&service().credential(), true);
    let answer = step(&mut SpnegoAcceptor::new(), &token).unwrap().unwrap();
    let try_answer = |answer: &[u8]| {
        let (mut initiator, _) = start(&service().credential(), true);
        let _ = initiator.step(answer);
        initiator.is_complete()
    };
    assert!(try_answer(&answer));
    // One bit lies between the two numbers of Kerberos, and both mean it.
    let other_number = offset_of(&answer, &[0xa1, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86]) + 7;
    let mut completed = Vec::new();
    for (at, flipped) in bit_flips(&answer) {
        if try_answer(&flipped) {
            completed.push(at);
        }
    }
    assert_eq!(completed, [other_number]);
    for end in 0..answer.len() {
        assert!(!try_answer(&answer[..end]), "length {end}");
    }
    assert!(!try_answer(&[&answer[..], b"\0"].concat()));
}

/// A client that would rather have another mechanism, up to its Kerberos token.
fn second_choice(mutual: bool) -> (SpnegoAcceptor, Initiator, Vec<u8>, Vec<u8>) {
    let offer = der::encode(&List::of(&[NTLM, Oid::KRB5]));
    let init = NegTokenInit {
        mech_types: Encoded::from_der(&offer).unwrap(),
        req_flags: None,
        mech_token: Some(b"NTLMSSP\0"),
        mech_list_mic: None,
    };
    let mut acceptor = SpnegoAcceptor::new();
    let answer = step(&mut acceptor, &init.to_token()).unwrap().unwrap();
    assert_eq!(NegTokenResp::from_token(&answer), Ok(resp(NegState::REQUEST_MIC, None, None)));
    let options = InitiatorOptions { mutual, ..Default::default() };
    let (initiator, token) = initiate(&service().credential(), &options);
    (acceptor, initiator, token, offer)
}

fn client_token(token: Option<&[u8]>, mic: Option<&[u8]>) -> Vec<u8> {
    NegTokenResp {
        neg_state: Some(NegState::ACCEPT_INCOMPLETE),
        supported_mech: None,
        response_token: token,
        mech_list_mic: mic,
    }
    .to_token()
}

#[test]
fn a_second_choice_is_signed_by_both() {
    let (mut acceptor, mut initiator, token, offer) = second_choice(true);
    let answer = step(&mut acceptor, &client_token(Some(&token), None)).unwrap().unwrap();
    let answer = NegTokenResp::from_token(&answer).unwrap();
    assert_eq!(answer.neg_state, Some(NegState::ACCEPT_INCOMPLETE));
    assert!(!acceptor.is_complete() && acceptor.acceptor().is_none());
    initiator.step(answer.response_token.unwrap()).unwrap();
    let context = initiator.context_mut().unwrap();
    assert_eq!(context.verify_mic(&offer, answer.mech_list_mic.unwrap()), Ok(()));
    let mic = context.get_mic(&offer);
    assert_eq!(step(&mut acceptor, &client_token(None, Some(&mic))), Ok(None));
    assert!(acceptor.is_complete());

    let (mut acceptor, mut initiator, token, offer) = second_choice(false);
    let mic = initiator.context_mut().unwrap().get_mic(&offer);
    let answer = step(&mut acceptor, &client_token(Some(&token), Some(&mic))).unwrap().unwrap();
    let answer = NegTokenResp::from_token(&answer).unwrap();
    assert_eq!(answer.neg_state, Some(NegState::ACCEPT_COMPLETED));
    let context = initiator.context_mut().unwrap();
    assert_eq!(context.verify_mic(&offer, answer.mech_list_mic.unwrap()), Ok(()));
    assert!(acceptor.is_complete());
}

/// Somebody on the way strikes a mechanism off the client's list: the signatures tell.
#[test]
fn a_changed_offer_is_noticed() {
    for mic_over in [Some(&b"the list that the client sent"[..]), None] {
        let (mut acceptor, mut initiator, token, _) = second_choice(true);
        let answer = step(&mut acceptor, &client_token(Some(&token), None)).unwrap().unwrap();
        let answer = NegTokenResp::from_token(&answer).unwrap();
        initiator.step(answer.response_token.unwrap()).unwrap();
        let mic = mic_over.map(|list| initiator.context_mut().unwrap().get_mic(list));
        let expected = match mic {
            Some(_) => SpnegoError::MicWrong,
            None => SpnegoError::MicMissing,
        };
        assert_eq!(step(&mut acceptor, &client_token(None, mic.as_deref())), Err(expected));
        assert!(!acceptor.is_complete());
        assert_eq!(step(&mut acceptor, b""), Err(SpnegoError::Failed));
    }
    let (mut acceptor, _, token, _) = second_choice(false);
    let unsigned = client_token(Some(&token), None);
    assert_eq!(step(&mut acceptor, &unsigned), Err(SpnegoError::MicMissing));
}

#[test]
fn without_kerberos_there_is_nothing_in_common() {
    let offer = der::encode(&List::of(&[NTLM]));
    let mut init = NegTokenInit {
        mech_types: Encoded::from_der(&offer).unwrap(),
        req_flags: None,
        mech_token: None,
        mech_list_mic: None,
    };
    let common = |init: &NegTokenInit<'_>| step(&mut SpnegoAcceptor::new(), &init.to_token());
    assert_eq!(common(&init), Err(SpnegoError::NoCommonMechanism));
    init.mech_types = Encoded::from_der(b"\x30\x00").unwrap();
    assert_eq!(common(&init), Err(SpnegoError::NoCommonMechanism), "an empty list");
    let (_, raw) = initiate(&service().credential(), &InitiatorOptions::default());
    assert_eq!(step(&mut SpnegoAcceptor::new(), &raw), Err(SpnegoError::UnexpectedMechanism));
}

#[test]
fn kerberos_without_a_token_is_asked_for_one() {
    let (_, token) = start(&service().credential(), true);
    let init = NegTokenInit::from_token(&token).unwrap();
    let bare = NegTokenInit { mech_token: None, ..init };
    let mut acceptor = SpnegoAcceptor::new();
    let answer = step(&mut acceptor, &bare.to_token()).unwrap().unwrap();
    let expected = resp(NegState::ACCEPT_INCOMPLETE, None, None);
    assert_eq!(NegTokenResp::from_token(&answer), Ok(expected));
    step(&mut acceptor, &client_token(init.mech_token, None)).unwrap();
    assert!(acceptor.is_complete(), "a first choice needs no MIC");
}

proptest! {
    #[test]
    fn garbage_is_refused(token: Vec<u8>, tag in 0xa0u8..0xa2) {
        let mut framed = Vec::from([tag]);
        framed.extend(u8::try_from(token.len()).ok().filter(|&n| n < 0x80));
        framed.extend_from_slice(&token);
        for token in [&token, &framed] {
            let (mut initiator, _) = start(&service().credential(), true);
            prop_assert!(initiator.step(token).is_err());
            prop_assert!(step(&mut SpnegoAcceptor::new(), token).is_err());
        }
    }

    #[test]
    fn tokens_round_trip(
        state in proptest::option::of(0i32..5),
        token in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
        mic in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
    ) {
        let resp = NegTokenResp {
            neg_state: state.map(NegState),
            supported_mech: None,
            response_token: token.as_deref(),
            mech_list_mic: mic.as_deref(),
        };
        let encoded = resp.to_token();
        prop_assert_eq!(NegTokenResp::from_token(&encoded), Ok(resp));
    }

    #[test]
    fn header_values_round_trip(token: Vec<u8>) {
        let value = http::header_value(&token);
        prop_assert_eq!(http::parse_header_value(value.as_bytes()), Ok(Some(token)));
    }
}
