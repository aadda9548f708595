//! Tokens that prove nothing get nowhere.

use std::time::Duration;

use krb_tests::world::World;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn bad_tokens_are_challenged_before_anything_else_happens() {
    let world = World::new().await;
    let arguments = json!({ "url": World::url("/whoami") });
    let none = world.call(None, "kerberos-http-request", arguments.clone()).await;
    assert_eq!(none.status, 401);
    assert!(!none.challenge.unwrap().contains("error="), "no error where nothing was sent");
    for (what, token) in world.idp.issuer.bad_tokens("alice") {
        let answer = world.get(&token, &World::url("/whoami")).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        let challenge = answer.challenge.unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{what}: {challenge}");
        assert!(!challenge.contains(&token), "{what}: the token is never echoed");
    }
    assert_eq!(world.kdcs.take_seen().len(), 0, "no KDC traffic");
    assert_eq!(world.idp.issuer.exchanges(), 0, "no exchange");
    let records = world.audit_records().await;
    assert!(records.iter().all(|record| record["phase"] == "unauthorized"), "{records:#?}");
    assert!(records.len() > 3, "by reason: {records:#?}");
}

/// A token is good for five minutes and the minute that clocks may differ by, by the clock that all
/// go by. Its exchange is the identity provider's to refuse: it has no such minute.
#[tokio::test(start_paused = true)]
async fn a_token_is_believed_to_its_end_and_its_tolerance() {
    let world = World::new().await;
    let token = world.idp.issuer.token("alice");
    let status = async |token: &str| {
        let answer = world.call(Some(token), "user-info", json!({})).await;
        (answer.status, answer.body["result"]["isError"] == true)
    };
    world.time.pass(Duration::from_secs(299)).await;
    assert_eq!(status(&token).await, (200, false));
    world.time.pass(Duration::from_secs(1)).await;
    assert_eq!(status(&token).await, (200, true), "no longer exchanged");
    world.time.pass(Duration::from_secs(59)).await;
    assert_eq!(status(&token).await, (200, true));
    world.time.pass(Duration::from_secs(1)).await;
    assert_eq!(status(&token).await, (401, false));
}
