//! S4U2Self: whom a service may name, and what it gets of them.

use std::assert_eq;

use super::raw::RawTgs;
use super::service::verify;
use super::*;
use crate::exchange::open_ticket;
use crate::iana::{ErrorCode, KdcOptions, NtStatus, PaType, TicketFlags};
use crate::kdc::{Asked, Compat};
use crate::pac::{Pac, Sid};
use crate::preauth::for_user;

#[test]
fn a_service_gets_a_ticket_to_itself_in_a_users_name() {
    let mut world = World::new(realm());
    let tgt = world.service_login("svc-mcp");
    let evidence = world.evidence(&tgt, "alice").unwrap();
    assert_eq!(evidence.client, user("alice"));
    assert!(evidence.flags.contains(TicketFlags::FORWARDABLE));
    assert_eq!(verify(&world, &evidence, "svc-mcp"), [1, 10, 12, 6, 7, 16, 19]);
    assert_eq!(evidence.times.authtime, tgt.times.authtime);
    let event = world.events.last().unwrap();
    assert_eq!((event.asked, event.user.clone()), (Asked::S4uSelf, Some(user("alice"))));
    // It says who says so: the service.
    let key = service::key_of(&world, "svc-mcp");
    let (opened, _) = open_ticket(&evidence, |_, _| [key.clone()]).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
    let extra: Vec<Sid> =
        pac.logon_info().unwrap().extra_sids.into_iter().map(|extra| extra.sid).collect();
    assert_eq!(extra, ["S-1-18-2".parse().unwrap()]);
}

/// MS-SFU 3.2.5.1.2: trusted to have seen the user or not, a list of targets or none, a user who may
/// be delegated or not.
#[test]
fn forwardable_by_trust_or_for_want_of_a_list_and_never_for_the_sensitive() {
    for trusted in [true, false] {
        for listed in [true, false] {
            for sensitive in [None, Some("flag"), Some("protected"), Some("group")] {
                let mut world = World::new(realm());
                let service = world.realm.account_mut("svc-mcp").unwrap();
                service.trusted_to_auth_for_delegation = trusted;
                if !listed {
                    service.allowed_to_delegate_to.clear();
                }
                let alice = world.realm.account_mut("alice").unwrap();
                match sensitive {
                    Some("flag") => alice.not_delegated = true,
                    Some("protected") => alice.protected_user = true,
                    Some(_) => alice.groups.push(Account::PROTECTED_USERS),
                    None => {}
                }
                let tgt = world.service_login("svc-mcp");
                let evidence = world.evidence(&tgt, "alice").unwrap();
                assert_eq!(
                    evidence.flags.contains(TicketFlags::FORWARDABLE),
                    (trusted || !listed) && sensitive.is_none(),
                    "trusted {trusted}, listed {listed}, {sensitive:?}"
                );
            }
        }
    }
}

#[test]
fn a_service_names_users_for_itself_only() {
    let mut world = World::new(realm());
    let tgt = world.service_login("svc-mcp");
    for other in [spn("HTTP/web.example.test"), Name::krbtgt(REALM.as_bytes())] {
        let goal = TgsGoal::S4uSelf { user: user("alice"), service: other };
        assert_eq!(refused(world.tgs(&tgt, goal)).code, ErrorCode::BADMATCH);
    }
    // By one of its SPNs, in any case, it is itself.
    let goal = TgsGoal::S4uSelf { user: user("alice"), service: spn("http/MCP.example.test") };
    world.tgs(&tgt, goal).unwrap();
}

#[test]
fn an_account_without_spn_needs_user_to_user() {
    let mut world = World::new(realm().with(Account::user("plain").password(PASSWORD)));
    let tgt = world.login("plain").unwrap();
    let goal = TgsGoal::S4uSelf { user: user("alice"), service: Name::user("plain") };
    let refusal = refused(world.tgs(&tgt, goal));
    assert_eq!(refusal.code, ErrorCode::S_PRINCIPAL_UNKNOWN);
    assert_eq!(refusal.nt_status, Some(NtStatus::USER2USER_REQUIRED));
}

