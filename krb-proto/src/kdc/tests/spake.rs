//! SPAKE: the KDC keeps nothing between challenge and response, and what the client brings back is
//! its own and fresh, or nothing.

use std::assert_eq;

use super::*;
use crate::asn1::{AsRep, AsReq, EncryptedData, KrbError, PaData};
use crate::der::{self, List};
use crate::iana::{EncType, ErrorCode, NtStatus, PaType, TicketFlags};
use crate::kdc::preauth::cookie::{LIFETIME, MAX_COOKIE};
use crate::preauth::find_padata;
use crate::preauth::spake::{SpakeError, SpakeGroup};

fn password(password: &str) -> ClientSecret {
    ClientSecret::Password(Zeroizing::new(password.into()))
}

fn login(client: &str, secret: ClientSecret) -> AsExchange {
    AsExchange::new(user(client), secret, TicketOptions::default())
}

fn codes(world: &World) -> Vec<Option<ErrorCode>> {
    let code = |event: &Event| match &event.outcome {
        Outcome::Refused(refusal) => Some(refusal.code),
        _ => None,
    };
    world.events.iter().map(code).collect()
}

const ROUNDS: [Option<ErrorCode>; 3] =
    [Some(ErrorCode::PREAUTH_REQUIRED), Some(ErrorCode::MORE_PREAUTH_DATA_REQUIRED), None];

#[test]
fn a_password_logs_in_by_spake_in_every_group() {
    for group in SpakeGroup::ALL {
        let mut world = World::new(realm());
        world.realm.policy.spake = [group].to_vec();
        let tgt = world.run(login("alice", password(PASSWORD))).unwrap();
        assert!(tgt.flags.contains(TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT));
        assert_eq!(codes(&world), ROUNDS, "{group:?}");
    }
}

#[test]
fn it_is_done_inside_of_fast_too() {
    let mut world = World::new(realm());
    let armor = world.service_login("svc-mcp");
    world.events.clear();
    let tgt = world.run(login("alice", password(PASSWORD)).armored(armor)).unwrap();
    assert_eq!(tgt.client, user("alice"));
    assert_eq!(codes(&world), ROUNDS);
}

#[test]
fn a_wrong_password_is_refused_as_one() {
    let mut world = World::new(realm());
    let refusal = refused(world.run(login("alice", password("wrong"))));
    assert_eq!(refusal.code, ErrorCode::PREAUTH_FAILED);
    assert_eq!(refusal.nt_status, Some(NtStatus::WRONG_PASSWORD));
    assert_eq!(codes(&world)[2], Some(ErrorCode::PREAUTH_FAILED), "after the challenge only");
}

#[test]
fn a_realm_without_groups_does_not_offer_it() {
    let mut world = World::new(realm());
    world.realm.policy.spake.clear();
    world.run(login("alice", password(PASSWORD))).unwrap();
    assert_eq!(codes(&world), [Some(ErrorCode::PREAUTH_REQUIRED), None], "by timestamp");
}

/// Up to the response, which is not sent.
fn response_of(world: &mut World, client: &str, secret: ClientSecret) -> (AsExchange, Vec<u8>) {
    let mut exchange = login(client, secret);
    let now = Timestamp::new(world.now, 5);
    for _ in 0..2 {
        let request =
            exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
        let reply = world.ask(&request);
        let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
        exchange.receive(&cx, &reply).unwrap();
    }
    let request =
        exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
    (exchange, request)
}

fn cookie_of(request: &[u8]) -> Vec<u8> {
    let request: AsReq<'_> = der::decode(request).unwrap();
    find_padata(request.padata.unwrap(), PaType::FX_COOKIE).unwrap().to_vec()
}

/// The same request with another cookie, or none.
fn with_cookie(request: &[u8], cookie: Option<&[u8]>) -> Vec<u8> {
    let request: AsReq<'_> = der::decode(request).unwrap();
    let padata = request.padata.unwrap();
    let mut list: Vec<PaData<'_>> =
        padata.iter().filter(|pa| pa.padata_type != PaType::FX_COOKIE).collect();
    list.extend(cookie.map(|it| PaData { padata_type: PaType::FX_COOKIE, padata_value: it }));
    der::encode(&AsReq { padata: Some(List::of(&list)), ..request })
}

/// The code that is answered; `None` for a ticket.
fn answered(world: &mut World, request: &[u8]) -> Option<ErrorCode> {
    let reply = world.ask(request);
    match der::decode::<KrbError<'_>>(&reply) {
        Ok(error) => Some(error.error_code),
        Err(_) => {
            der::decode::<AsRep<'_>>(&reply).unwrap();
            None
        }
    }
}

