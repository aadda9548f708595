//! What policy decides in the middle of a call, and while the server runs.

use std::time::Duration;

use krb_proto::kdc::Asked;
use krb_tests::world::directory::{STAFF, WEBAPP, directory};
use krb_tests::world::{Seeded, Setup, World, count};
use serde_json::json;

fn staff() -> String {
    directory(&Seeded::new(0)).domain_sid().with_rid(STAFF).unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn groups_decide_before_any_ticket_to_the_resource_is_asked_for() {
    let policy = format!(
        "@id(\"of-staff\") permit (principal, action == Action::\"http:get\", resource)
         when {{ principal.groups.contains(\"{}\") }};",
        staff()
    );
    let world = World::with(Setup { policy, ..Setup::default() }).await;
    let answer = world.get_as("erin", "/documents/report").await;
    assert!(answer.content().contains("erin@EXAMPLE.TEST"));
    assert_eq!(world.visits(WEBAPP).len(), 1);
    world.kdcs.take_seen();

    assert_eq!(world.get_as("bob", "/documents/bob").await.code(), "POLICY_DENIED");
    let seen = world.kdcs.take_seen();
    assert_eq!(count(&seen, Asked::S4uSelf), 1, "the KDC said who bob is");
    assert_eq!(count(&seen, Asked::S4uProxy), 0);
    assert_eq!(world.visits(WEBAPP).len(), 1, "and he was nowhere");

    let records = world.audit_records().await;
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            json!([record["phase"], record["decision"], record["policies"], record["outcome"]])
        })
        .collect();
    let none = serde_json::Value::Null;
    assert_eq!(
        told,
        [
            json!(["intent", "pending", ["of-staff"], none]),
            json!(["closing", "allow", ["of-staff"], "OK"]),
            json!(["intent", "pending", ["of-staff"], none]),
            json!(["closing", "deny", none, "POLICY_DENIED"]),
        ],
        "{records:#?}"
    );
    assert_eq!(records[3]["account"], "bob");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_replaced_decides_the_next_call_and_a_broken_one_none() {
    let world = World::new().await;
    let file = world.folder().join("policy.cedar");
    assert!(world.get_as("erin", "/documents/report").await.content().contains("erin@"));
    let forbid = "@id(\"all\") permit (principal, action, resource);
                  @id(\"not-erin\") forbid (principal, action, resource is Target)
                  when { principal.legacyName == \"erin\" };";
    std::fs::write(&file, forbid).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Her ticket is there, and of no use.
    assert_eq!(world.get_as("erin", "/documents/report").await.code(), "POLICY_DENIED");
    std::fs::write(&file, "@id(\"all\") permit (principal, acton, resource);").unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.get_as("erin", "/documents/report").await.code(), "POLICY_DENIED");
    assert!(world.get_as("bob", "/documents/bob").await.content().contains("bob@"));

    let records = world.audit_records().await;
    let hash = |number: usize| records[number]["policyHash"].as_str().unwrap();
    // Intent and outcome, two denials, intent and outcome.
    assert_eq!(hash(0), hash(1));
    assert_ne!(hash(1), hash(2));
    assert_eq!(hash(2), hash(3));
    assert_eq!(hash(2), hash(5), "{records:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_forbid_that_fails_denies_and_is_named_in_the_record() {
    let policy = "@id(\"all\") permit (principal, action, resource);
                  @id(\"overflow\") forbid (principal, action, resource is Target)
                  when { (if principal.legacyName == \"bob\" then 9223372036854775807 else 1) + 1 == 0 };";
    let world = World::with(Setup { policy: policy.into(), ..Setup::default() }).await;
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin@"));
    assert_eq!(world.get_as("bob", "/whoami").await.code(), "POLICY_DENIED");
    let records = world.audit_records().await;
    let last = records.last().unwrap();
    assert_eq!(last["phase"], "denied");
    assert_eq!((&last["decision"], &last["policies"]), (&json!("deny"), &json!(["overflow"])));
}
