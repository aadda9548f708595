//! The audit log fails closed: what cannot be recorded is not done.

use krb_tests::world::directory::WEBAPP;
use krb_tests::world::{Setup, World};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn without_an_audit_log_nothing_is_done_and_with_it_again_all_goes_on() {
    let change = |configuration: &mut Value| {
        configuration["audit"]["file"] = json!("audit/audit.jsonl");
    };
    let folder = |world: &World| world.folder().join("audit");
    let world = World::with(Setup {
        change,
        before: |folder| {
            std::fs::create_dir(folder.join("audit")).unwrap();
        },
        ..Setup::default()
    })
    .await;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    let visits = world.visits(WEBAPP).len();
    world.kdcs.take_seen();

    let away = world.folder().join("away");
    std::fs::rename(folder(&world), &away).unwrap();
    for user in ["bob", "erin", "nobody"] {
        let (code, message, _) = world.get_as(user, "/whoami").await.error();
        assert_eq!(code, "AUDIT_UNAVAILABLE", "{user}: {message}");
    }
    let info = world.call(Some(&world.idp.issuer.token("bob")), "user-info", json!({})).await;
    assert_eq!(info.code(), "AUDIT_UNAVAILABLE", "what is answered here is recorded, too");
    assert_eq!(world.visits(WEBAPP).len(), visits, "nobody came");
    assert_eq!(world.kdcs.take_seen().len(), 0, "and no ticket was asked for");

    std::fs::rename(&away, folder(&world)).unwrap();
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"));
    let text = std::fs::read_to_string(folder(&world).join("audit.jsonl")).unwrap();
    let records: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lost = records.iter().find(|record| record["phase"] == "lost");
    assert_eq!(lost.expect("how many are missing")["count"], 4, "{records:#?}");
}

/// An application that answers while the log goes away: its answer is withheld.
#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_recorded_is_withheld() {
    let change = |configuration: &mut Value| {
        configuration["audit"]["file"] = json!("audit/audit.jsonl");
    };
    let world = World::with(Setup {
        change,
        before: |folder| {
            std::fs::create_dir(folder.join("audit")).unwrap();
        },
        ..Setup::default()
    })
    .await;
    let (log, away) = (world.folder().join("audit"), world.folder().join("away"));
    world.sites.before_connecting(move || {
        // The second call finds it gone.
        let _ = std::fs::rename(&log, &away);
    });
    let (code, message, _) = world.get_as("bob", "/documents/bob").await.error();
    assert_eq!(code, "AUDIT_UNAVAILABLE", "{message}");
    assert_eq!(world.visits(WEBAPP).len(), 1, "he was there, and the intent says so");
}

#[tokio::test(start_paused = true)]
async fn every_call_leaves_a_record_however_it_ends() {
    let policy = r#"
        @id("webapp") permit (principal, action, resource == Target::"webapp");
        @id("self") permit (principal, action == Action::"user:info", resource);
    "#;
    let world = World::with(Setup { policy: policy.into(), ..Setup::default() }).await;
    let (alice, bob) = (world.idp.issuer.token("alice"), world.idp.issuer.token("bob"));
    let get = |url: &str| json!({ "url": url });
    let intranet = "http://intranet.example.test/";
    let http = "kerberos-http-request";
    let calls = [
        (&alice, http, get(&World::url("/documents/alice")), "OK"),
        (&bob, http, get(&World::url("/documents/alice")), "ACCESS_DENIED"),
        (&alice, http, get(intranet), "POLICY_DENIED"),
        (&alice, http, get("http://nobody.example.test/"), "UNKNOWN_TARGET"),
        (&alice, http, get("not a URL"), "INVALID_ARGUMENT"),
        (&alice, http, json!({ "link": "x" }), "INVALID_ARGUMENT"),
        (&alice, "kerberos-file-read", json!({ "path": r"\\nobody\c$\x" }), "UNKNOWN_TARGET"),
        (&alice, "user-info", json!({}), "OK"),
    ];
    let mut expected = Vec::new();
    for (token, tool, arguments, outcome) in calls {
        let answer = world.call(Some(token), tool, arguments).await;
        if outcome != "OK" {
            assert_eq!(answer.code(), outcome, "{tool}");
        }
        expected.push(outcome);
    }
    let records = world.audit_records().await;
    let ends: Vec<&Value> = records.iter().filter(|record| record["phase"] != "intent").collect();
    let outcomes: Vec<&str> = ends.iter().filter_map(|record| record["outcome"].as_str()).collect();
    assert_eq!(outcomes, expected, "{records:#?}");
    // By the server's clock.
    assert!(
        ends.iter().all(|end| end["timestamp"].as_str().unwrap().starts_with("2026-01-05T08:00:"))
    );
}