#[test]
fn with_user_to_user_it_gets_a_ticket_under_its_own_session_key() {
    let mut world = World::new(realm().with(Account::user("plain").password(PASSWORD)));
    let tgt = world.login("plain").unwrap();
    let other = world.login("alice").unwrap();
    let mut raw = RawTgs::new(&tgt, Name::user("plain"));
    raw.options = KdcOptions::ENC_TKT_IN_SKEY;
    raw.padata = [(PaType::FOR_USER, for_user(&user("alice"), &tgt.session_key))].into();
    raw.additional = [other.ticket.clone()].into();
    assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::SERVER_NOMATCH);
    raw.additional = [tgt.ticket.clone()].into();
    let ticket = raw.ask(&mut world).unwrap().credential;
    let (opened, _) = open_ticket(&ticket, |_, _| [tgt.session_key.clone()]).unwrap();
    assert_eq!(opened.client, user("alice"));
}

type Change = fn(&mut Account);

#[test]
fn the_state_of_the_user_counts() {
    let cases: [(&str, Change, Option<ErrorCode>); 7] = [
        ("disabled", |it| it.disabled = true, Some(ErrorCode::POLICY)),
        ("locked", |it| it.locked = true, Some(ErrorCode::CLIENT_REVOKED)),
        ("expired", |it| it.expires = Some(time(NOW)), Some(ErrorCode::NAME_EXP)),
        ("about to expire", |it| it.expires = Some(time(NOW + 1)), None),
        ("smart card", |it| it.smartcard_required = true, None),
        ("must change", |it| it.must_change_password = true, None),
        ("no hours", |it| it.logon_hours = Some([0; 21]), None),
    ];
    for (what, change, code) in cases {
        let mut world = World::new(realm());
        change(world.realm.account_mut("alice").unwrap());
        let tgt = world.service_login("svc-mcp");
        match (world.evidence(&tgt, "alice"), code) {
            (Ok(_), None) => {}
            (result, Some(code)) => assert_eq!(refused(result).code, code, "{what}"),
            (Err(error), None) => panic!("{what}: {error}"),
        }
    }
    let mut world = World::new(realm());
    let tgt = world.service_login("svc-mcp");
    assert_eq!(refused(world.evidence(&tgt, "nobody")).code, ErrorCode::C_PRINCIPAL_UNKNOWN);
}

#[test]
fn a_service_that_is_disabled_gets_nothing_with_its_old_ticket() {
    let mut world = World::new(realm());
    let tgt = world.service_login("svc-mcp");
    world.realm.account_mut("svc-mcp").unwrap().disabled = true;
    let refusal = refused(world.evidence(&tgt, "alice"));
    assert_eq!(refusal.code, ErrorCode::CLIENT_REVOKED);
    assert_eq!(refusal.nt_status, Some(NtStatus::ACCOUNT_DISABLED));
}

#[test]
fn the_realm_is_the_users_to_the_letter() {
    for (realm_name, code) in [
        ("example.test", ErrorCode::POLICY),
        ("ELSEWHERE.TEST", ErrorCode::C_PRINCIPAL_UNKNOWN),
        ("", ErrorCode::C_PRINCIPAL_UNKNOWN),
    ] {
        let mut world = World::new(realm());
        let tgt = world.service_login("svc-mcp");
        let user = Principal::new(Name::user("alice"), realm_name);
        let goal = TgsGoal::S4uSelf { user, service: Name::user("svc-mcp") };
        assert_eq!(refused(world.tgs(&tgt, goal)).code, code, "{realm_name}");
    }
    // AD does not tell cases apart, and repeats what was sent.
    let mut world = World::new(realm().compat(Compat::Ad));
    let tgt = world.service_login("svc-mcp");
    let alice = Principal::new(Name::user("alice"), "example.test");
    let goal = TgsGoal::S4uSelf { user: alice.clone(), service: Name::user("svc-mcp") };
    assert_eq!(world.tgs(&tgt, goal).unwrap().client, alice);
}
