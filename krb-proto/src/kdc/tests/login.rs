//! The AS: who gets in, with what, and why not.

use std::assert_eq;

use super::*;
use crate::asn1::{AsRep, KrbError};
use crate::der;
use crate::exchange::open_ticket;
use crate::iana::{EncType, ErrorCode, NtStatus, PaType, TicketFlags};
use crate::kdc::Outcome;
use crate::pac::{Attributes, ClientInfo, Pac, Requestor, UpnDnsInfo};

#[test]
fn a_password_gets_a_ticket_granting_ticket() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    assert_eq!(tgt.client, user("alice"));
    assert_eq!(tgt.server, Principal::krbtgt(REALM.as_bytes()));
    assert!(tgt.flags.contains(TicketFlags::FORWARDABLE));
    assert!(tgt.flags.contains(TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT));
    assert!(tgt.flags.contains(TicketFlags::ENC_PA_REP), "the request is vouched for");
    assert_eq!(tgt.times.endtime.unix(), NOW + 36_000);
    // The first reply asks for pre-authentication and says how.
    let Outcome::Refused(refusal) = &world.events[0].outcome else { panic!("granted at once") };
    assert_eq!(refusal.code, ErrorCode::PREAUTH_REQUIRED);
    let types: Vec<_> = refusal.padata.iter().map(|(padata_type, _)| *padata_type).collect();
    assert_eq!(types[0], PaType::ETYPE_INFO2);
    assert!(types.contains(&PaType::ENC_TIMESTAMP));
}

#[test]
fn a_ticket_granting_ticket_has_the_pac_of_the_account() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let krbtgt = world.realm.krbtgt_key().unwrap().clone();
    let (opened, _) = open_ticket(&tgt, |_, _| [krbtgt.clone()]).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&krbtgt).unwrap();
    pac.verify_kdc_signature(&krbtgt).unwrap();
    let kinds: Vec<u32> = pac.as_pac().buffers().map(|(kind, _)| kind.0).collect();
    assert_eq!(kinds, [1, 10, 12, 17, 18, 6, 7], "and no ticket signature (MS-PAC 2.8)");
    let alice = world.realm.account("alice").unwrap();
    let sid = world.realm.sid(alice).unwrap();
    let info = pac.logon_info().unwrap();
    assert_eq!(info.user_sid().unwrap(), sid);
    assert_eq!(info.effective_name, "alice");
    let rids: Vec<u32> = info.group_ids.iter().map(|group| group.rid).collect();
    assert_eq!(rids, [513, 1201, 1202]);
    assert_eq!(pac.get::<Requestor>().unwrap().unwrap().0, sid);
    assert_eq!(
        pac.get::<Attributes>().unwrap().unwrap().flags,
        Attributes::PAC_WAS_GIVEN_IMPLICITLY
    );
    let client: ClientInfo = pac.get().unwrap().unwrap();
    client.check(&tgt.client.name, tgt.times.authtime).unwrap();
    let upn: UpnDnsInfo = pac.get().unwrap().unwrap();
    assert_eq!(upn.upn, "alice@example.test");
    assert!(upn.upn_is_constructed);
    assert_eq!(upn.extended.unwrap().sid, sid);
}

#[test]
fn a_keytab_gets_in_with_one_request() {
    let mut world = World::new(realm());
    world.service_login("svc-mcp");
    assert_eq!(world.events.len(), 1);
}

#[test]
fn a_wrong_password_is_refused_with_the_right_salt() {
    let mut world = World::new(realm());
    let secret = ClientSecret::Password(Zeroizing::new("wrong".into()));
    let options = TicketOptions::default();
    let refusal = refused(world.login_with(user("alice"), secret, options));
    assert_eq!(refusal.code, ErrorCode::PREAUTH_FAILED);
    assert_eq!(refusal.nt_status, Some(NtStatus::WRONG_PASSWORD));
    assert!(world.refusal().padata.iter().any(|(kind, _)| *kind == PaType::ETYPE_INFO2));
}

#[test]
fn who_is_not_there_is_refused() {
    let mut world = World::new(realm());
    let refusal = refused(world.login("nobody"));
    assert_eq!(refusal.code, ErrorCode::C_PRINCIPAL_UNKNOWN);
}

#[test]
fn the_clock_has_to_be_right_to_the_second_of_the_skew() {
    for (off, taken) in [(300, true), (-300, true), (301, false), (-301, false)] {
        let mut world = World::new(realm());
        let keytab = world.realm.keytab(world.realm.account("svc-mcp").unwrap());
        let keys = keytab.login_keys(&user("svc-mcp"), crate::crypto::SUPPORTED);
        let secret = ClientSecret::Keys(keys);
        let mut exchange = AsExchange::new(user("svc-mcp"), secret, TicketOptions::default());
        let now = Timestamp::new(NOW + off, 0);
        let request =
            exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
        let reply = world.ask(&request);
        if taken {
            der::decode::<AsRep<'_>>(&reply).unwrap();
        } else {
            let error: KrbError<'_> = der::decode(&reply).unwrap();
            assert_eq!(error.error_code, ErrorCode::SKEW, "{off}");
            assert_eq!(error.stime.unix(), NOW, "the client corrects its clock by it");
        }
    }
}

#[test]
fn the_session_key_is_the_first_that_the_client_offers_and_the_service_has() {
    let (aes128, aes256) = (EncType::AES128_CTS_HMAC_SHA1_96, EncType::AES256_CTS_HMAC_SHA1_96);
    for (offered, session) in [
        (&[aes128, aes256][..], aes128),
        (&[aes256, aes128], aes256),
        (&[EncType::AES256_CTS_HMAC_SHA384_192, aes128], aes128),
    ] {
        let mut world = World::new(realm());
        let secret = ClientSecret::Password(Zeroizing::new(PASSWORD.into()));
        let options = TicketOptions { enctypes: offered.to_vec(), ..TicketOptions::default() };
        let tgt = world.login_with(user("alice"), secret, options).unwrap();
        assert_eq!(tgt.session_key.enctype(), session);
    }
    let mut world = World::new(realm());
    let secret = ClientSecret::Password(Zeroizing::new(PASSWORD.into()));
    let options = TicketOptions {
        enctypes: [EncType::AES256_CTS_HMAC_SHA384_192].to_vec(),
        ..TicketOptions::default()
    };
    let refusal = refused(world.login_with(user("alice"), secret, options));
    assert_eq!(refusal.code, ErrorCode::ETYPE_NOSUPP);
}
