//! One-time passwords (RFC 6560), with our client.

use std::assert_eq;

use super::*;
use crate::iana::{ErrorCode, PaType, TicketFlags};
use crate::preauth::OneTimePassword;

fn world() -> World {
    let mut realm = realm();
    let alice = realm.remove("alice").unwrap().one_time_password("755224");
    realm.insert(alice);
    World::new(realm)
}

fn shown(value: &str) -> ClientSecret {
    let value = Zeroizing::new(value.as_bytes().to_vec());
    ClientSecret::OneTimePassword(OneTimePassword { value, pin: None })
}

fn login(
    world: &mut World,
    secret: ClientSecret,
    armor: Option<&Arc<Credential>>,
) -> Result<Credential, ExchangeError> {
    let mut exchange = AsExchange::new(user("alice"), secret, TicketOptions::default());
    if let Some(armor) = armor {
        exchange = exchange.armored(armor.clone());
    }
    world.run(exchange)
}

#[test]
fn what_the_token_shows_logs_in_and_nothing_else_does() {
    let mut world = world();
    let armor = world.service_login("svc-mcp");
    let tgt = login(&mut world, shown("755224"), Some(&armor)).unwrap();
    assert_eq!(tgt.client, user("alice"));
    assert!(tgt.flags.contains(TicketFlags::PRE_AUTHENT | TicketFlags::INITIAL));
    for wrong in ["755225", "75522", "7552244", ""] {
        let refused = refused(login(&mut world, shown(wrong), Some(&armor)));
        assert_eq!(refused.code, ErrorCode::PREAUTH_FAILED, "{wrong}");
    }
    // Neither without armor, nor the password in its place, in armor or not.
    for (secret, armor) in [(shown("755224"), None), (password(), None), (password(), Some(&armor))]
    {
        login(&mut world, secret, armor).unwrap_err();
    }
    // Nor who proves nothing, where nothing else would be asked for.
    world.realm.account_mut("alice").unwrap().no_preauth = true;
    login(&mut world, password(), None).unwrap_err();
    world.realm.account_mut("alice").unwrap().no_preauth = false;
    // And who has no token is asked for none.
    let tgt = world.service_login("svc-mcp");
    assert_eq!(tgt.client, user("svc-mcp"));
    world.realm.account_mut("alice").unwrap().smartcard_required = true;
    let refused = refused(login(&mut world, shown("755224"), Some(&armor)));
    assert_eq!(refused.code, ErrorCode::POLICY);
}

#[test]
fn a_pin_that_is_wanted_is_asked_for_and_must_be_right() {
    let mut world = world();
    let alice = world.realm.remove("alice").unwrap().one_time_pin("0000");
    world.realm.insert(alice);
    let armor = world.service_login("svc-mcp");
    let with_pin = |value: &str, pin: &str| {
        let octets = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        let (value, pin) = (octets(value), Some(octets(pin)));
        ClientSecret::OneTimePassword(OneTimePassword { value, pin })
    };
    let tgt = login(&mut world, with_pin("755224", "0000"), Some(&armor)).unwrap();
    assert_eq!(tgt.client, user("alice"));
    for (value, pin) in [("755224", "0001"), ("755225", "0000"), ("755224", ""), ("0000755224", "")]
    {
        let refused = refused(login(&mut world, with_pin(value, pin), Some(&armor)));
        assert_eq!(refused.code, ErrorCode::PREAUTH_FAILED, "{value} {pin}");
    }
    let without = login(&mut world, shown("755224"), Some(&armor));
    assert_eq!(without.unwrap_err(), ExchangeError::PinWanted);
}

/// Nothing is kept between the two requests, so what comes back must prove itself.
#[test]
fn a_challenge_is_the_kdcs_own_for_the_account_and_for_a_while() {
    let begin = |world: &mut World, armor: &Arc<Credential>, name: &str| {
        let exchange = AsExchange::new(user(name), shown("755224"), TicketOptions::default());
        let mut exchange = exchange.armored(armor.clone());
        let now = Timestamp::new(world.now, 5);
        let request =
            exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
        let reply = world.ask(&request);
        let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
        assert!(matches!(exchange.receive(&cx, &reply), Ok(Step::Continue)));
        exchange
    };
    let finish = |world: &mut World, mut exchange: AsExchange| {
        let now = Timestamp::new(world.now, 5);
        let request =
            exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
        let reply = world.ask(&request);
        let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
        exchange.receive(&cx, &reply).map(drop)
    };
    let code = |outcome: Result<(), ExchangeError>| outcome.map_err(|e| refused::<()>(Err(e)).code);
    for (after, expected) in [(300, Ok(())), (301, Err(ErrorCode::PREAUTH_EXPIRED))] {
        let mut world = world();
        let armor = world.service_login("svc-mcp");
        let begun = begin(&mut world, &armor, "alice");
        world.now += after;
        assert_eq!(code(finish(&mut world, begun)), expected, "{after}");
    }
    // Another KDC's, whose krbtgt has another key.
    let mut one = world();
    let armor = one.service_login("svc-mcp");
    let begun = begin(&mut one, &armor, "alice");
    let hints = one.events.last().map(|event| event.outcome.clone());
    let Some(Outcome::Refused(hints)) = hints else { panic!("a challenge") };
    let offered = |kind| hints.padata.iter().any(|(found, _)| *found == kind);
    assert!(offered(PaType::OTP_CHALLENGE));
    assert!(!offered(PaType::ENCRYPTED_CHALLENGE) && !offered(PaType::ENC_TIMESTAMP));
    // The account was made anew meanwhile: it is another one's.
    let alice = one.realm.remove("alice").unwrap().rid(4711);
    one.realm.insert(alice);
    assert_eq!(code(finish(&mut one, begun)), Err(ErrorCode::PREAUTH_FAILED));
}
