//! Tickets that the identity provider delivers in exchanged tokens: evidence in place of S4U2Self, and
//! for nobody but the one whom the token names.

use base64ct::{Base64, Encoding};
use krb_proto::formats::{CacheEntry, CredentialCache, write_kirbi};
use krb_proto::iana::NameType;
use krb_proto::kdc::Asked;
use krb_proto::{Credential, Name};
use krb_tests::world::directory::{OTHER, REALM, SERVICE, WEBAPP};
use krb_tests::world::{Setup, World, count};
use serde_json::{Value, json};

use crate::secrets::Log;

const CLAIM: &str = "gss_delegation_credential";

fn change(configuration: &mut Value) {
    configuration["auth"]["trustedIDPs"][0]["claimMappings"] = json!({ "kerberosTicket": CLAIM });
    configuration["kerberos"]["deliveredTickets"] = json!({ "dangerClearText": true });
}

async fn world() -> World {
    World::with(Setup { change, ..Setup::default() }).await
}

async fn tgt(world: &World, user: &str) -> Credential {
    Credential::clone(&*world.client(user).tgt().await.unwrap())
}

async fn evidence(world: &World, user: &str) -> Credential {
    let us = Name::new(NameType::SRV_INST, ["HTTP", "mcp-server.example.test"]);
    Credential::clone(&*world.client(user).ticket(&us).await.unwrap())
}

fn deliver(world: &World, octets: &[u8]) {
    world.idp.issuer.claim_in_exchanges(CLAIM, Base64::encode_string(octets));
}

