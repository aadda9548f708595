//! Which account a name means: what Samba's KDC (4.17, 4.22) was seen to answer to these names. It
//! takes an enterprise name without an `@` for a UPN alone; MS-KILE 3.3.5.6.1 for an account's name too.

use std::assert_eq;

use proptest::prelude::*;

use super::*;
use crate::iana::{ErrorCode, NameType};
use crate::kdc::Policy;
use crate::kdc::lookup::Service;

fn names() -> Realm {
    Realm::new(REALM, &mut TestRng(1))
        .with(Account::user("pat").upn("patreal@example.test"))
        .with(Account::user("PAT_ADMIN").upn("pat@example.test"))
        .with(Account::user("bob2"))
        .with(Account::user("bobx").upn("bob2@example.test"))
        .with(Account::user("altu").upn("altu.name@corp.example"))
        .with(Account::user("altclash").upn("alice@corp.example"))
        .with(Account::user("alice").upn("alice@example.test"))
        .with(Account::user("dave"))
        .with(Account::user("dave1").upn("dave@example.test"))
        .with(Account::user("dave2").upn("dave@example.test"))
        .with(Account::user("rené"))
        .with(Account::user("rene"))
        .with(Account::user("MixCase"))
        .with(
            Account::domain_controller("DC1$")
                .spn("HOST/dc1.example.test")
                .spn("ldap/dc1.example.test/example.test"),
        )
        .with(Account::computer("WS1$").spn("cifs/ws1.example.test/example.test").spn("HOST/ws1"))
}

#[test]
fn users() {
    let realm = names();
    for (text, principal, enterprise) in [
        ("alice", "alice", "alice"),
        ("ALICE", "alice", "alice"),
        ("alice@EXAMPLE.TEST", "alice", "alice"),
        ("pat", "PAT_ADMIN", "PAT_ADMIN"),
        ("pat@example.test", "pat", "PAT_ADMIN"),
        ("patreal", "pat", "pat"),
        ("patreal@example.test", "", "pat"),
        ("PAT_ADMIN", "PAT_ADMIN", "PAT_ADMIN"),
        ("PAT_ADMIN@example.test", "PAT_ADMIN", "PAT_ADMIN"),
        ("bob2", "bobx", "bobx"),
        ("bob2@EXAMPLE.TEST", "bob2", "bobx"),
        ("altu", "altu", "altu"),
        ("altu@EXAMPLE.TEST", "altu", "altu"),
        ("altu.name@corp.example", "", "altu"),
        ("alice@corp.example", "", "altclash"),
        ("alice@unknown.example", "", ""),
        ("dave@example.test", "dave", ""),
        ("rené", "rené", "rené"),
        ("RENÉ", "rené", "rené"),
        ("rene", "rene", "rene"),
        ("rene\u{301}", "", ""),
        ("mixcase", "MixCase", "MixCase"),
        ("DC1", "DC1$", "DC1$"),
        ("DC1$", "DC1$", "DC1$"),
        ("DC1@example.test", "", ""),
        ("alice.", "", ""),
        ("EXAMPLE\\alice", "", ""),
        ("ali*", "", ""),
        ("", "", ""),
        ("krbtgt", "", ""),
    ] {
        for (name_type, expected) in
            [(NameType::PRINCIPAL, principal), (NameType::ENTERPRISE, enterprise)]
        {
            let found = realm.client(&Name::new(name_type, [text]));
            assert_eq!(found.map_or("", Account::name), expected, "{text} {name_type}");
        }
    }
    assert!(realm.client(&spn("HOST/dc1.example.test")).is_none(), "SPNs are no clients");
    assert!(realm.client(&Name::new(NameType::PRINCIPAL, [b"\xff\xfe"])).is_none());
}

/// Two accounts with one UPN: neither is found by it.
#[test]
fn what_is_ambiguous_is_not_found() {
    let realm = names();
    let found = |text: &str| realm.client(&Name::enterprise(text)).map(Account::name);
    assert_eq!(found("dave"), None);
    let realm = realm
        .with(Account::service("one").spn("HTTP/twice"))
        .with(Account::service("two").spn("http/TWICE"));
    assert!(matches!(realm.service(&spn("HTTP/twice")), Service::Unknown));
}

