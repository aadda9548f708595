//! The main job: alice reads her document as herself; bob is denied by the application.

use std::sync::Arc;

use krb_proto::kdc::Asked;
use krb_tests::world::directory::{WEBAPP, sid};
use krb_tests::world::{Setup, World, granted};
use serde_json::{Value, json};
use tokio::task::JoinSet;

#[tokio::test(start_paused = true)]
async fn alice_reads_her_document_and_the_application_says_it_was_her() {
    let world = World::new().await;
    let answer = world.get(&world.idp.issuer.token("alice"), &World::url("/documents/alice")).await;

    let read: Value = serde_json::from_str(answer.content()).unwrap();
    assert_eq!(read["document"], "The text of alice.");
    let sid = sid(&world.kdcs.realm(), "ALICE_ADMIN").to_string();
    assert_eq!(read["readBy"]["principal"], "ALICE_ADMIN@EXAMPLE.TEST");
    assert_eq!(read["readBy"]["account"], "ALICE_ADMIN");
    assert_eq!(read["readBy"]["sid"], sid);
    let by = read["readBy"]["delegatedBy"][0].as_str().unwrap();
    assert!(by.contains("mcp-server"), "{by}");

    let records = world.audit_records().await;
    let phases: Vec<_> = records.iter().map(|record| record["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["intent", "closing"]);
    assert_eq!(records[0]["legacyName"], "ALICE_ADMIN");
    assert_eq!(records[0]["target"], "webapp");
    assert_eq!(records[1]["account"], "ALICE_ADMIN");
    assert_eq!(records[1]["sid"], sid);
    assert_eq!(records[1]["outcome"], "OK");

    let seen = world.kdcs.take_seen();
    assert_eq!(granted(&seen, Asked::Login), 1, "one login");
    assert_eq!(granted(&seen, Asked::S4uSelf), 2, "alice, and the service itself, once");
    assert_eq!(granted(&seen, Asked::S4uProxy), 1);
}

#[tokio::test(start_paused = true)]
async fn bob_is_denied_by_the_application_itself() {
    let world = World::new().await;
    let answer = world.get(&world.idp.issuer.token("bob"), &World::url("/documents/alice")).await;
    let (code, message, remedy) = answer.error();
    assert_eq!(code, "ACCESS_DENIED");
    assert!(message.contains("webapp knows the user") && message.contains("bob"), "{message}");
    assert!(remedy.contains("application"), "{remedy}");
    let visits = world.visits(WEBAPP);
    assert_eq!(visits.len(), 1);
    assert_eq!((visits[0].status, &*visits[0].visitor.as_ref().unwrap().account), (403, "bob"));
    assert_eq!(world.audit_records().await[1]["outcome"], "ACCESS_DENIED");
}

#[tokio::test(start_paused = true)]
async fn user_info_says_who_the_caller_is_to_the_resources() {
    let world = World::new().await;
    let answer = world.call(Some(&world.idp.issuer.token("alice")), "user-info", json!({})).await;
    assert_eq!(answer.data()["legacyName"], "ALICE_ADMIN");
    assert_eq!(world.kdcs.take_seen().len(), 0, "no KDC is needed for that");
}

#[tokio::test(start_paused = true)]
async fn what_no_policy_allows_and_what_no_target_answers_to_is_refused_before_any_kdc_is_asked() {
    let policy = "@id(\"intranet\") permit (principal, action == Action::\"http:get\", \
                  resource == Target::\"intranet\");";
    let world = World::with(Setup { policy: policy.into(), ..Setup::default() }).await;
    let token = world.idp.issuer.token("alice");
    assert_eq!(world.get(&token, &World::url("/whoami")).await.code(), "POLICY_DENIED");
    for url in ["http://evil.example/", "http://10.0.1.1/whoami", "http://webapp/whoami"] {
        assert_eq!(world.get(&token, url).await.code(), "UNKNOWN_TARGET", "{url}");
    }
    assert_eq!(world.kdcs.take_seen().len(), 0, "no KDC traffic");
    assert_eq!(world.visits(WEBAPP), [], "and nobody came");
    let denials = world.audit_records().await;
    assert_eq!(denials.len(), 4);
    assert!(denials.iter().all(|record| record["phase"] == "denied"), "{denials:#?}");
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_interleaved_calls_each_arrive_as_their_own_user() {
    let world = Arc::new(World::new().await);
    let mut calls = JoinSet::new();
    for number in 0..400 {
        let account = ["ALICE_ADMIN", "bob", "erin", "many"][number % 4];
        let world = world.clone();
        calls.spawn(async move {
            let answer = world.get_as(account, &format!("/whoami?call={number}")).await;
            let whoami: Value = serde_json::from_str(answer.content()).unwrap();
            assert_eq!(whoami["account"], account, "call {number}");
            assert_eq!(whoami["principal"], format!("{account}@EXAMPLE.TEST"), "call {number}");
        });
        // Calls of one user at once are limited.
        while calls.len() >= 100 {
            calls.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let seen = world.kdcs.take_seen();
    assert_eq!(granted(&seen, Asked::Login), 1);
    assert_eq!(granted(&seen, Asked::S4uProxy), 4, "one ticket a user");
    assert_eq!(world.visits(WEBAPP).len(), 400);
}
