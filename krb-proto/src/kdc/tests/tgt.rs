//! What a ticket-granting ticket is good for beside tickets: renewal, forwarding, user-to-user.

use std::assert_eq;

use super::raw::RawTgs;
use super::*;
use crate::iana::{ErrorCode, KdcOptions, PaType, TicketFlags};
use crate::preauth::for_user;

fn renewable(lifetime: i64, renewable: i64) -> TicketOptions {
    TicketOptions { lifetime, renewable: Some(renewable), ..TicketOptions::default() }
}

#[test]
fn a_renewable_ticket_is_renewed_until_its_last_day() {
    let mut world = World::new(realm());
    let tgt = world.login_with(user("alice"), password(), renewable(3600, 9000)).unwrap();
    assert_eq!(tgt.times.renew_till, Some(time(NOW + 9000)));
    world.now += 3000;
    let second = Arc::new(world.tgs(&tgt, TgsGoal::Renew).unwrap());
    assert_eq!(second.times.endtime, time(world.now + 3600));
    assert_eq!(second.times.authtime, time(NOW), "it is the same logon");
    assert!(!second.flags.contains(TicketFlags::INITIAL));
    world.now += 3000;
    let third = Arc::new(world.tgs(&second, TgsGoal::Renew).unwrap());
    assert_eq!(third.times.endtime, time(NOW + 9000), "no longer than that");
    // Its PAC is as good as the first one's.
    world.tgs(&third, TgsGoal::Service(spn("HTTP/web.example.test"))).unwrap();
    world.now = NOW + 9000;
    assert_eq!(refused(world.tgs(&third, TgsGoal::Renew)).code, ErrorCode::TKT_EXPIRED);
}

#[test]
fn what_is_not_renewable_is_not_renewed() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    assert_eq!(refused(world.tgs(&tgt, TgsGoal::Renew)).code, ErrorCode::BADOPTION);
    let tgt = world.login_with(user("alice"), password(), renewable(3600, 9000)).unwrap();
    world.realm.account_mut("alice").unwrap().disabled = true;
    assert_eq!(refused(world.tgs(&tgt, TgsGoal::Renew)).code, ErrorCode::CLIENT_REVOKED);
}

#[test]
fn renewable_ok_helps_only_where_the_life_was_cut() {
    let mut world = World::new(realm());
    let ok = |lifetime| TicketOptions { lifetime, renewable_ok: true, ..TicketOptions::default() };
    let tgt = world.login_with(user("alice"), password(), ok(36_000)).unwrap();
    assert_eq!(tgt.times.renew_till, None);
    let tgt = world.login_with(user("alice"), password(), ok(50_000)).unwrap();
    assert_eq!(tgt.times.endtime, time(NOW + 36_000));
    assert_eq!(tgt.times.renew_till, Some(time(NOW + 50_000)));
}

#[test]
fn protected_users_have_four_hours_and_nothing_to_forward() {
    let mut world = World::new(realm());
    world.realm.account_mut("alice").unwrap().protected_user = true;
    let tgt = world.login_with(user("alice"), password(), renewable(36_000, 600_000)).unwrap();
    assert_eq!(tgt.times.endtime, time(NOW + 14_400));
    assert_eq!(tgt.times.renew_till, Some(time(NOW + 14_400)));
    assert!(!tgt.flags.contains(TicketFlags::FORWARDABLE));
    assert_eq!(refused(world.tgs(&tgt, TgsGoal::Forward)).code, ErrorCode::BADOPTION);
}

fn from(seconds: i64) -> TicketOptions {
    TicketOptions { start: Some(time(NOW + seconds)), lifetime: 1000, ..TicketOptions::default() }
}