fn kirbi(ticket: &Credential) -> Vec<u8> {
    write_kirbi(&[CacheEntry::from(ticket)]).unwrap().to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_ticket_granting_ticket_is_used_as_the_user_would_and_not_kept() {
    let world = world().await;
    let tgt = tgt(&world, "bob").await;
    let mut cache = CredentialCache::new(tgt.client.clone());
    cache.entries.push(CacheEntry::from(&tgt));
    for octets in [kirbi(&tgt), cache.to_bytes().to_vec()] {
        deliver(&world, &octets);
        world.kdcs.take_seen();
        let answer = world.get_as("bob", "/whoami").await;
        let whoami: Value = serde_json::from_str(answer.content()).unwrap();
        assert_eq!(whoami["account"], "bob");
        assert_eq!(whoami["delegatedBy"], json!([]), "in person");
        let seen = world.kdcs.take_seen();
        let asked = |user: &str| {
            let of = |seen: &&krb_tests::world::Seen| {
                seen.event.user.as_ref().is_some_and(|name| name.name == Name::user(user))
            };
            seen.iter().filter(of).count()
        };
        assert_eq!((asked("bob"), count(&seen, Asked::S4uProxy)), (0, 0), "no S4U for him");
        // To us, to see whose it is, and to the application.
        assert_eq!(count(&seen, Asked::Service), 2);
    }
    let records = world.audit_records().await;
    assert!(records.iter().all(|record| record["delegationMode"] == "delivered-ticket"));
}

#[tokio::test(start_paused = true)]
async fn a_ticket_to_us_is_evidence_for_what_the_kdc_lets_us_do() {
    let world = world().await;
    deliver(&world, &kirbi(&evidence(&world, "bob").await));
    let answer = world.get_as("bob", "/whoami").await;
    let whoami: Value = serde_json::from_str(answer.content()).unwrap();
    assert_eq!(whoami["account"], "bob");
    assert_eq!(whoami["delegatedBy"], json!([format!("{SERVICE}@{REALM}")]));
    let token = world.idp.issuer.token_for("bob");
    let other = world.get(&token, &format!("http://{OTHER}/whoami")).await;
    assert_eq!(other.code(), "TARGET_NOT_ALLOWED");
}

/// Where the token names the account by that. `alice` has a decoy: the KDC takes the name for hers.
#[tokio::test(start_paused = true)]
async fn a_user_principal_name_is_compared_with_the_accounts_own() {
    let change = |configuration: &mut Value| {
        change(configuration);
        let mappings = &mut configuration["auth"]["trustedIDPs"][0]["claimMappings"];
        mappings["upn"] = json!("upn");
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    for (upn, owner, other) in [
        ("alice@example.test", "ALICE_ADMIN", "alice"),
        ("Alice@Example.Test", "ALICE_ADMIN", "bob"),
    ] {
        world.idp.issuer.claim_in_exchanges("upn", upn);
        for ticket in [tgt(&world, owner).await, evidence(&world, owner).await] {
            deliver(&world, &kirbi(&ticket));
            let answer = world.get_as(owner, "/whoami").await;
            let whoami: Value = serde_json::from_str(answer.content()).unwrap();
            assert_eq!(whoami["account"], owner, "{upn}");
        }
        let visits = world.visits(WEBAPP).len();
        deliver(&world, &kirbi(&tgt(&world, other).await));
        let (code, message, _) = world.get_as(owner, "/whoami").await.error();
        assert_eq!(code, "NAME_MISMATCH", "{upn}: {message}");
        assert_eq!(world.visits(WEBAPP).len(), visits);
    }
}

#[tokio::test(start_paused = true)]
async fn anybody_elses_ticket_is_refused_whatever_it_is() {
    let world = world().await;
    for octets in [
        kirbi(&tgt(&world, "erin").await),
        kirbi(&evidence(&world, "erin").await),
        // The account that `alice` is the UPN of, and the one that has it for its name.
        kirbi(&tgt(&world, "alice").await),
    ] {
        deliver(&world, &octets);
        let (code, message, _) = world.get_as("bob", "/whoami").await.error();
        assert_eq!(code, "NAME_MISMATCH", "{message}");
    }
    deliver(&world, &kirbi(&tgt(&world, "alice").await));
    assert_eq!(world.get_as("ALICE_ADMIN", "/whoami").await.code(), "NAME_MISMATCH");
    deliver(&world, &kirbi(&tgt(&world, "dora").await));
    assert_eq!(world.get_as("dora", "/whoami").await.code(), "NEVER_IMPERSONATED");
    // A ticket to somebody else is neither.
    let web = Name::new(NameType::SRV_INST, ["HTTP", WEBAPP]);
    let elsewhere = world.client("bob").ticket(&web).await.unwrap();
    deliver(&world, &kirbi(&elsewhere));
    assert_eq!(world.get_as("bob", "/whoami").await.code(), "EVIDENCE_REFUSED");
    assert_eq!(world.visits(WEBAPP), []);
}

#[tokio::test(start_paused = true)]
async fn without_a_ticket_in_it_the_token_is_refused_and_no_kdc_is_asked() {
    let world = world().await;
    assert_eq!(world.get_as("bob", "/whoami").await.code(), "EXCHANGED_TOKEN_REFUSED");
    for octets in [&b""[..], b"{}", b"\x76\x00", b"\xac\xed\x00\x05\x70", b"\x05\x04"] {
        deliver(&world, octets);
        let (code, message, _) = world.get_as("bob", "/whoami").await.error();
        assert_eq!(code, "EXCHANGED_TOKEN_REFUSED", "{message}");
    }
    for claim in ["no base64!", "a.b.c.d.e"] {
        world.idp.issuer.claim_in_exchanges(CLAIM, claim);
        assert_eq!(world.get_as("bob", "/whoami").await.code(), "EXCHANGED_TOKEN_REFUSED");
    }
    assert_eq!(world.kdcs.take_seen().len(), 0, "no KDC traffic, and no S4U2Self in its place");
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_ticket_is_in_a_log_a_record_or_an_answer() {
    let (log, _logged) = Log::listen();
    let world = world().await;
    let mut answers = String::new();
    let mut secrets = Vec::new();
    for (user, ticket) in [
        ("bob", tgt(&world, "bob").await),
        ("bob", evidence(&world, "bob").await),
        // Refused, which is where one would be shown.
        ("bob", tgt(&world, "erin").await),
        ("dora", tgt(&world, "dora").await),
    ] {
        let key = ticket.session_key.as_bytes();
        let hex = |separator: &str| {
            let bytes: Vec<_> = key.iter().map(|byte| format!("{byte:02x}")).collect();
            bytes.join(separator)
        };
        let list = format!("{key:?}");
        secrets.extend([hex(""), hex(" "), list, Base64::encode_string(key)]);
        let octets = kirbi(&ticket);
        let claim = Base64::encode_string(&octets);
        secrets.push(claim[claim.len() / 2..][..60].to_owned());
        deliver(&world, &octets);
        answers += &format!("{:?}\n", world.get_as(user, "/whoami").await);
    }
    // One that cannot be read has none.
    world.idp.issuer.claim_in_exchanges(CLAIM, "canary+in+place+of+a+ticket=");
    answers += &format!("{:?}\n", world.get_as("bob", "/whoami").await);
    secrets.push("canary+in+place".into());
    let records = format!("{:?}", world.audit_records().await);
    for (place, text) in [("an answer", answers), ("the records", records), ("the log", log.text())]
    {
        assert!(!text.is_empty(), "{place} says something");
        for secret in &secrets {
            assert!(!text.contains(secret), "{place}: {secret}");
        }
    }
}
