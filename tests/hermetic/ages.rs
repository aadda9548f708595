//! How long what a KDC said is believed: tested by letting time pass.

use std::time::Duration;

use krb_proto::kdc::Asked;
use krb_tests::world::directory::INTRANET;
use krb_tests::world::{Setup, World, count, granted};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Lets time pass until something is so old, and a call is made then; how often the KDC was asked for
/// evidence by it.
async fn evidence_after(age: Duration) -> usize {
    let world = World::new().await;
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
    for (age, used) in [(899, true), (900, false), (901, false)] {
        let world = World::new().await;
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
