//! How long tickets are good, at their limits.

use std::assert_eq;

use super::*;
use crate::asn1::{KdcReqBody, PrincipalName};
use crate::credential::TicketTimes;
use crate::der::{KerberosString, List, UInt32};
use crate::iana::{ErrorCode, KdcOptions, TicketFlags};
use crate::kdc::Lifetimes;
use crate::kdc::times::{Wanted, renewed};

const LIFETIMES: Lifetimes = Lifetimes { ticket: 1000, renewable: 5000, protected_users: 400 };

/// End and last renewal, as seconds from now.
type Times = Result<(i64, Option<i64>), ErrorCode>;

fn relative(times: Result<TicketTimes, crate::kdc::Refusal>) -> Times {
    let times = times.map_err(|refusal| refusal.code)?;
    Ok((times.endtime.unix() - NOW, times.renew_till.map(|till| till.unix() - NOW)))
}

fn wanted(options: KdcOptions, till: i64, rtime: Option<i64>) -> Result<Wanted, ErrorCode> {
    let krbtgt = Name::krbtgt(REALM.as_bytes());
    let at = |seconds: i64| time(if seconds == 0 { 0 } else { NOW + seconds });
    let body = KdcReqBody {
        kdc_options: options.0.into(),
        cname: None,
        realm: KerberosString(REALM.as_bytes()),
        sname: Some(PrincipalName::from(&krbtgt)),
        from: None,
        till: at(till),
        rtime: rtime.map(at),
        nonce: UInt32::new(1),
        etype: List::of(&[]),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    };
    Wanted::new(&body, time(NOW), &realm().policy).map_err(|refusal| refusal.code)
}

#[test]
fn a_login_gets_no_more_than_it_asks_for_and_the_realm_gives() {
    const NO: KdcOptions = KdcOptions::NONE;
    const RENEWABLE: KdcOptions = KdcOptions::RENEWABLE;
    const OK: KdcOptions = KdcOptions::RENEWABLE_OK;
    let alice = Account::user("alice");
    for (options, till, rtime, expected) in [
        (NO, 999, None, Ok((999, None))),
        (NO, 1000, None, Ok((1000, None))),
        (NO, 1001, None, Ok((1000, None))),
        (NO, 0, None, Ok((1000, None))), // 1970 is no time
        (NO, 1, None, Ok((1, None))),
        (NO, -1, None, Err(ErrorCode::NEVER_VALID)),
        (RENEWABLE, 1000, Some(4999), Ok((1000, Some(4999)))),
        (RENEWABLE, 1000, Some(5001), Ok((1000, Some(5000)))),
        (RENEWABLE, 1000, Some(0), Ok((1000, Some(5000)))),
        (RENEWABLE, 1000, None, Ok((1000, Some(5000)))),
        // As `kinit -l 2h -r 1h`.
        (RENEWABLE, 800, Some(400), Ok((800, Some(800)))),
        (OK, 1000, None, Ok((1000, None))),
        (OK, 1001, None, Ok((1000, Some(1001)))),
        (OK, 9000, None, Ok((1000, Some(5000)))),
    ] {
        let times = wanted(options, till, rtime)
            .and_then(|wanted| relative(wanted.initial(time(NOW), &LIFETIMES, &alice)));
        assert_eq!(times, expected, "{options:?} {till} {rtime:?}");
    }
    let both = RENEWABLE | OK;
    for (account, expected) in [
        (Account::user("alice").set(|it| it.max_life = Some(300)), (300, Some(5000))),
        (Account::user("alice").set(|it| it.max_life = Some(3000)), (1000, Some(5000))),
        (Account::user("alice").set(|it| it.protected_user = true), (400, Some(400))),
    ] {
        let wanted = wanted(both, 0, None).unwrap();
        assert_eq!(relative(wanted.initial(time(NOW), &LIFETIMES, &account)), Ok(expected));
    }
}

#[test]
fn what_comes_of_a_ticket_ends_with_it() {
    let from = TicketTimes {
        authtime: time(NOW - 500),
        starttime: time(NOW - 500),
        endtime: time(NOW + 500),
        renew_till: Some(time(NOW + 2000)),
    };
    let derived = |options, till, from: &TicketTimes| {
        wanted(options, till, None)
            .and_then(|wanted| relative(wanted.derived(time(NOW), &LIFETIMES, from, false)))
    };
    assert_eq!(derived(KdcOptions::NONE, 0, &from), Ok((500, None)));
    assert_eq!(derived(KdcOptions::NONE, 499, &from), Ok((499, None)));
    assert_eq!(derived(KdcOptions::RENEWABLE, 0, &from), Ok((500, Some(2000))));
    let not_renewable = TicketTimes { renew_till: None, ..from };
    assert_eq!(derived(KdcOptions::RENEWABLE, 0, &not_renewable), Ok((500, None)));
    let long = TicketTimes { endtime: time(NOW + 9000), ..from };
    assert_eq!(derived(KdcOptions::NONE, 0, &long), Ok((1000, None)), "policy has changed");

    let renew = |times: &TicketTimes| relative(renewed(times, time(NOW), &LIFETIMES));
    assert_eq!(renew(&from), Ok((1000, Some(2000))));
    assert_eq!(renew(&long), Ok((1000, Some(2000))), "policy has changed");
    let last_day = TicketTimes { renew_till: Some(time(NOW + 1)), ..from };
    assert_eq!(renew(&last_day), Ok((1, Some(1))));
    let over = TicketTimes { renew_till: Some(time(NOW)), ..from };
    assert_eq!(renew(&over), Err(ErrorCode::TKT_EXPIRED));
    assert_eq!(renew(&not_renewable), Err(ErrorCode::BADOPTION));
}

#[test]
fn who_is_trusted_with_delegation_is_said_in_the_ticket() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    for trusted in [false, true] {
        world.realm.account_mut("WEB$").unwrap().trusted_for_delegation = trusted;
        let ticket = world.tgs(&tgt, TgsGoal::Service(spn("HTTP/web.example.test"))).unwrap();
        assert_eq!(ticket.flags.contains(TicketFlags::OK_AS_DELEGATE), trusted);
    }
}