#[test]
fn no_cookie_but_its_own_goes_with_a_response() {
    let mut world = World::new(realm().with(Account::user("bob").password(PASSWORD)));
    let (_, request) = response_of(&mut world, "alice", password(PASSWORD));
    let cookie = cookie_of(&request);
    assert_eq!(answered(&mut world, &request), None);
    let failed = Some(ErrorCode::PREAUTH_FAILED);
    assert_eq!(answered(&mut world, &with_cookie(&request, None)), failed);
    for octet in 0..cookie.len() {
        let mut changed = cookie.clone();
        changed[octet] ^= 1 << (octet % 8);
        let outcome = answered(&mut world, &with_cookie(&request, Some(&changed)));
        // Which version of its key it is sealed with is a hint.
        let sealed =
            |cookie| der::decode(cookie).map(|it: EncryptedData<'_>| (it.etype, it.cipher));
        let same = sealed(&changed) == sealed(&cookie);
        assert!(outcome == failed || same, "octet {octet}: {outcome:?}");
        let cut = answered(&mut world, &with_cookie(&request, Some(&cookie[..octet])));
        assert_eq!(cut, failed, "{octet} octets");
    }
    let (_, bobs) = response_of(&mut world, "bob", password(PASSWORD));
    let (_, another) = response_of(&mut world, "alice", password(PASSWORD));
    for other in [cookie_of(&bobs), cookie_of(&another), std::vec![0; MAX_COOKIE + 1]] {
        assert_eq!(answered(&mut world, &with_cookie(&request, Some(&other))), failed);
    }
    assert_eq!(answered(&mut world, &with_cookie(&bobs, Some(&cookie))), failed);
}

#[test]
fn a_cookie_is_good_for_ten_minutes() {
    for (later, expected) in
        [(LIFETIME, None), (LIFETIME + 1, Some(ErrorCode::PREAUTH_EXPIRED)), (-LIFETIME, None)]
    {
        let mut world = World::new(realm());
        let (_, request) = response_of(&mut world, "alice", password(PASSWORD));
        world.now += later;
        assert_eq!(answered(&mut world, &request), expected, "{later}");
    }
}

#[test]
fn another_kdc_of_the_realm_goes_on_also_after_krbtgts_key_was_changed() {
    let mut world = World::new(realm());
    let (_, request) = response_of(&mut world, "alice", password(PASSWORD));
    world.realm.roll_krbtgt(EncType::AES256_CTS_HMAC_SHA1_96, &mut TestRng(5)).unwrap();
    assert_eq!(answered(&mut world, &request), None);
    // A realm of the same name with other keys is another one.
    let (_, request) = response_of(&mut world, "alice", password(PASSWORD));
    world.realm =
        Realm::new(REALM, &mut TestRng(99)).with(Account::user("alice").password(PASSWORD));
    assert_eq!(answered(&mut world, &request), Some(ErrorCode::PREAUTH_FAILED));
}

/// Who repeats a request gets a reply that only who made the request can read: nothing is gained.
#[test]
fn a_response_that_comes_again_is_answered_for_the_same_client_only() {
    let mut world = World::new(realm());
    let (mut exchange, request) = response_of(&mut world, "alice", password(PASSWORD));
    let first = world.ask(&request);
    let again = world.ask(&request);
    assert_ne!(first, again);
    let now = Timestamp::new(NOW, 5);
    let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
    assert!(matches!(exchange.receive(&cx, &again), Ok(Step::Done(_))));
    // Under another body it is nothing: the key is bound to it.
    let (_, other) = response_of(&mut world, "alice", password(PASSWORD));
    let (one, two): (AsReq<'_>, AsReq<'_>) =
        (der::decode(&request).unwrap(), der::decode(&other).unwrap());
    let mixed = der::encode(&AsReq { req_body: two.req_body, ..one });
    assert_eq!(answered(&mut world, &mixed), Some(ErrorCode::PREAUTH_FAILED));
}

/// Two KDCs of one realm, of which only one knows SPAKE: after its proof the client sends no other.
#[test]
fn a_client_that_proved_itself_so_does_not_turn_to_something_weaker() {
    let mut world = World::new(realm());
    let (mut exchange, request) = response_of(&mut world, "alice", password(PASSWORD));
    world.realm.policy.spake.clear();
    let reply = world.ask(&request);
    assert_eq!(codes(&world)[2], Some(ErrorCode::PREAUTH_REQUIRED));
    let now = Timestamp::new(NOW, 5);
    let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
    let refused = exchange.receive(&cx, &reply).unwrap_err();
    assert_eq!(refused, ExchangeError::Spake(SpakeError::Abandoned));
}

#[test]
fn a_password_that_is_changed_in_the_middle_is_the_one_that_counts() {
    let mut world = World::new(realm());
    let (_, request) = response_of(&mut world, "alice", password(PASSWORD));
    world.realm.set_password("alice", "another horse");
    assert_eq!(answered(&mut world, &request), Some(ErrorCode::PREAUTH_FAILED));
}

/// Somebody who looked for the password for a quarter of an hour.
#[test]
fn a_challenge_that_is_too_old_is_asked_for_again() {
    let mut world = World::new(realm());
    let (mut exchange, request) = response_of(&mut world, "alice", password(PASSWORD));
    world.now += 900;
    let reply = world.ask(&request);
    let now = Timestamp::new(world.now, 5);
    let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
    assert!(matches!(exchange.receive(&cx, &reply), Ok(Step::Continue)));
    world.events.clear();
    world.run(exchange).unwrap();
    assert_eq!(codes(&world), ROUNDS[1..], "another challenge, and the answer to it");
    // But nothing weaker, and not for ever.
    let (mut exchange, request) = response_of(&mut world, "alice", password(PASSWORD));
    world.now += 900;
    let reply = world.ask(&request);
    world.realm.policy.spake.clear();
    let now = Timestamp::new(world.now, 5);
    let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
    assert!(matches!(exchange.receive(&cx, &reply), Ok(Step::Continue)));
    let refused = world.run(exchange).unwrap_err();
    assert_eq!(refused, ExchangeError::Spake(SpakeError::Abandoned));
}
