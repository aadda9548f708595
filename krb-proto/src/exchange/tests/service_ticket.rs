//! The plain TGS exchange, alone and behind an AS exchange.

use super::*;
use crate::exchange::Login;

fn exchange() -> TgsExchange {
    TgsExchange::new(tgt(), TgsGoal::Service(target()), TicketOptions::default())
}

#[test]
fn the_ticket_is_the_tgts_clients() {
    let mut rng = Counter(5);
    let mut exchange = exchange();
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (answer, sent, body) = answer_tgs(&request, service());
    assert_eq!(sent.len(), 1, "nothing beside the AP-REQ");
    let body: KdcReqBody<'_> = der::decode(&body).unwrap();
    assert!(body.additional_tickets.is_none());
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep())).unwrap();
    let Step::Done(credential) = step else { panic!("one round trip is enough") };
    assert_eq!((credential.client, credential.server.name), (service(), target()));
}

#[test]
fn user_to_user_sends_the_services_tgt() {
    let mut rng = Counter(5);
    let service_tgt = tgt_answer().ticket();
    let goal = TgsGoal::UserToUser { service: target(), service_tgt: service_tgt.clone() };
    let mut exchange = TgsExchange::new(tgt(), goal, TicketOptions::default());
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (answer, _, body) = answer_tgs(&request, service());
    let body: KdcReqBody<'_> = der::decode(&body).unwrap();
    assert!(KdcOptions(body.kdc_options.bits()).contains(KdcOptions::ENC_TKT_IN_SKEY));
    let tickets: Vec<_> = body.additional_tickets.unwrap().iter().map(|t| t.der()).collect();
    assert_eq!(tickets, [&service_tgt[..]]);
    assert!(with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep())).is_ok());
}

/// What comes of a reply that differs so from the honest one.
fn changed(change: impl Fn(&mut Answer)) -> Result<(), ExchangeError> {
    let mut rng = Counter(5);
    let mut exchange = exchange();
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (mut answer, ..) = answer_tgs(&request, service());
    change(&mut answer);
    with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep())).map(|_| ())
}

#[test]
fn a_referral_and_a_ticket_of_somebody_else_are_refused() {
    assert_eq!(changed(|_| ()), Ok(()));
    let referral = changed(|answer| answer.server.name = Name::krbtgt(b"ELSEWHERE.NET"));
    assert!(matches!(referral, Err(ExchangeError::Mismatch(Mismatch::Server { .. }))));
    let other = changed(|answer| answer.outer_client = Some(alice()));
    assert!(matches!(other, Err(ExchangeError::Mismatch(Mismatch::Client { .. }))), "{other:?}");
    let replayed = changed(|answer| answer.nonce ^= 1);
    assert_eq!(replayed, Err(ExchangeError::Mismatch(Mismatch::Nonce)));
}

#[test]
fn a_login_is_an_as_exchange_and_then_a_tgs_exchange() {
    let mut rng = Counter(5);
    let secret = ClientSecret::Keys(vec![service_key()]);
    let tgt = AsExchange::new(service(), secret, TicketOptions::default());
    let mut exchange = Login::new(tgt, target(), TicketOptions::default());
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let mut answer = as_answer(&request, service_key());
    answer.session_key = super::tgt().session_key.clone();
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).unwrap();
    assert!(matches!(step, Step::Continue));
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (answer, ..) = answer_tgs(&request, service());
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep())).unwrap();
    let Step::Done(credential) = step else { panic!("two round trips are enough") };
    assert_eq!(credential.server.name, target());
}
