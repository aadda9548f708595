//! Whatever comes, there is an answer or silence.

use std::vec;

use proptest::prelude::*;

use super::*;
use crate::asn1::{AsRep, KrbError, TgsRep};
use crate::der;
use crate::kdc::{MAX_REQUEST, Outcome};

/// Requests of all kinds, as honest clients make them.
fn requests() -> (World, Vec<Vec<u8>>) {
    let mut world = World::new(realm());
    let tgt = world.service_login("svc-mcp");
    let evidence = Arc::new(world.evidence(&tgt, "alice").unwrap());
    let goals = [
        TgsGoal::Service(spn("HTTP/web.example.test")),
        TgsGoal::S4uSelf { user: user("alice"), service: Name::user("svc-mcp") },
        TgsGoal::S4uProxy { evidence, target: spn("HTTP/web.example.test") },
        TgsGoal::UserToUser { service: Name::user("svc-mcp"), service_tgt: tgt.ticket.clone() },
        TgsGoal::Renew,
    ];
    let now = Timestamp::new(NOW, 5);
    let mut cx = Context { now, kdc_offset: 0, rng: &mut TestRng(5) };
    let mut requests: Vec<Vec<u8>> = goals
        .into_iter()
        .map(|goal| TgsExchange::new(tgt.clone(), goal, TicketOptions::default()))
        .map(|mut exchange| exchange.request(&mut cx).unwrap())
        .collect();
    let keytab = world.realm.keytab(world.realm.account("svc-mcp").unwrap());
    let keys = keytab.login_keys(&user("svc-mcp"), crate::crypto::SUPPORTED);
    let secret = ClientSecret::Keys(keys);
    let mut login = AsExchange::new(user("svc-mcp"), secret, TicketOptions::default());
    requests.push(login.request(&mut cx).unwrap());
    (world, requests)
}

/// What is said is a message of the protocol, and the event says the same.
fn check(world: &mut World, request: &[u8]) {
    let reply = world.ask(request);
    match &world.events.last().unwrap().outcome {
        Outcome::Ignored => assert!(reply.is_empty()),
        Outcome::Granted { .. } => {
            let is_as = der::decode::<AsRep<'_>>(&reply).is_ok();
            assert!(is_as || der::decode::<TgsRep<'_>>(&reply).is_ok());
        }
        Outcome::Refused(refusal) => {
            let error: KrbError<'_> = der::decode(&reply).unwrap();
            assert_eq!(error.error_code, refusal.code);
        }
        Outcome::Done => panic!("nothing was asked that ends so"),
    }
}

proptest! {
    #[test]
    fn bytes_are_answered_or_not(bytes in prop::collection::vec(any::<u8>(), 0..300), tag in 0..3) {
        let mut world = World::new(realm());
        let mut request = vec![];
        match tag {
            0 => {}
            1 => request.push(0x6a),
            _ => request.push(0x6c),
        }
        request.extend(bytes);
        check(&mut world, &request);
    }
}

#[test]
fn every_truncation_and_flipped_bit_is_answered_or_not() {
    let (mut world, requests) = requests();
    for request in requests {
        check(&mut world, &request);
        for end in (0..request.len()).step_by(7) {
            check(&mut world, &request[..end]);
        }
        for at in (0..request.len()).step_by(5) {
            let mut flipped = request.clone();
            flipped[at] ^= 1 << (at % 8);
            check(&mut world, &flipped);
        }
    }
}

#[test]
fn a_request_of_any_length_is_answered_up_to_the_longest() {
    let mut world = World::new(realm());
    for (length, code) in [
        (MAX_REQUEST, crate::iana::ErrorCode::GENERIC),
        (MAX_REQUEST + 1, crate::iana::ErrorCode::FIELD_TOOLONG),
    ] {
        let mut request = vec![0; length];
        request[0] = 0x6a;
        world.ask(&request);
        assert_eq!(world.refusal().code, code);
    }
}