#[test]
fn a_postdated_ticket_is_good_once_its_time_has_come_and_it_was_validated() {
    let mut world = World::new(realm());
    let renewable = TicketOptions { renewable: Some(9000), ..from(3600) };
    let tgt = world.login_with(user("alice"), password(), renewable).unwrap();
    assert!(
        tgt.flags.contains(TicketFlags::POSTDATED | TicketFlags::INVALID | TicketFlags::INITIAL)
    );
    let times = tgt.times;
    assert_eq!((times.authtime, times.starttime), (time(NOW), time(NOW + 3600)));
    assert_eq!((times.endtime, times.renew_till), (time(NOW + 4600), Some(time(NOW + 12_600))));
    let web = || TgsGoal::Service(spn("HTTP/web.example.test"));
    let code = |world: &mut World, goal| refused(world.tgs(&tgt, goal)).code;
    assert_eq!(code(&mut world, web()), ErrorCode::TKT_NYV);
    assert_eq!(code(&mut world, TgsGoal::Validate), ErrorCode::TKT_NYV);
    // Not a second too early, whatever skew there is elsewhere.
    world.now += 3599;
    assert_eq!(code(&mut world, TgsGoal::Validate), ErrorCode::TKT_NYV);
    world.now += 1;
    for goal in [web(), TgsGoal::Forward, TgsGoal::Renew] {
        assert_eq!(code(&mut world, goal), ErrorCode::TKT_NYV, "it was not validated");
    }
    let valid = Arc::new(world.tgs(&tgt, TgsGoal::Validate).unwrap());
    assert_eq!(valid.times, times);
    assert!(valid.flags.contains(TicketFlags::POSTDATED));
    for gone in [TicketFlags::INVALID, TicketFlags::INITIAL] {
        assert!(!valid.flags.contains(gone), "{:?}", valid.flags);
    }
    world.tgs(&valid, web()).unwrap();
    assert_eq!(refused(world.tgs(&valid, TgsGoal::Validate)).code, ErrorCode::BADOPTION);
    world.tgs(&valid, TgsGoal::Renew).unwrap();
    world.now += 1000;
    assert_eq!(code(&mut world, TgsGoal::Validate), ErrorCode::TKT_EXPIRED);
    // And whoever's it is must still be there.
    world.now = NOW + 3600;
    world.realm.account_mut("alice").unwrap().disabled = true;
    assert_eq!(code(&mut world, TgsGoal::Validate), ErrorCode::CLIENT_REVOKED);
}

#[test]
fn what_may_be_postdated_and_what_not() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let may = TicketOptions { allow_postdate: true, ..TicketOptions::default() };
    let postdatable = world.login_with(user("alice"), password(), may.clone()).unwrap();
    assert!(postdatable.flags.contains(TicketFlags::MAY_POSTDATE));
    let forward = |tgt: &Arc<Credential>, options| {
        TgsExchange::new(
            tgt.clone(),
            TgsGoal::Forward,
            TicketOptions { forwardable: true, ..options },
        )
    };
    let later = world.run(forward(&postdatable, from(600))).unwrap();
    assert!(later.flags.contains(TicketFlags::INVALID));
    assert_eq!(later.times.starttime, time(NOW + 600));
    assert_eq!(refused(world.run(forward(&tgt, from(600)))).code, ErrorCode::BADOPTION);
    let without = world.run(forward(&tgt, may.clone())).unwrap();
    assert!(!without.flags.contains(TicketFlags::MAY_POSTDATE));
    // Nobody could validate a service's.
    let web = TgsGoal::Service(spn("HTTP/web.example.test"));
    let service = TgsExchange::new(postdatable, web, from(600));
    assert_eq!(refused(world.run(service)).code, ErrorCode::BADOPTION);
    let past = refused(world.login_with(user("alice"), password(), from(-301)));
    assert_eq!(past.code, ErrorCode::CANNOT_POSTDATE);
    world.login_with(user("alice"), password(), from(-300)).unwrap();
    let latest = world.realm.policy.lifetimes.renewable;
    world.login_with(user("alice"), password(), from(latest)).unwrap();
    let far = refused(world.login_with(user("alice"), password(), from(latest + 1)));
    assert_eq!(far.code, ErrorCode::CANNOT_POSTDATE);
    world.realm.account_mut("alice").unwrap().protected_user = true;
    let protected = refused(world.login_with(user("alice"), password(), from(600)));
    assert_eq!(protected.code, ErrorCode::CANNOT_POSTDATE);
}

