//! Tickets for services.

use std::assert_eq;

use super::*;
use crate::asn1::{EncTicketPart, Ticket};
use crate::crypto::Key;
use crate::der;
use crate::exchange::open_ticket;
use crate::iana::{EncType, ErrorCode, KeyUsage, NtStatus, TicketFlags};
use crate::pac::{ClientInfo, Pac};

/// The key of an account's tickets.
pub(super) fn key_of(world: &World, account: &str) -> Key {
    let account = world.realm.account(account).unwrap();
    account.long_term_keys().preferred(world.realm.enctypes(account)).unwrap().clone()
}

/// Decrypts a ticket and looks at its PAC as the KDC does and as the service does.
#[track_caller]
pub(super) fn verify(world: &World, credential: &Credential, account: &str) -> Vec<u32> {
    let (key, krbtgt) = (key_of(world, account), world.realm.krbtgt_key().unwrap());
    let (opened, _) = open_ticket(credential, |_, _| [key.clone()]).unwrap();
    let ticket: Ticket<'_> = der::decode(&credential.ticket).unwrap();
    let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
    pac.verify_kdc_signatures(krbtgt, &part).unwrap();
    let client: ClientInfo = pac.get().unwrap().unwrap();
    client.check(&opened.client.name, opened.authtime).unwrap();
    pac.as_pac().buffers().map(|(kind, _)| kind.0).collect()
}

#[test]
fn a_service_ticket_has_all_four_signatures_and_nothing_of_the_ticket_granting_ticket() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let service = spn("HTTP/web.example.test");
    let credential = world.tgs(&tgt, TgsGoal::Service(service.clone())).unwrap();
    assert_eq!(credential.client, user("alice"));
    assert_eq!(credential.server.name, service);
    assert!(!credential.flags.contains(TicketFlags::INITIAL));
    assert_eq!(verify(&world, &credential, "WEB$"), [1, 10, 12, 6, 7, 16, 19]);
    assert_eq!(credential.times.endtime, tgt.times.endtime);
}

/// Clients and acceptors compare them (RFC 4120 section 3.2.3).
#[test]
fn a_client_has_the_name_that_it_logged_in_with_everywhere() {
    let enterprise = Name::enterprise("alice@example.test");
    for name in [Name::user("alice"), Name::user("ALICE"), enterprise, Name::user("WEB$")] {
        let mut world = World::new(realm());
        let web = world.realm.remove("WEB$").unwrap().password(PASSWORD);
        let web = web.set(|account| account.enctypes = None);
        world.realm.insert(web);
        let client = Principal::new(name, REALM);
        let secret = ClientSecret::Password(Zeroizing::new(PASSWORD.into()));
        let tgt = world.login_with(client.clone(), secret, TicketOptions::default()).unwrap();
        let service = TgsGoal::Service(spn("HTTP/mcp.example.test"));
        let credential = world.tgs(&tgt, service).unwrap();
        let key = key_of(&world, "svc-mcp");
        let (opened, _) = open_ticket(&credential, |_, _| [key.clone()]).unwrap();
        assert_eq!([&tgt.client, &credential.client, &opened.client], [&client; 3]);
    }
}

#[test]
fn an_unknown_service_is_refused_and_one_without_spn_needs_user_to_user() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let nowhere = TgsGoal::Service(spn("HTTP/nowhere.example.test"));
    assert_eq!(refused(world.tgs(&tgt, nowhere)).code, ErrorCode::S_PRINCIPAL_UNKNOWN);
    let refusal = refused(world.tgs(&tgt, TgsGoal::Service(Name::user("alice"))));
    assert_eq!(refusal.code, ErrorCode::S_PRINCIPAL_UNKNOWN);
    assert_eq!(refusal.nt_status, Some(NtStatus::USER2USER_REQUIRED));
}

#[test]
fn a_ticket_of_a_service_is_no_ticket_granting_ticket() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let web = TgsGoal::Service(spn("HTTP/web.example.test"));
    let mut credential = world.tgs(&tgt, web.clone()).unwrap();
    // What it is for is in the clear: as the client tells its driver, and as the ticket says.
    credential.server = tgt.server.clone();
    let refusal = refused(world.tgs(&Arc::new(credential), web));
    assert_eq!(refusal.code, ErrorCode::NOT_US);
}

#[test]
fn an_expired_ticket_is_refused_at_its_end() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    world.now = tgt.times.endtime.unix() - 1;
    let web = TgsGoal::Service(spn("HTTP/web.example.test"));
    world.tgs(&tgt, web.clone()).unwrap();
    world.now += 1;
    assert_eq!(refused(world.tgs(&tgt, web)).code, ErrorCode::TKT_EXPIRED);
}

#[test]
fn a_recreated_account_does_not_inherit_tickets() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let web = TgsGoal::Service(spn("HTTP/web.example.test"));
    world.realm.insert(Account::user("alice").password(PASSWORD).rid(4711));
    let refusal = refused(world.tgs(&tgt, web.clone()));
    assert_eq!(refusal.code, ErrorCode::TGT_REVOKED, "CVE-2021-42287");
    world.realm.remove("alice");
    assert_eq!(refused(world.tgs(&tgt, web)).code, ErrorCode::C_PRINCIPAL_UNKNOWN);
}

/// KB5073381: enctypes that are not set mean AES.
#[test]
fn rc4_is_not_what_unset_enctypes_mean() {
    let mut world = World::new(realm().with(Account::service("old").spn("old/x").password("x")));
    let tgt = world.login("alice").unwrap();
    let ask = |world: &mut World, enctypes: &[EncType]| {
        let options = TicketOptions { enctypes: enctypes.to_vec(), ..TicketOptions::default() };
        world.run(TgsExchange::new(tgt.clone(), TgsGoal::Service(spn("old/x")), options))
    };
    let aes = EncType::AES256_CTS_HMAC_SHA1_96;
    assert_eq!(refused(ask(&mut world, &[EncType::RC4_HMAC])).code, ErrorCode::ETYPE_NOSUPP);
    assert_eq!(ask(&mut world, &[EncType::RC4_HMAC, aes]).unwrap().session_key.enctype(), aes);
}
