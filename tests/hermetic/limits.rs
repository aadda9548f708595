//! A call ends when its time is up, or when nobody waits for it any more; and is in the audit log.

use std::time::Duration;

use krb_tests::world::directory::WEBAPP;
use krb_tests::world::{IdpIs, Is, Setup, SiteIs, World};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

const LIMIT: Duration = Duration::from_secs(7);

async fn world() -> World {
    let change = |configuration: &mut Value| {
        configuration["server"]["callTimeoutSeconds"] = json!(LIMIT.as_secs());
    };
    World::with(Setup { change, ..Setup::default() }).await
}

async fn ends_with(world: &World, code: &str) {
    let began = Instant::now();
    let (found, message, _) = world.get_as("bob", "/whoami").await.error();
    assert_eq!(found, code, "{message}");
    assert_eq!(began.elapsed(), LIMIT, "not earlier, not later");
    let records = world.audit_records().await;
    assert_eq!(records.last().unwrap()["outcome"], code, "{records:#?}");
}

#[tokio::test(start_paused = true)]
async fn at_the_application() {
    let world = world().await;
    world.set_site(WEBAPP, SiteIs::Slow(Duration::from_secs(3600)));
    ends_with(&world, "RESOURCE_TIMEOUT").await;
}

#[tokio::test(start_paused = true)]
async fn at_a_kdc() {
    let world = world().await;
    world.kdcs.set_all(Is::Frozen);
    ends_with(&world, "DEADLINE_EXCEEDED").await;
}

#[tokio::test(start_paused = true)]
async fn at_the_identity_provider() {
    let world = world().await;
    // Its keys are known.
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    world.idp.set(IdpIs::Silent);
    ends_with(&world, "DEADLINE_EXCEEDED").await;
}

#[tokio::test(start_paused = true)]
async fn an_application_that_is_just_in_time() {
    let world = world().await;
    world.set_site(WEBAPP, SiteIs::Slow(LIMIT - Duration::from_millis(1)));
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
}

/// Whoever called goes away in the middle; what was announced is closed all the same.
#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_waits_for_is_ended_and_recorded() {
    let world = world().await;
    world.set_site(WEBAPP, SiteIs::Slow(Duration::from_secs(3600)));
    let gone = timeout(Duration::from_secs(1), world.get_as("bob", "/whoami")).await;
    assert!(gone.is_err());
    world.time.pass(Duration::from_secs(60)).await;
    let records = world.audit_records().await;
    let ended = records.last().unwrap();
    assert_eq!(ended["phase"], "closing", "{records:#?}");
    let outcome = ended["outcome"].as_str().unwrap();
    assert!(["CANCELLED", "ABANDONED"].contains(&outcome), "{records:#?}");
    world.set_site(WEBAPP, SiteIs::Up);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
}
