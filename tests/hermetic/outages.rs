//! KDCs and applications stop, freeze, and come back.

use std::time::Duration;

use krb_tests::world::directory::WEBAPP;
use krb_tests::world::{Is, Kdcs, Setup, SiteIs, World};
use tokio::time::Instant;

async fn outage(is: Is) {
    let world = World::new().await;
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"));

    world.kdcs.set_all(is);
    let began = Instant::now();
    let (code, message, remedy) = world.get_as("bob", "/whoami").await.error();
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    assert_eq!(code, "KDC_UNREACHABLE", "{message}");
    assert!(message.contains(&Kdcs::address(1).to_string()), "names the KDC: {message}");
    assert!(remedy.contains("port 88"), "{remedy}");
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"), "she has a ticket");

    world.kdcs.set_all(Is::Up);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_kdc_stops_only_those_who_need_it() {
    outage(Is::Stopped).await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_kdc_stops_only_those_who_need_it() {
    outage(Is::Frozen).await;
}

#[tokio::test(start_paused = true)]
async fn of_several_kdcs_one_is_enough() {
    for is in [Is::Stopped, Is::Frozen, Is::Slow(Duration::from_secs(3))] {
        let world = World::with(Setup { kdcs: 4, ..Setup::default() }).await;
        for number in [1, 2, 4] {
            world.kdcs.set(number, is);
        }
        let began = Instant::now();
        assert!(world.get_as("bob", "/whoami").await.content().contains("bob"), "{is:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "{is:?}: {:?}", began.elapsed());
        // Who answered is asked first from then on.
        let began = Instant::now();
        assert!(world.get_as("erin", "/whoami").await.content().contains("erin"), "{is:?}");
        assert!(began.elapsed() < Duration::from_millis(100), "{is:?}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn kdcs_that_take_turns_at_being_away_are_never_missed() {
    let world = World::with(Setup { kdcs: 3, ..Setup::default() }).await;
    for round in 0..30_u8 {
        for number in 1..=3 {
            let is = if number == 1 + round % 3 { Is::Up } else { Is::Frozen };
            world.kdcs.set(number, is);
        }
        let answer = world.get_as(["bob", "erin", "many"][usize::from(round) % 3], "/whoami").await;
        assert_eq!(answer.data()["status"], 200, "round {round}");
        world.time.pass(Duration::from_secs(20 * 60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_is_away_is_said_to_be_and_comes_back() {
    let world = World::new().await;
    world.set_site(WEBAPP, SiteIs::Down);
    let (code, message, _) = world.get_as("bob", "/whoami").await.error();
    assert_eq!(code, "RESOURCE_UNREACHABLE", "{message}");
    world.set_site(WEBAPP, SiteIs::Up);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
}
