//! How long what a KDC said is believed: tested by letting time pass.

use std::sync::Arc;
use std::time::Duration;

use krb_delegation::state::{Operator, StateConfig, Whose};
use krb_proto::kdc::Asked;
use krb_proto::{Name, Principal};
use krb_tests::world::directory::{INTRANET, sid};
use krb_tests::world::{Is, Seen, Setup, World, count, granted};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Lets time pass until something is so old, and a call is made then; how often the KDC was asked for
/// evidence by it.
async fn evidence_after(age: Duration) -> usize {
    evidence_in(Setup::default(), age).await
}

async fn evidence_in(setup: Setup, age: Duration) -> usize {
    let world = World::with(setup).await;
    let bob = sid(&world.kdcs.realm(), "bob").to_string();
    world.idp.issuer.claim_in_exchanges("object_sid", bob);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    world.kdcs.take_seen();
    world.time.pass(age).await;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    let seen = world.kdcs.take_seen();
    assert_eq!(count(&seen, Asked::S4uSelf), count(&seen, Asked::S4uProxy), "never one alone");
    count(&seen, Asked::S4uSelf)
}

/// Tickets are handed out with a minute of their quarter of an hour left.
#[tokio::test(start_paused = true)]
async fn evidence_is_used_again_for_fourteen_minutes() {
    assert_eq!(evidence_after(14 * MINUTE - SECOND).await, 0);
    assert_eq!(evidence_after(14 * MINUTE).await, 1);
    assert_eq!(evidence_after(14 * MINUTE + SECOND).await, 1);
}

/// And a call that has one in hand when the clocks jump does not use it after fifteen.
#[tokio::test(start_paused = true)]
async fn no_ticket_leaves_whose_evidence_is_fifteen_minutes_old() {
    for (setup, age, used) in [
        (Setup::default(), 899, true),
        (Setup::default(), 900, false),
        (Setup::default(), 901, false),
        (a_minute(), 59, true),
        (a_minute(), 60, false),
    ] {
        let world = World::with(setup).await;
        let (clock, web_clock) = (world.clock.clone(), world.web_clock.clone());
        world.sites.before_connecting(move || {
            clock.set_wrong_by(age);
            web_clock.set_wrong_by(age);
        });
        let answer = world.get_as("bob", "/whoami").await;
        if used {
            assert!(answer.content().contains("bob"), "{age}");
        } else {
            let (code, message, _) = answer.error();
            assert_eq!(code, "DEADLINE_EXCEEDED", "{age}: {message}");
            assert!(message.contains("became too old"), "{age}: {message}");
        }
    }
}

/// Where evidence may be no older than that.
fn a_minute() -> Setup {
    let change =
        |configuration: &mut Value| configuration["kerberos"]["maxIdentityAgeSeconds"] = json!(60);
    Setup { change, ..Setup::default() }
}

/// Half of it is left when it is handed out.
#[tokio::test(start_paused = true)]
async fn evidence_that_may_be_a_minute_old_is_used_again_for_half_of_it() {
    assert_eq!(evidence_in(a_minute(), 29 * SECOND).await, 0);
    assert_eq!(evidence_in(a_minute(), 30 * SECOND).await, 1);
}

/// A replica with a shared store that nobody answers at, and with what it knew of it before. Its tokens
/// say whose account it is.
fn alone() -> Setup {
    let change = |configuration: &mut Value| {
        share_with_nobody(configuration);
        configuration["auth"]["trustedIDPs"][0]["claimMappings"] = json!({ "sid": "object_sid" });
    };
    let before = |folder: &std::path::Path| {
        let directory = Some(folder.join("state"));
        let operator = Operator::new(&StateConfig { directory, ..StateConfig::default() });
        operator.unwrap().revoke(Whose::Account { account: "mallory".into() }, 0).unwrap();
    };
    Setup { change, before, ..Setup::default() }
}