#[test]
fn forwarding_and_proxies_need_tickets_that_allow_them() {
    let mut world = World::new(realm());
    let proxiable = TicketOptions { proxiable: true, ..TicketOptions::default() };
    let tgt = world.login_with(user("alice"), password(), proxiable).unwrap();
    let address = core::net::IpAddr::from([192, 0, 2, 7]);
    let elsewhere = || TicketOptions { addresses: [address.into()].into(), ..Default::default() };
    let forwarded =
        world.run(TgsExchange::new(tgt.clone(), TgsGoal::Forward, elsewhere())).unwrap();
    assert!(forwarded.flags.contains(TicketFlags::FORWARDED));
    let web = || spn("HTTP/web.example.test");
    let proxy = TgsExchange::new(tgt, TgsGoal::Proxy(web()), elsewhere());
    assert!(world.run(proxy).unwrap().flags.contains(TicketFlags::PROXY));

    let neither = TicketOptions { forwardable: false, ..TicketOptions::default() };
    let tgt = world.login_with(user("alice"), password(), neither).unwrap();
    for goal in [TgsGoal::Forward, TgsGoal::Proxy(web())] {
        assert_eq!(refused(world.tgs(&tgt, goal)).code, ErrorCode::BADOPTION);
    }
}

#[test]
fn only_what_is_renewable_and_only_the_ticket_itself_is_renewed() {
    let mut world = World::new(realm());
    let krbtgt = Name::krbtgt(REALM.as_bytes());
    let renewable = world.login_with(user("alice"), password(), renewable(3600, 7200)).unwrap();
    let plain = world.login("alice").unwrap();
    for (tgt, service, taken) in [
        (&renewable, krbtgt.clone(), true),
        (&renewable, spn("HTTP/web.example.test"), false),
        (&plain, krbtgt, false),
    ] {
        let raw = RawTgs { options: KdcOptions::RENEW, ..RawTgs::new(tgt, service.clone()) };
        let answer = raw.ask(&mut world).map(|_| ());
        let expected = if taken { Ok(()) } else { Err(ErrorCode::BADOPTION) };
        assert_eq!(answer, expected, "{service}");
    }
}

#[test]
fn the_kdc_is_not_reached_by_proxies_nor_asked_for_another_realms_services() {
    let mut world = World::new(realm());
    let options = TicketOptions { proxiable: true, forwardable: true, ..TicketOptions::default() };
    let tgt = world.login_with(user("alice"), password(), options.clone()).unwrap();
    assert!(tgt.flags.contains(TicketFlags::PROXIABLE));
    let krbtgt = Name::krbtgt(REALM.as_bytes());
    let raw = RawTgs { options: KdcOptions::PROXY, ..RawTgs::new(&tgt, krbtgt) };
    assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::BADOPTION);
    let web = spn("HTTP/web.example.test");
    let raw = RawTgs { realm: "OTHER.TEST", ..RawTgs::new(&tgt, web) };
    assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::S_PRINCIPAL_UNKNOWN);
    // Who may not be delegated has nothing to proxy either (MS-KILE 3.3.5.1).
    world.realm.account_mut("alice").unwrap().not_delegated = true;
    let tgt = world.login_with(user("alice"), password(), options).unwrap();
    for flag in [TicketFlags::PROXIABLE, TicketFlags::FORWARDABLE] {
        assert!(!tgt.flags.contains(flag), "{flag}");
    }
}

