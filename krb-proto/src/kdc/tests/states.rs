//! Accounts that may not log in, and what AD says to them.

use std::assert_eq;

use super::*;
use crate::asn1::{ErrorData, KrbError};
use crate::der;
use crate::iana::{ErrorCode, NtStatus, PaType};

type Change = fn(&mut Account);

fn cases() -> [(&'static str, Change, ErrorCode, NtStatus); 7] {
    use ErrorCode as E;
    use NtStatus as S;
    [
        ("disabled", |it| it.disabled = true, E::CLIENT_REVOKED, S::ACCOUNT_DISABLED),
        ("locked", |it| it.locked = true, E::CLIENT_REVOKED, S::ACCOUNT_LOCKED_OUT),
        ("expired", |it| it.expires = Some(time(NOW)), E::CLIENT_REVOKED, S::ACCOUNT_EXPIRED),
        ("hours", |it| it.logon_hours = Some([0; 21]), E::CLIENT_REVOKED, S::INVALID_LOGON_HOURS),
        ("new", |it| it.must_change_password = true, E::KEY_EXPIRED, S::PASSWORD_MUST_CHANGE),
        ("old", |it| it.password_expires = Some(time(NOW)), E::KEY_EXPIRED, S::PASSWORD_EXPIRED),
        ("card", |it| it.smartcard_required = true, E::POLICY, S::SMARTCARD_LOGON_REQUIRED),
    ]
}

#[test]
fn what_is_wrong_with_an_account_is_said_in_code_and_status() {
    for (what, change, code, status) in cases() {
        let mut world = World::new(realm());
        change(world.realm.account_mut("alice").unwrap());
        let refusal = refused(world.login("alice"));
        assert_eq!((refusal.code, refusal.nt_status), (code, Some(status)), "{what}");
    }
}

#[test]
fn a_wrong_password_does_not_learn_that_it_has_to_be_changed() {
    let mut world = World::new(realm());
    world.realm.account_mut("alice").unwrap().must_change_password = true;
    let secret = ClientSecret::Password(Zeroizing::new("wrong".into()));
    let options = TicketOptions::default();
    let refusal = refused(world.login_with(user("alice"), secret, options));
    assert_eq!(refusal.code, ErrorCode::PREAUTH_FAILED);
}

/// The two forms of AD: the status alone, and the status among METHOD-DATA.
#[test]
fn a_status_has_two_forms() {
    let mut world = World::new(realm());
    let keys = [service::key_of(&world, "svc-mcp")];
    let wrong = crate::gss::testing::random_key(keys[0].enctype(), 99);
    for (key, disabled) in [(&keys[0], true), (&wrong, false)] {
        world.realm.account_mut("svc-mcp").unwrap().disabled = disabled;
        let secret = ClientSecret::Keys([key.clone()].into());
        let mut exchange = AsExchange::new(user("svc-mcp"), secret, TicketOptions::default());
        let now = Timestamp::new(NOW, 0);
        let request =
            exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
        let reply = world.ask(&request);
        let error: KrbError<'_> = der::decode(&reply).unwrap();
        match error.data().unwrap() {
            // As Samba 4.22 was seen to send it.
            ErrorData::Kerb(_) if disabled => assert_eq!(
                error.e_data.unwrap(),
                crate::gss::testing::hex("3015a103020103a20e040c720000c00000000001000000")
            ),
            data @ ErrorData::MethodData(_) if !disabled => {
                assert_eq!(data.nt_status(), Some(NtStatus::WRONG_PASSWORD));
                assert!(data.padata(PaType::ETYPE_INFO2).is_some());
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Sunday's first hour is the first bit.
#[test]
fn logon_hours_are_those_of_the_week_in_utc() {
    let sunday = 1_799_539_200; // 2027-01-10
    for (hour, at, allowed) in [
        (0, sunday, true),
        (0, sunday - 1, false),
        (0, sunday + 3600, false),
        (1, sunday + 3600, true),
        (167, sunday - 1, true),
    ] {
        let mut world = World::new(realm());
        let mut hours = [0; 21];
        hours[hour / 8] = 1 << (hour % 8);
        world.realm.account_mut("alice").unwrap().logon_hours = Some(hours);
        world.now = at;
        assert_eq!(world.login("alice").is_ok(), allowed, "hour {hour} at {at}");
    }
}

#[test]
fn who_need_not_prove_anything_gets_in_at_once() {
    let mut world = World::new(realm());
    world.realm.account_mut("alice").unwrap().no_preauth = true;
    let tgt = world.login("alice").unwrap();
    assert_eq!(world.events.len(), 1);
    assert!(!tgt.flags.contains(crate::iana::TicketFlags::PRE_AUTHENT));
}

#[test]
fn who_needs_a_card_gets_nothing_for_proving_nothing() {
    let mut world = World::new(realm());
    let alice = world.realm.account_mut("alice").unwrap();
    (alice.no_preauth, alice.smartcard_required) = (true, true);
    let enctypes = [crate::iana::EncType::AES256_CTS_HMAC_SHA1_96];
    let krbtgt = Name::krbtgt(REALM.as_bytes());
    let options = crate::iana::KdcOptions::NONE;
    let request = super::raw::as_request(&Name::user("alice"), &krbtgt, options, &enctypes, &[]);
    world.ask(&request);
    let refusal = world.refusal();
    let status = Some(NtStatus::SMARTCARD_LOGON_REQUIRED);
    assert_eq!((refusal.code, refusal.status), (ErrorCode::POLICY, status));
}