fn share_with_nobody(configuration: &mut Value) {
    let key = "0123456789abcdef0123456789abcdef";
    configuration["state"] = json!({
        "directory": "state",
        "redis": { "address": "10.0.1.99", "dangerPlain": true, "key": key }
    });
}

/// Nobody knows whom another replica was told to refuse.
#[tokio::test(start_paused = true)]
async fn evidence_is_used_again_for_a_minute_while_the_shared_store_is_away() {
    assert_eq!(evidence_in(alone(), 59 * SECOND).await, 0);
    assert_eq!(evidence_in(alone(), 60 * SECOND).await, 1);
    // Who would have to be pinned is nobody meanwhile.
    let world = World::with(Setup { change: share_with_nobody, ..alone() }).await;
    assert_eq!(world.get_as("bob", "/whoami").await.code(), "STATE_UNAVAILABLE");
}

/// Nor what his identity provider was told.
#[tokio::test(start_paused = true)]
async fn what_was_exchanged_is_used_again_for_a_minute_while_the_shared_store_is_away() {
    fn keep_for_an_hour(configuration: &mut Value) {
        configuration["delegation"]["tokenExchange"]["cache"] =
            json!({ "enabled": true, "ttlSeconds": 3600 });
    }
    let keep_alone = |configuration: &mut Value| {
        (alone().change)(configuration);
        keep_for_an_hour(configuration);
    };
    for (setup, age, asked) in [
        (Setup { change: keep_alone, ..alone() }, 59 * SECOND, 0),
        (Setup { change: keep_alone, ..alone() }, 60 * SECOND, 1),
        (Setup { change: keep_for_an_hour, ..Setup::default() }, 60 * SECOND, 0),
    ] {
        let world = World::with(setup).await;
        let bob = sid(&world.kdcs.realm(), "bob").to_string();
        world.idp.issuer.claim_in_exchanges("object_sid", bob);
        let token = world.idp.issuer.token_for("bob");
        let call = async || {
            let answer = world.get(&token, &World::url("/whoami")).await;
            assert!(answer.content().contains("bob"));
            world.idp.issuer.exchanges()
        };
        let before = call().await;
        world.time.pass(age).await;
        assert_eq!(call().await - before, asked, "{age:?}");
    }
}

