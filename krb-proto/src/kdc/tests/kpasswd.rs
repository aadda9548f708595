//! Passwords: who may change whose, and what the client learns of it.

use std::assert_eq;

use super::*;
use crate::asn1::HostAddress;
use crate::crypto::Key;
use crate::iana::{EncType, ErrorCode, KpasswdResult, TicketFlags};
use crate::kdc::{Compat, NewTicket, TicketKeys, change_password};
use crate::kpasswd::{KpasswdError, PasswordChange, PasswordPolicy, Reason};

const HERE: HostAddress<'_> = HostAddress { addr_type: 2, address: &[127, 0, 0, 1] };
const NEW: &str = "battery staple";

/// With bob, who may set passwords, and carol, who may not.
fn world() -> World {
    let user = |name: &str| Account::user(name).password(PASSWORD);
    let bob = user("bob").set(|bob| bob.may_reset_passwords = true);
    World::new(realm().with(bob).with(user("carol")))
}

/// A ticket for changing passwords, got with the password.
fn ticket(world: &mut World, name: &str) -> Result<Arc<Credential>, ExchangeError> {
    let secret = ClientSecret::Password(Zeroizing::new(PASSWORD.into()));
    let exchange = AsExchange::new(user(name), secret, TicketOptions::default());
    world.run(exchange.to_server(PasswordChange::service())).map(Arc::new)
}

fn send(world: &mut World, message: &[u8]) -> Vec<u8> {
    let now = Timestamp::new(world.now, 5);
    let cx = &mut Context { now, kdc_offset: 0, rng: &mut world.rng };
    let reply = change_password(cx, &mut world.realm, message, HERE);
    world.events.push(reply.event);
    reply.message
}

fn request(
    world: &mut World,
    ticket: &Credential,
    target: Option<&str>,
    password: &str,
) -> (PasswordChange, Vec<u8>) {
    let now = Timestamp::new(world.now, 5);
    let cx = &mut Context { now, kdc_offset: 0, rng: &mut world.rng };
    match target {
        None => PasswordChange::change(ticket, password, HERE, cx),
        Some(name) => PasswordChange::set(ticket, &user(name), password, HERE, cx),
    }
    .unwrap()
}

fn change(
    world: &mut World,
    ticket: &Credential,
    target: Option<&str>,
    password: &str,
) -> Result<(), KpasswdError> {
    let (change, message) = request(world, ticket, target, password);
    let reply = send(world, &message);
    change.receive(&reply)
}

/// The result, and whether the server proved itself.
fn kept(outcome: Result<(), KpasswdError>) -> (KpasswdResult, bool) {
    match outcome.unwrap_err() {
        KpasswdError::Refused(refusal) => (refusal.result, refusal.authenticated),
        other => panic!("not a refusal: {other}"),
    }
}

fn logs_in_with(world: &mut World, name: &str, password: &str) -> bool {
    let secret = ClientSecret::Password(Zeroizing::new(password.into()));
    world.login_with(user(name), secret, TicketOptions::default()).is_ok()
}

#[test]
fn an_own_password_is_changed_and_the_keys_get_a_new_version() {
    let mut world = world();
    let before = world.realm.account("alice").unwrap().long_term_keys().current_kvno();
    let ticket = ticket(&mut world, "alice").unwrap();
    assert!(ticket.flags.contains(TicketFlags::INITIAL));
    change(&mut world, &ticket, None, NEW).unwrap();
    assert_eq!(world.events.last().unwrap().outcome, Outcome::Done);
    let keys = world.realm.account("alice").unwrap().long_term_keys();
    assert_eq!(keys.current_kvno(), before.map(|kvno| kvno + 1));
    assert!(logs_in_with(&mut world, "alice", NEW));
    assert!(!logs_in_with(&mut world, "alice", PASSWORD), "and the old one is the wrong one");
    // Set for oneself is the same.
    let mut other = self::world();
    let own = self::ticket(&mut other, "carol").unwrap();
    change(&mut other, &own, Some("carol"), NEW).unwrap();
    assert!(logs_in_with(&mut other, "carol", NEW));
}

#[test]
fn a_password_that_must_be_changed_is_good_for_nothing_else() {
    let mut world = world();
    world.realm.account_mut("alice").unwrap().must_change_password = true;
    assert_eq!(refused(world.login("alice")).code, ErrorCode::KEY_EXPIRED);
    let ticket = ticket(&mut world, "alice").unwrap();
    change(&mut world, &ticket, None, NEW).unwrap();
    assert!(logs_in_with(&mut world, "alice", NEW));
}

