//! Whatever the server sends to KDCs comes from its parts: the same parts, the same octets.

use krb_tests::world::{Setup, World};

async fn requests(seed: u64) -> Vec<Vec<u8>> {
    let world = World::with(Setup { seed, ..Setup::default() }).await;
    // The first call needs two things at once, in no order.
    assert!(world.get_as("many", "/whoami").await.content().contains("many"));
    world.kdcs.take_seen();
    for user in ["bob", "erin", "dave"] {
        let _ = world.get_as(user, "/whoami").await;
    }
    world.kdcs.take_seen().into_iter().map(|seen| seen.request).collect()
}

#[tokio::test(start_paused = true)]
async fn the_same_randomness_and_time_make_the_same_requests() {
    let first = requests(1).await;
    assert_eq!(first.len(), 6, "evidence and a ticket of each, granted or not");
    assert!(first == requests(1).await, "every octet");
    assert!(first != requests(2).await, "and it is the randomness that is given");
}