/// However many call, and however often; for the very user and target, and not once he may again.
#[tokio::test(start_paused = true)]
async fn a_user_whom_the_kdc_refuses_is_asked_for_every_five_seconds_at_most() {
    let world = Arc::new(World::new().await);
    // The service has logged in and knows who it is.
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"));
    let asked = |what: Asked, who: &str| {
        let of = |seen: &&Seen| {
            let is = |user: &Principal| user.name == Name::user(who);
            seen.event.asked == what && seen.event.user.as_ref().is_some_and(is)
        };
        world.kdcs.take_seen().iter().filter(of).count()
    };
    world.kdcs.realm().account_mut("bob").unwrap().disabled = true;
    for (user, code, what) in [
        ("bob", "USER_NOT_USABLE", Asked::S4uSelf),
        ("nobody-of-this-name", "USER_UNKNOWN", Asked::S4uSelf),
        ("dave", "USER_NOT_DELEGATABLE", Asked::S4uProxy),
    ] {
        // What refused calls cost is paid.
        world.time.pass(MINUTE).await;
        world.kdcs.take_seen();
        let mut burst = JoinSet::new();
        for _ in 0..100 {
            let world = world.clone();
            burst.spawn(async move {
                assert_eq!(world.get_as(user, "/whoami").await.code(), code);
            });
            // Calls of one user at once are limited.
            while burst.len() >= 25 {
                burst.join_next().await.unwrap().unwrap();
            }
        }
        burst.join_all().await;
        for _ in 0..50 {
            assert_eq!(world.get_as(user, "/whoami").await.code(), code);
        }
        assert_eq!(asked(what, user), 1, "{user}: 150 calls");
        for (passes, times) in [(4999, 0), (1, 1), (0, 0)] {
            world.time.pass(Duration::from_millis(passes)).await;
            assert_eq!(world.get_as(user, "/whoami").await.code(), code);
            assert_eq!(asked(what, user), times, "{user}: after {passes} ms");
        }
    }
    world.kdcs.realm().account_mut("bob").unwrap().disabled = false;
    world.time.pass(5 * SECOND).await;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    // What is no word about him is not remembered.
    let url = format!("http://{INTRANET}/whoami");
    let token = world.idp.issuer.token_for("bob");
    world.kdcs.set_all(Is::Stopped);
    assert_eq!(world.get(&token, &url).await.code(), "KDC_UNREACHABLE");
    world.kdcs.set_all(Is::Up);
    assert!(world.get(&token, &url).await.content().contains("bob"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_makes_no_ticket_younger() {
    let world = World::new().await;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    world.kdcs.take_seen();
    world.time.pass(13 * MINUTE).await;
    world.clock.set_wrong_by(-60);
    world.time.pass(MINUTE).await;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    assert_eq!(count(&world.kdcs.take_seen(), Asked::S4uSelf), 1, "fourteen minutes have passed");
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_disabled_between_calls_is_gone_when_the_ticket_is_old_or_another_is_needed()
{
    let world = World::new().await;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    world.kdcs.realm().account_mut("bob").unwrap().disabled = true;
    // What the KDC said a moment ago is believed for its minutes.
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    let token = world.idp.issuer.token_for("bob");
    let (code, message, _) = world.get(&token, &format!("http://{INTRANET}/whoami")).await.error();
    assert_eq!(code, "USER_NOT_USABLE", "{message}");
    world.time.pass(15 * MINUTE).await;
    assert_eq!(world.get_as("bob", "/whoami").await.code(), "USER_NOT_USABLE");
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"), "only he is");
}

async fn logins_after(age: Duration, ticket_life: Duration) -> usize {
    let world = World::new().await;
    let life = i64::try_from(ticket_life.as_secs()).unwrap();
    world.kdcs.realm().policy.lifetimes.ticket = life;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    world.kdcs.take_seen();
    world.time.pass(age).await;
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"));
    granted(&world.kdcs.take_seen(), Asked::Login)
}

#[tokio::test(start_paused = true)]
async fn the_service_logs_in_again_after_eight_hours() {
    assert_eq!(logins_after(8 * HOUR - SECOND, 10 * HOUR).await, 0);
    assert_eq!(logins_after(8 * HOUR, 10 * HOUR).await, 1);
}

#[tokio::test(start_paused = true)]
async fn and_a_minute_before_its_ticket_ends() {
    assert_eq!(logins_after(59 * MINUTE - SECOND, HOUR).await, 0);
    assert_eq!(logins_after(59 * MINUTE, HOUR).await, 1);
    assert_eq!(logins_after(2 * HOUR, HOUR).await, 1);
}

/// A day of a call a minute, with a KDC that changes krbtgt's key and the service's in its middle.
#[tokio::test(start_paused = true)]
async fn a_day_of_calls_never_fails() {
    let world = World::with(Setup { kdcs: 2, ..Setup::default() }).await;
    for minute in 0..24 * 60 {
        if minute == 600 {
            let mut random: &dyn krb_client::Entropy = &krb_tests::world::Seeded::new(600);
            let mut realm = world.kdcs.realm();
            let aes = krb_proto::iana::EncType::AES256_CTS_HMAC_SHA1_96;
            realm.roll_krbtgt(aes, &mut random).unwrap();
        }
        let answer = world.get_as(["bob", "erin"][minute % 2], "/whoami").await;
        assert_eq!(answer.data()["status"], 200, "minute {minute}");
        world.time.pass(MINUTE).await;
    }
    let seen = world.kdcs.take_seen();
    assert_eq!(granted(&seen, Asked::Login), 3, "every eight hours");
    // 24 hours in pieces of 14 minutes, for two users and once for the service itself.
    let evidence = count(&seen, Asked::S4uSelf);
    assert!((200..=210).contains(&evidence), "{evidence}");
}