#[test]
fn the_passwords_of_others_are_set_by_who_may() {
    let mut world = world();
    let bobs = ticket(&mut world, "bob").unwrap();
    change(&mut world, &bobs, Some("alice"), NEW).unwrap();
    assert!(logs_in_with(&mut world, "alice", NEW));
    let carols = ticket(&mut world, "carol").unwrap();
    let denied = (KpasswdResult::ACCESS_DENIED, true);
    for target in ["alice", "bob", "nobody"] {
        assert_eq!(kept(change(&mut world, &carols, Some(target), NEW)), denied, "{target}");
    }
    assert!(logs_in_with(&mut world, "bob", PASSWORD));
    let unknown = kept(change(&mut world, &bobs, Some("nobody"), NEW));
    assert_eq!(unknown, (KpasswdResult::HARD_ERROR, true));
    // The right is looked at when it is used.
    world.realm.account_mut("bob").unwrap().may_reset_passwords = false;
    assert_eq!(kept(change(&mut world, &bobs, Some("alice"), "again and again")), denied);
    world.realm.account_mut("carol").unwrap().disabled = true;
    assert_eq!(kept(change(&mut world, &carols, None, NEW)), denied);
}

#[test]
fn a_ticket_that_another_ticket_bought_changes_no_password_of_its_own() {
    let mut world = world();
    for name in ["alice", "bob"] {
        let tgt = world.login(name).unwrap();
        let goal = TgsGoal::Service(PasswordChange::service());
        let ticket = world.tgs(&tgt, goal).unwrap();
        let needed = (KpasswdResult::INITIAL_FLAG_NEEDED, true);
        assert_eq!(kept(change(&mut world, &ticket, None, NEW)), needed);
        assert_eq!(kept(change(&mut world, &ticket, Some(name), NEW)), needed);
        if name == "bob" {
            change(&mut world, &ticket, Some("alice"), NEW).unwrap();
        }
    }
}

#[test]
fn a_password_that_is_not_good_enough_is_answered_with_what_it_must_be() {
    let mut world = world();
    let rules = PasswordPolicy {
        min_length: 8,
        history: 2,
        properties: PasswordPolicy::COMPLEX,
        ..PasswordPolicy::default()
    };
    world.realm.policy.passwords = rules;
    let ticket = ticket(&mut world, "alice").unwrap();
    let reason = |outcome: Result<(), KpasswdError>| match outcome.unwrap_err() {
        KpasswdError::Refused(refusal) => {
            assert_eq!(refusal.result, KpasswdResult::SOFT_ERROR);
            refusal.reason
        }
        other => panic!("{other}"),
    };
    let policy = Some(Reason::Policy(rules));
    for weak in ["", "Sh0rt!!", "only small", "Alice0000", "ALICE-9zz"] {
        assert_eq!(reason(change(&mut world, &ticket, None, weak)), policy, "{weak}");
    }
    for good in ["L0nger!!", "No digits!", "n0 capitals", "Überlänge 1"] {
        change(&mut world, &ticket, None, good).unwrap();
    }
    // The last two, of which the present one is one.
    for former in ["Überlänge 1", "n0 capitals"] {
        assert_eq!(reason(change(&mut world, &ticket, None, former)), policy, "{former}");
    }
    change(&mut world, &ticket, None, "No digits!").unwrap();
}

#[test]
fn a_password_is_text_of_a_bounded_length() {
    let mut world = world();
    let ticket = ticket(&mut world, "alice").unwrap();
    let longest = "x".repeat(crate::kpasswd::MAX_PASSWORD);
    change(&mut world, &ticket, None, &longest).unwrap();
    let longer = [&longest, "x"].concat();
    let refused = kept(change(&mut world, &ticket, None, &longer));
    assert_eq!(refused, (KpasswdResult::MALFORMED, true));
}

#[test]
fn other_tickets_than_those_for_changing_passwords_are_refused() {
    let mut world = world();
    let tgt = world.login("alice").unwrap();
    let service = world.tgs(&tgt, TgsGoal::Service(spn("HTTP/web.example.test"))).unwrap();
    // krbtgt has the same key; the name decides.
    for ticket in [&*tgt, &service] {
        let refused = kept(change(&mut world, ticket, None, NEW));
        assert_eq!(refused, (KpasswdResult::AUTH_ERROR, false));
    }
    // Which stands outside of what the key seals (CVE-2022-2031).
    let mut relabelled = (*tgt).clone();
    super::tgt::relabel(&mut relabelled, &PasswordChange::service());
    assert!(relabelled.flags.contains(TicketFlags::INITIAL));
    let refused = kept(change(&mut world, &relabelled, None, NEW));
    assert_eq!(refused, (KpasswdResult::AUTH_ERROR, true));
    let good = ticket(&mut world, "alice").unwrap();
    let session_key = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[1; 32]).unwrap();
    let wrong = Credential { session_key, ..(*good).clone() };
    assert_eq!(kept(change(&mut world, &wrong, None, NEW)), (KpasswdResult::AUTH_ERROR, false));
    world.now += 36_301;
    assert_eq!(kept(change(&mut world, &good, None, NEW)), (KpasswdResult::AUTH_ERROR, false));
    assert!(logs_in_with(&mut world, "alice", PASSWORD));
}

