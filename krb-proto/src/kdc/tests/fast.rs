//! FAST, and the encrypted challenge inside it.

use std::assert_eq;
use std::vec;

use super::*;
use crate::asn1::{AsRep, AsReq, KdcReqBody, KrbError, PaData};
use crate::crypto::Key;
use crate::der::{self, Encoded, Int, List};
use crate::exchange::{Mismatch, TgsArmor};
use crate::iana::{EncType, ErrorCode, FastOptions, NtStatus, PaType, TicketFlags};
use crate::preauth::fast::{
    ArmorTicket, Challenger, RequestToSeal, ResponsePlaintext, seal_challenge, seal_request,
};
use crate::preauth::{borrow_padata, enc_timestamp, find_padata};

/// Where the client's key alone proves it.
fn challenging() -> Realm {
    #[allow(unused_mut)]
    let mut realm = realm();
    #[cfg(feature = "spake")]
    realm.policy.spake.clear();
    realm
}

fn password(password: &str) -> ClientSecret {
    ClientSecret::Password(Zeroizing::new(password.into()))
}

fn armored(armor: &Arc<Credential>, secret: ClientSecret) -> AsExchange {
    AsExchange::new(user("alice"), secret, TicketOptions::default()).armored(armor.clone())
}

#[test]
fn a_password_logs_in_inside_of_the_armor() {
    let mut world = World::new(challenging());
    let armor = world.service_login("svc-mcp");
    world.events.clear();
    let tgt = world.run(armored(&armor, password(PASSWORD))).unwrap();
    assert_eq!(tgt.client, user("alice"));
    assert!(tgt.flags.contains(TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT));
    assert_eq!(world.events.len(), 2);
    let Outcome::Refused(refusal) = &world.events[0].outcome else { panic!("asked for first") };
    let offered: Vec<_> = refusal.padata.iter().map(|(kind, _)| *kind).collect();
    let expected =
        [PaType::ETYPE_INFO2, PaType::ENCRYPTED_CHALLENGE, PaType::FX_FAST, PaType::FX_COOKIE];
    assert_eq!(offered, expected, "and no timestamp");
}

#[test]
fn a_keytab_logs_in_with_one_request_inside_of_the_armor() {
    let mut world = World::new(challenging());
    let armor = world.service_login("svc-mcp");
    let keytab = world.realm.keytab(world.realm.account("svc-mcp").unwrap());
    let keys = keytab.login_keys(&user("svc-mcp"), crate::crypto::SUPPORTED);
    world.events.clear();
    let exchange =
        AsExchange::new(user("svc-mcp"), ClientSecret::Keys(keys), TicketOptions::default());
    world.run(exchange.armored(armor)).unwrap();
    assert_eq!(world.events.len(), 1);
}

#[test]
fn the_kdc_says_where_nobody_changes_it_that_it_has_fast() {
    let mut world = World::new(challenging());
    let mut exchange = AsExchange::new(user("alice"), password(PASSWORD), TicketOptions::default());
    for _ in 0..2 {
        let now = Timestamp::new(NOW, 5);
        let request =
            exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
        let reply = world.ask(&request);
        let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
        exchange.receive(&cx, &reply).unwrap();
    }
    assert!(exchange.fast_available());
}

#[test]
fn a_wrong_password_is_refused_inside_of_the_armor() {
    let mut world = World::new(challenging());
    let armor = world.service_login("svc-mcp");
    let refusal = refused(world.run(armored(&armor, password("wrong"))));
    assert_eq!(refusal.code, ErrorCode::PREAUTH_FAILED);
    assert_eq!(refusal.nt_status, Some(NtStatus::WRONG_PASSWORD), "and AD's reason with it");
    world.realm.account_mut("alice").unwrap().disabled = true;
    let refusal = refused(world.run(armored(&armor, password(PASSWORD))));
    assert_eq!(refusal.code, ErrorCode::CLIENT_REVOKED);
    assert_eq!(refusal.nt_status, Some(NtStatus::ACCOUNT_DISABLED));
}

#[test]
fn the_client_may_be_hidden_from_who_listens() {
    let mut world = World::new(challenging());
    let armor = world.service_login("svc-mcp");
    let mut exchange = AsExchange::new(user("alice"), password(PASSWORD), TicketOptions::default())
        .armored_hiding_client(armor);
    let now = Timestamp::new(NOW, 5);
    let mut round = |exchange: &mut AsExchange| {
        let cx = &mut Context { now, kdc_offset: 0, rng: &mut world.rng };
        let request = exchange.request(cx).unwrap();
        let reply = world.ask(&request);
        for message in [&request, &reply] {
            assert!(!message.windows(5).any(|octets| octets == b"alice"), "seen outside");
        }
        let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
        (exchange.receive(&cx, &reply).unwrap(), reply)
    };
    round(&mut exchange);
    let (step, reply) = round(&mut exchange);
    let Step::Done(tgt) = step else { panic!("done") };
    assert_eq!(tgt.client, user("alice"));
    let reply: AsRep<'_> = der::decode(&reply).unwrap();
    assert_eq!(reply.cname.in_realm(reply.crealm).realm, b"WELLKNOWN:ANONYMOUS");
}

