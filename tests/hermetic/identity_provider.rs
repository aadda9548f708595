//! The identity provider is away, or lies.

use std::time::Duration;

use axum::http::StatusCode;
use krb_tests::world::{IdpIs, World};
use serde_json::json;
use tokio::time::Instant;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn without_it_nobody_gets_in_and_nobody_is_blamed() {
    let world = World::new().await;
    world.idp.set(IdpIs::Down);
    let token = world.idp.issuer.token("alice");
    let answer = world.get(&token, &World::url("/whoami")).await;
    assert_eq!(answer.status, 503, "its keys were never had: {answer:?}");
    assert_eq!(world.kdcs.take_seen().len(), 0);
    world.idp.set(IdpIs::Up);
    world.time.pass(Duration::from_secs(2)).await;
    assert_eq!(world.get(&token, &World::url("/whoami")).await.data()["status"], 200);
}

#[tokio::test(start_paused = true)]
async fn with_its_keys_in_hand_an_exchange_is_still_needed() {
    let world = World::new().await;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    for is in [IdpIs::Down, IdpIs::Silent, IdpIs::Failing(StatusCode::BAD_GATEWAY)] {
        world.idp.set(is);
        let began = Instant::now();
        let (code, message, _) = world.get_as("bob", "/whoami").await.error();
        assert!(
            code.starts_with("IDENTITY_PROVIDER") || code.starts_with("TOKEN_EXCHANGE"),
            "{code}: {message}"
        );
        assert!(began.elapsed() <= Duration::from_secs(10), "{is:?}: {:?}", began.elapsed());
    }
    world.idp.set(IdpIs::Up);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
}

/// Its keys are believed for a day without it, and not longer.
#[tokio::test(start_paused = true)]
async fn its_keys_are_believed_for_a_day() {
    let world = World::new().await;
    let info = async || {
        let token = world.idp.issuer.token("alice");
        world.call(Some(&token), "user-info", json!({})).await
    };
    assert_eq!(info().await.data()["legacyName"], "ALICE_ADMIN");
    world.idp.set(IdpIs::Down);
    world.time.pass(24 * HOUR - Duration::from_secs(1)).await;
    assert_eq!(info().await.status, 200, "believed, though there is no exchange");
    world.time.pass(Duration::from_secs(1)).await;
    assert_eq!(info().await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn an_exchanged_token_for_somebody_else_is_refused() {
    let world = World::new().await;
    world.idp.issuer.answer_exchanges_for("bob");
    let token = world.idp.issuer.token("alice");
    let (code, message, _) = world.get(&token, &World::url("/whoami")).await.error();
    assert_eq!(code, "EXCHANGED_TOKEN_REFUSED", "{message}");
    assert_eq!(world.kdcs.take_seen().len(), 0, "no KDC traffic");
    let records = world.audit_records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["outcome"], "EXCHANGED_TOKEN_REFUSED");
}