/// Who may not forward a ticket does not get it for other addresses by asking for something else.
#[test]
fn addresses_stay_where_they_were() {
    let mut world = World::new(realm());
    let here = core::net::IpAddr::from([192, 0, 2, 1]);
    let options = TicketOptions { addresses: [here.into()].into(), ..TicketOptions::default() };
    world.realm.account_mut("svc-mcp").unwrap().not_delegated = true;
    let keytab = world.realm.keytab(world.realm.account("svc-mcp").unwrap());
    let keys = keytab.login_keys(&user("svc-mcp"), crate::crypto::SUPPORTED);
    let tgt = world.login_with(user("svc-mcp"), ClientSecret::Keys(keys), options).unwrap();
    let web = spn("HTTP/web.example.test");
    let plain = RawTgs::new(&tgt, web.clone()).ask(&mut world).unwrap();
    assert_eq!(plain.addresses, [(2, [192, 0, 2, 1].into())]);
    for (option, service) in [
        (KdcOptions::FORWARDED, web.clone()),
        (KdcOptions::PROXY, web),
        (KdcOptions::FORWARDED, Name::krbtgt(REALM.as_bytes())),
    ] {
        let raw = RawTgs { options: option, ..RawTgs::new(&tgt, service) };
        assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::BADOPTION, "{option}");
    }
    let mut raw = RawTgs::new(&tgt, Name::user("svc-mcp"));
    raw.options = KdcOptions::FORWARDED;
    raw.padata = [(PaType::FOR_USER, for_user(&user("alice"), &tgt.session_key))].into();
    assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::BADOPTION);
    raw.options = KdcOptions::FORWARDABLE;
    assert_eq!(raw.ask(&mut world).unwrap().addresses, plain.addresses);
}

#[test]
fn user_to_user_tickets_are_for_who_owns_the_other_ticket() {
    let mut world = World::new(realm().with(Account::user("bob").password(PASSWORD)));
    let (alice, bob) = (world.login("alice").unwrap(), world.login("bob").unwrap());
    let goal = |service: &str, tgt: &Credential| TgsGoal::UserToUser {
        service: Name::user(service),
        service_tgt: tgt.ticket.clone(),
    };
    let ticket = world.tgs(&alice, goal("bob", &bob)).unwrap();
    let session_key = bob.session_key.clone();
    let (opened, _) = crate::exchange::open_ticket(&ticket, |_, _| [session_key.clone()]).unwrap();
    assert_eq!(opened.client, user("alice"));
    let refusal = refused(world.tgs(&alice, goal("bob", &alice)));
    assert_eq!(refusal.code, ErrorCode::SERVER_NOMATCH);
    // A ticket that is no ticket-granting ticket, and one that has ended.
    let web = world.tgs(&alice, TgsGoal::Service(spn("HTTP/web.example.test"))).unwrap();
    assert_eq!(refused(world.tgs(&alice, goal("bob", &web))).code, ErrorCode::NOT_US);
    world.now += 7000;
    let fresh = world.login("alice").unwrap();
    world.now = bob.times.endtime.unix();
    assert_eq!(refused(world.tgs(&fresh, goal("bob", &bob))).code, ErrorCode::TKT_EXPIRED);
}

/// Both are sealed with krbtgt's key, and what a ticket is for stands outside of it (CVE-2022-2031).
#[test]
fn a_ticket_for_changing_the_password_is_no_ticket_granting_ticket() {
    let mut world = World::new(realm());
    world.realm.account_mut("alice").unwrap().must_change_password = true;
    let exchange = AsExchange::new(user("alice"), password(), TicketOptions::default());
    let mut ticket = world.run(exchange.to_server(spn("kadmin/changepw"))).unwrap();
    relabel(&mut ticket, &Name::krbtgt(REALM.as_bytes()));
    let web = TgsGoal::Service(spn("HTTP/web.example.test"));
    assert_eq!(refused(world.tgs(&Arc::new(ticket), web)).code, ErrorCode::TGT_REVOKED);
}

pub(super) fn relabel(credential: &mut Credential, name: &Name) {
    use crate::asn1::Ticket;
    use crate::der;
    let ticket: Ticket<'_> = der::decode(&credential.ticket).unwrap();
    credential.ticket = der::encode(&Ticket { sname: name.into(), ..ticket });
    credential.server.name = name.clone();
}