#[test]
fn services() {
    let realm = names();
    for (text, expected) in [
        ("HOST/dc1.example.test", "DC1$"),
        ("host/DC1.EXAMPLE.TEST", "DC1$"),
        // Classes that HOST stands for, and one that it does not.
        ("cifs/dc1.example.test", "DC1$"),
        ("HTTP/ws1", "WS1$"),
        ("MSSQLSvc/ws1", ""),
        // Three parts that end in the domain are for its controllers.
        ("ldap/dc1.example.test/example.test", "DC1$"),
        ("cifs/ws1.example.test/example.test", ""),
        ("HTTP/nowhere", ""),
    ] {
        let found = match realm.service(&spn(text)) {
            Service::Account(account) => account.name(),
            _ => "",
        };
        assert_eq!(found, expected, "{text}");
    }
    let kind = |text: &str| matches!(realm.service(&Name::user(text)), Service::Account(_));
    assert!(kind("DC1$") && kind("dc1") && !kind("alice"));
    assert!(matches!(realm.service(&spn("krbtgt/example.test")), Service::Krbtgt));
    assert!(matches!(realm.service(&spn("krbtgt/OTHER")), Service::Unknown));
    assert!(matches!(realm.service(&spn("kadmin/changepw")), Service::ChangePassword));
}

/// Samba from 4.24 on can be told so.
#[test]
fn the_dollar_is_not_everywhere_left_out() {
    let mut realm = names();
    realm.policy = Policy { implicit_dollar: false, ..realm.policy };
    assert!(realm.client(&Name::user("DC1")).is_none());
    assert!(realm.client(&Name::user("DC1$")).is_some());
}

/// The same: who logs in by any of an account's names has the account's own.
#[test]
fn clients_may_have_to_ask_for_their_canonical_names() {
    let mut realm = realm();
    realm.policy = Policy { require_canonicalize: true, ..realm.policy };
    let mut world = World::new(realm);
    assert_eq!(refused(world.login("alice")).code, ErrorCode::C_PRINCIPAL_UNKNOWN);
    let options = TicketOptions { canonicalize: true, ..TicketOptions::default() };
    let secret = ClientSecret::Password(Zeroizing::new(PASSWORD.into()));
    let tgt = world.login_with(user("ALICE"), secret, options).unwrap();
    assert_eq!(tgt.client, user("alice"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A whole conversation, whatever the account is called.
    #[test]
    fn whoever_has_an_account_gets_tickets_and_can_be_impersonated(name in "[^@\\p{C}]{1,20}") {
        let key = crate::gss::testing::random_key(crate::crypto::SUPPORTED[0], 5);
        let enctypes = Some([key.enctype()].into());
        let account = Account::user(&name).keys(1, [key.clone()]);
        let account = account.set(|account| account.enctypes = enctypes);
        let mut world = World::new(realm().with(account));
        let secret = ClientSecret::Keys([key].into());
        let tgt = world.login_with(user(&name), secret, TicketOptions::default()).unwrap();
        let ticket = world.tgs(&tgt, TgsGoal::Service(spn("HTTP/web.example.test"))).unwrap();
        service::verify(&world, &ticket, "WEB$");
        let service = world.service_login("svc-mcp");
        let evidence = Arc::new(world.evidence(&service, &name).unwrap());
        let ticket = world.proxy(&service, &evidence, "HTTP/web.example.test").unwrap();
        prop_assert_eq!(ticket.client, user(&name));
    }
}

#[test]
fn computers_and_renamed_users_have_salts_of_their_own() {
    let mut realm = Realm::new(REALM, &mut TestRng(1))
        .with(Account::user("Alice").password("x"))
        .with(Account::computer("WEB1$").password("x"));
    let salt = |realm: &Realm, name: &str| {
        let salt = realm.account(name).unwrap().long_term_keys().salt().unwrap();
        std::string::String::from_utf8(salt.to_vec()).unwrap()
    };
    assert_eq!(salt(&realm, "alice"), "EXAMPLE.TESTAlice");
    assert_eq!(salt(&realm, "WEB1$"), "EXAMPLE.TESThostweb1.example.test");
    let alice = realm.remove("alice").unwrap();
    let rid = alice.relative_id();
    realm.insert(alice.renamed("alicia"));
    assert_eq!(salt(&realm, "alicia"), "EXAMPLE.TESTAlice", "until the next password");
    assert_eq!(realm.account("alicia").unwrap().relative_id(), rid);
    assert_eq!(realm.set_password("alicia", "y"), Some(2));
    assert_eq!(salt(&realm, "alicia"), "EXAMPLE.TESTalicia");
}
