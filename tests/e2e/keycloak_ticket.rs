//! A login at a real Keycloak by Negotiate with a ticket that the user hands on: Keycloak puts it into
//! the exchanged token, as the Java object that it has, and it reaches the resource as the user.

use krb_client::{Client, ClientConfig, Clock as _, KdcSource, OsRandom, SystemClock};
use krb_proto::exchange::{ClientSecret, TicketOptions};
use krb_proto::gss::InitiatorOptions;
use krb_proto::iana::{NameType, TicketFlags};
use krb_proto::spnego::SpnegoInitiator;
use krb_proto::spnego::http::header_value;
use krb_proto::{Context, Credential, Name, Principal};
use krb_tests::keycloak::{Keycloak, Realm};
use krb_tests::logs::Mark;
use krb_tests::{Lab, Server, Setup, pac};
use serde_json::{Value, json};

use crate::lab;

const CLAIM: &str = "gss_delegation_credential";

fn change(configuration: &mut Value) {
    Keycloak::configure_for_the_directory(configuration);
    let idp = &mut configuration["auth"]["trustedIDPs"][0];
    idp["claimMappings"]["kerberosTicket"] = json!(CLAIM);
    configuration["kerberos"]["deliveredTickets"] = json!({ "dangerClearText": true });
}

/// A user who logs in with a password.
fn client(lab: &Lab, user: &str) -> Client {
    let kdcs = KdcSource::Addresses(vec![format!("{}:88", lab.var("DC_IP")).parse().unwrap()]);
    let secret = ClientSecret::Password(format!("Passw0rd!{user}").into_bytes().into());
    let user = Principal::new(Name::user(user), lab.realm());
    Client::new(ClientConfig::new(user, secret, kdcs))
}

/// What a user's browser says to Keycloak, with or without a ticket to hand on.
async fn negotiate(lab: &Lab, user: &Client, delegate: Option<&Credential>) -> String {
    let keycloak = lab.var("KEYCLOAK_HOST");
    let ticket = user.ticket(&Name::new(NameType::SRV_INST, ["HTTP", &keycloak])).await.unwrap();
    let options = InitiatorOptions { delegate, ..InitiatorOptions::default() };
    let mut cx = Context { now: SystemClock.now(), kdc_offset: 0, rng: &mut OsRandom };
    header_value(&SpnegoInitiator::new(&ticket, &options, &mut cx).unwrap().1)
}

#[tokio::test]
async fn what_alice_hands_on_at_keycloak_reaches_the_resource_as_alice() {
    let lab = lab!(alone);
    let keycloak = Keycloak::with(lab, Realm::Kerberos).await;
    let mut setup = Setup::new(lab, keycloak.issuer());
    setup.change = change;
    let server = Server::start(lab, &setup);
    let alice = client(lab, "ALICE_ADMIN");

    let forwarded = alice.forward(TicketOptions::default()).await.unwrap();
    assert!(forwarded.flags.contains(TicketFlags::FORWARDED));
    let negotiate_with = negotiate(lab, &alice, Some(&forwarded)).await;
    let login = keycloak.log_in_by(&negotiate_with, "contextflow").await;
    let claims = keycloak.exchange(login.access_token()).await;
    // Java's serialization, in base64: `ac ed 00 05`.
    let claim = claims[CLAIM].as_str().unwrap_or_else(|| panic!("no ticket: {claims}"));
    assert!(claim.starts_with("rO0ABX"), "{claim}");

    let (kdc, files) = (Mark::end_of(lab.var("KDC_LOG")), lab.var("FILESERVER_AUDIT"));
    let files = Mark::end_of(files);
    let answer = server.read(login.access_token(), &lab.unc("reports/data.csv")).await;
    assert_eq!(answer.content(), lab.shell("cat \"$LAB/share/reports/data.csv\""));
    let line = files.line(|line| line.contains("|create_file|ok|") && line.contains("data.csv"));
    let account = lab.windows_name("ALICE_ADMIN").to_lowercase();
    assert!(line.expect("the file server's own audit line").to_lowercase().contains(&account));
    let page = server.get(login.access_token(), &lab.url("/whoami")).await;
    let page = pac::page(page.content());
    assert_eq!(page.remote_user, lab.principal("ALICE_ADMIN"));
    assert_eq!(page.pac_account.as_deref(), Some("ALICE_ADMIN"));
    // As the user would: the service account asks for nothing in her name.
    let asked = kdc.since();
    assert!(!asked.contains("constrained delegation") && !asked.contains("S4U2"), "{asked}");
    let records = server.audit_records();
    let of_targets: Vec<_> = records.iter().filter(|one| one["target"].is_string()).collect();
    assert!(!of_targets.is_empty());
    assert!(
        of_targets.iter().all(|one| one["delegationMode"] == "delivered-ticket"),
        "{records:#?}"
    );
    let logs = std::fs::read_to_string(server.folder().join("server.log")).unwrap();
    assert!(!logs.contains("rO0ABX") && !format!("{records:?}").contains("rO0ABX"));

    // Who hands nothing on has no ticket in the token, and nothing takes its place.
    let alone = negotiate(lab, &client(lab, "bob"), None).await;
    let login = keycloak.log_in_by(&alone, "contextflow").await;
    let (code, message, remedy) =
        server.read(login.access_token(), &lab.unc("reports/bob.csv")).await.error();
    assert_eq!(code, "EXCHANGED_TOKEN_REFUSED", "{message}");
    assert!(message.contains(CLAIM) && remedy.contains("handed theirs on"), "{message} {remedy}");
}
