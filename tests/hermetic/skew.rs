//! Clocks that differ. A KDC tells its time when it refuses ours, and what we send it is corrected.

use krb_tests::world::directory::WEBAPP;
use krb_tests::world::{Setup, World};

#[tokio::test(start_paused = true)]
async fn a_kdc_within_five_minutes_is_asked_once_and_a_wronger_one_is_followed() {
    for (seconds, requests) in [(0, 4), (300, 4), (-300, 4), (301, 5), (-301, 5)] {
        let world = World::new().await;
        world.kdcs.set_wrong_by(1, seconds);
        // The applications' clock is the KDC's: what it says of a ticket's beginning is theirs to
        // judge.
        world.web_clock.set_wrong_by(seconds.clamp(-300, 300));
        assert!(world.get_as("bob", "/whoami").await.content().contains("bob"), "{seconds}");
        let seen = world.kdcs.take_seen();
        assert_eq!(seen.len(), requests, "{seconds}: {seen:#?}");
    }
}

/// Tickets of a KDC that is ahead begin in the future, which an application refuses; those of one that
/// is behind have begun.
#[tokio::test(start_paused = true)]
async fn half_an_hour_is_followed_and_no_more() {
    for (seconds, outcome) in [
        (1800, Err("RESOURCE_REFUSED")),
        (-1800, Ok(())),
        (1801, Err("SERVICE_NOT_TRUSTED")),
        (-1801, Err("SERVICE_NOT_TRUSTED")),
    ] {
        let world = World::new().await;
        world.kdcs.set_wrong_by(1, seconds);
        let answer = world.get_as("bob", "/whoami").await;
        let found = match answer.body["result"]["isError"] == false {
            true => Ok(()),
            false => Err(answer.code()),
        };
        let outcome = outcome.map_err(str::to_owned);
        assert_eq!(found, outcome, "{seconds}: {answer:#?}\n{:#?}", world.kdcs.take_seen());
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_kdcs_each_is_told_its_own_time() {
    let world = World::with(Setup { kdcs: 2, ..Setup::default() }).await;
    world.kdcs.set_wrong_by(1, 200);
    world.kdcs.set_wrong_by(2, -200);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    world.kdcs.set(1, krb_tests::world::Is::Stopped);
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"));
}

#[tokio::test(start_paused = true)]
async fn an_application_whose_clock_differs_says_so() {
    for (seconds, accepted) in [(300, true), (-300, true), (302, false), (-302, false)] {
        let world = World::new().await;
        world.web_clock.set_wrong_by(seconds);
        let answer = world.get_as("bob", "/whoami").await;
        if accepted {
            assert!(answer.content().contains("bob"), "{seconds}");
        } else {
            let (code, message, remedy) = answer.error();
            assert_eq!(code, "RESOURCE_REFUSED", "{seconds}: {message}");
            assert!(remedy.contains("clock"), "{seconds}: {remedy}");
            assert_eq!(world.visits(WEBAPP)[0].visitor, None);
        }
    }
}