/// CVE-2021-42287, with passwords for prey.
#[test]
fn a_ticket_is_for_the_account_that_it_was_issued_to_and_for_none_of_that_name() {
    let mut world = world();
    let carols = ticket(&mut world, "carol").unwrap();
    world.realm.insert(Account::user("carol").password(PASSWORD).rid(4711));
    let another = (KpasswdResult::AUTH_ERROR, true);
    assert_eq!(kept(change(&mut world, &carols, None, NEW)), another);
    assert!(logs_in_with(&mut world, "carol", PASSWORD));
    // The name of a machine without its dollar, whose owner has another name by now.
    world.realm.insert(Account::user("WEB").password(PASSWORD));
    let webs = ticket(&mut world, "WEB").unwrap();
    let renamed = world.realm.remove("WEB").unwrap().renamed("other");
    world.realm.insert(renamed);
    let before = world.realm.account("WEB$").unwrap().long_term_keys().current_kvno();
    assert_eq!(kept(change(&mut world, &webs, None, NEW)), another);
    let after = world.realm.account("WEB$").unwrap().long_term_keys().current_kvno();
    assert_eq!(before, after);
    // Nor without a PAC that says so.
    let (client, server) = (user("alice"), Principal::new(PasswordChange::service(), REALM));
    let key = world.realm.krbtgt_key().unwrap().clone();
    let bare = NewTicket {
        client: &client,
        server: &server,
        session_key: &key.generate_alike(&mut TestRng(5)),
        flags: TicketFlags::INITIAL,
        times: ticket(&mut world, "alice").unwrap().times,
        transited: &[],
        addresses: &[],
        authorization_data: &[],
        pac: None,
    };
    let keys = TicketKeys { server: &key, kvno: None, krbtgt: &key };
    let bare = bare.issue(&keys, &mut TestRng(6)).unwrap();
    assert_eq!(kept(change(&mut world, &bare, None, NEW)), another);
}

/// A datagram with a forged sender would set two servers talking (CVE-2002-2443).
#[test]
fn an_answer_is_not_answered() {
    let mut world = world();
    let ticket = ticket(&mut world, "alice").unwrap();
    let (_, message) = request(&mut world, &ticket, None, NEW);
    let refusal = send(&mut world, &message[..message.len() - 1]);
    let (_, good) = request(&mut world, &ticket, None, NEW);
    let reply = send(&mut world, &good);
    for answer in [&refusal, &reply, &refusal[6..].to_vec()] {
        assert!(!answer.is_empty());
        assert!(send(&mut world, answer).is_empty());
    }
}

/// Or an older password would come back.
#[test]
fn a_request_is_good_once() {
    let mut world = world();
    let ticket = ticket(&mut world, "alice").unwrap();
    let (first, message) = request(&mut world, &ticket, None, NEW);
    first.receive(&send(&mut world, &message)).unwrap();
    change(&mut world, &ticket, None, "the newest one").unwrap();
    let (_, again) = (0, send(&mut world, &message));
    assert!(!again.is_empty());
    assert!(matches!(world.events.last().unwrap().outcome, Outcome::Refused(_)));
    assert!(logs_in_with(&mut world, "alice", "the newest one"));
}

/// Windows Server 2025: the password is another one, and the client cannot know it.
#[test]
fn a_server_that_says_yes_in_an_error_leaves_the_client_without_an_answer() {
    let mut world = world();
    world.realm.policy = crate::kdc::Policy::new(Compat::Ad2025);
    let ticket = ticket(&mut world, "alice").unwrap();
    let outcome = change(&mut world, &ticket, None, NEW).unwrap_err();
    assert!(matches!(outcome, KpasswdError::Kerberos { .. }), "{outcome}");
    assert!(logs_in_with(&mut world, "alice", NEW), "a login shows it");
    // A refusal is said as everywhere.
    let weak = kept(change(&mut world, &ticket, None, "short"));
    assert_eq!(weak, (KpasswdResult::SOFT_ERROR, true));
}

#[test]
fn garbage_is_answered_as_such_and_changes_nothing() {
    let mut world = world();
    let ticket = ticket(&mut world, "alice").unwrap();
    let (_, message) = request(&mut world, &ticket, None, NEW);
    for end in (0..message.len()).step_by(5) {
        send(&mut world, &message[..end]);
        let mut changed = message.clone();
        changed[end] ^= 0x10;
        send(&mut world, &changed);
    }
    send(&mut world, &[0xff; 70_000]);
    // What was changed were hints, if the password is another one now.
    let changes = world.events.iter().filter(|event| event.outcome == Outcome::Done).count();
    assert!(changes <= 1, "and it is taken once");
}