/// An armored AS-REQ of alice's by hand: armor made with `ticket` at `now`, anything inside.
fn by_hand(
    world: &mut World,
    ticket: &Arc<Credential>,
    inside: impl Fn(&Key, &mut Context<'_>) -> Vec<(PaType, Vec<u8>)>,
) -> (Vec<u8>, Key) {
    let mut exchange = armored(ticket, password(PASSWORD));
    let now = Timestamp::new(NOW, 5);
    let cx = &mut Context { now, kdc_offset: 0, rng: &mut world.rng };
    let request = exchange.request(cx).unwrap();
    let request: AsReq<'_> = der::decode(&request).unwrap();
    let body = request.req_body.der();
    let armor = ArmorTicket::new(ticket.clone(), cx).unwrap();
    let padata = inside(armor.key(), cx);
    let ap_req = armor.ap_request(cx).unwrap();
    let sealed = RequestToSeal {
        armor_key: armor.key(),
        armor: Some(&ap_req),
        bound_to: body,
        options: FastOptions::NONE,
        padata: &borrow_padata(&padata),
        body,
    };
    let sealed = seal_request(&sealed, cx.rng).unwrap();
    let padata = [PaData { padata_type: PaType::FX_FAST, padata_value: &sealed }];
    let message = der::encode(&AsReq {
        pvno: Int,
        msg_type: Int,
        padata: Some(List::of(&padata)),
        req_body: Encoded::from_der(body).unwrap(),
    });
    (message, armor.key().clone())
}

/// The error inside of the armor.
fn inner_error(armor_key: &Key, request: &[u8], reply: &[u8]) -> (ErrorCode, i64) {
    let request: AsReq<'_> = der::decode(request).unwrap();
    let body: &KdcReqBody<'_> = &request.req_body;
    let outer: KrbError<'_> = der::decode(reply).unwrap();
    let opened = ResponsePlaintext::open(armor_key, outer.method_data()).unwrap();
    let (error, _) = opened.error(body.nonce.get()).unwrap();
    (error.error_code, error.stime.unix())
}

fn alices_key(world: &World) -> Key {
    let keys = world.realm.account("alice").unwrap().long_term_keys();
    keys.current(EncType::AES256_CTS_HMAC_SHA1_96).unwrap().clone()
}

/// Decrypted but stale is a matter of the clock and not of the password.
#[test]
fn a_challenge_may_be_as_old_as_the_skew_and_no_second_older() {
    let mut world = World::new(challenging());
    let armor = world.service_login("svc-mcp");
    let key = alices_key(&world);
    for (off, expected) in [
        (-299, None),
        (-300, None),
        (-301, Some(ErrorCode::SKEW)),
        (300, None),
        (301, Some(ErrorCode::SKEW)),
        (100_000, Some(ErrorCode::SKEW)),
    ] {
        let (request, armor_key) = by_hand(&mut world, &armor, |armor_key, cx| {
            let time = Timestamp::new(NOW + off, 0);
            let sealed = seal_challenge(Challenger::Client, armor_key, &key, time, cx.rng);
            vec![(PaType::ENCRYPTED_CHALLENGE, sealed.unwrap())]
        });
        let reply = world.ask(&request);
        match expected {
            None => drop(der::decode::<AsRep<'_>>(&reply).unwrap()),
            Some(code) => {
                let error = inner_error(&armor_key, &request, &reply);
                assert_eq!(error, (code, NOW), "{off}: the client corrects its clock by it");
            }
        }
    }
}

/// A timestamp inside of FAST and a challenge outside of it are not looked at.
#[test]
fn what_has_no_place_there_is_passed_over() {
    let mut world = World::new(challenging());
    let armor = world.service_login("svc-mcp");
    let key = alices_key(&world);
    let (request, armor_key) =
        by_hand(&mut world, &armor, |_, cx| vec![(PaType::ENC_TIMESTAMP, enc_timestamp(&key, cx))]);
    let reply = world.ask(&request);
    let (code, _) = inner_error(&armor_key, &request, &reply);
    assert_eq!(code, ErrorCode::PREAUTH_REQUIRED);

    let outer: AsReq<'_> = der::decode(&request).unwrap();
    let garbage = [PaData { padata_type: PaType::ENCRYPTED_CHALLENGE, padata_value: b"?" }];
    let bare = der::encode(&AsReq { padata: Some(List::of(&garbage)), ..outer });
    let reply = world.ask(&bare);
    let error: KrbError<'_> = der::decode(&reply).unwrap();
    assert_eq!(error.error_code, ErrorCode::PREAUTH_REQUIRED);
    let offered = error.method_data();
    assert!(find_padata(offered, PaType::ENC_TIMESTAMP).is_some());
    assert_eq!(find_padata(offered, PaType::ENCRYPTED_CHALLENGE), None);
    assert!(find_padata(offered, PaType::FX_FAST).is_some(), "FAST is to be had");
}

#[test]
fn only_ticket_granting_tickets_of_the_realm_are_armor() {
    let mut world = World::new(challenging());
    let tgt = world.service_login("svc-mcp");
    let service = world.tgs(&tgt, TgsGoal::Service(spn("HTTP/web.example.test"))).unwrap();
    let as_armor = |ticket: &Credential| {
        let server = Principal::krbtgt(REALM.as_bytes());
        Arc::new(Credential { server, ..ticket.clone() })
    };
    let code = |world: &mut World, armor: &Arc<Credential>| {
        refused(world.run(armored(armor, password(PASSWORD)))).code
    };
    assert_eq!(code(&mut world, &as_armor(&service)), ErrorCode::SERVER_NOMATCH);
    // The right name over another ticket's key.
    let mut other = World::new(challenging());
    other.realm.roll_krbtgt(EncType::AES256_CTS_HMAC_SHA1_96, &mut TestRng(1234)).unwrap();
    let foreign = other.service_login("svc-mcp");
    assert_eq!(code(&mut world, &foreign), ErrorCode::BAD_INTEGRITY);
    // Another session key than the ticket's.
    let session_key = Key::new(tgt.session_key.enctype(), &[1; 32]).unwrap();
    let wrong = Arc::new(Credential { session_key, ..(*tgt).clone() });
    assert_eq!(code(&mut world, &wrong), ErrorCode::BAD_INTEGRITY);
    // Tickets under the old key are armor as long as they are tickets.
    world.realm.roll_krbtgt(EncType::AES256_CTS_HMAC_SHA1_96, &mut TestRng(1)).unwrap();
    world.run(armored(&tgt, password(PASSWORD))).unwrap();
    world.now += 36_301;
    assert_eq!(code(&mut world, &tgt), ErrorCode::TKT_EXPIRED);
}

#[test]
fn tickets_are_asked_for_inside_of_the_armor() {
    let mut world = World::new(challenging());
    let tgt = world.service_login("svc-mcp");
    let host = world.service_login("WEB$");
    let mut ask = |goal: TgsGoal, fast: TgsArmor| {
        let options = TicketOptions { fast, ..TicketOptions::default() };
        world.run(TgsExchange::new(tgt.clone(), goal, options))
    };
    let service = Name::user("svc-mcp");
    for fast in [TgsArmor::Implicit, TgsArmor::Explicit(host)] {
        let web = TgsGoal::Service(spn("HTTP/web.example.test"));
        assert_eq!(ask(web, fast.clone()).unwrap().client, user("svc-mcp"));
        let goal = TgsGoal::S4uSelf { user: user("alice"), service: service.clone() };
        let evidence = Arc::new(ask(goal, fast.clone()).unwrap());
        assert_eq!(evidence.client, user("alice"));
        let goal = TgsGoal::S4uProxy { evidence, target: spn("HTTP/web.example.test") };
        assert_eq!(ask(goal, fast.clone()).unwrap().client, user("alice"));
        let unknown = ask(TgsGoal::Service(spn("HTTP/nowhere.test")), fast);
        assert_eq!(refused(unknown).code, ErrorCode::S_PRINCIPAL_UNKNOWN);
    }
}

#[test]
fn a_reply_without_its_armor_is_none() {
    let mut world = World::new(challenging());
    let armor = world.service_login("svc-mcp");
    let mut exchange = armored(&armor, password(PASSWORD));
    let now = Timestamp::new(NOW, 5);
    let request =
        exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
    let reply = world.ask(&request);
    let error: KrbError<'_> = der::decode(&reply).unwrap();
    assert_eq!(error.method_data().iter().count(), 1, "all else stands inside");
    let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
    exchange.receive(&cx, &reply).unwrap();
    let request =
        exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
    let reply = world.ask(&request);
    let rep: AsRep<'_> = der::decode(&reply).unwrap();
    let bare = der::encode(&AsRep { padata: None, ..rep });
    let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
    let refused = exchange.receive(&cx, &bare).unwrap_err();
    assert!(matches!(refused, ExchangeError::Mismatch(Mismatch::Fast(_))), "{refused}");
}
