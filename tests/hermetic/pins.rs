//! An account that is deleted and created anew is another account.

use std::time::Duration;

use krb_client::Clock as _;
use krb_delegation::state::{Operator, Pin, PinChange, StateConfig};
use krb_proto::kdc::{Account, Asked};
use krb_tests::world::directory::{INTRANET, STAFF, WEBAPP, sid};
use krb_tests::world::{Seen, Setup, World};
use serde_json::{Value, json};

/// Deletes the account and creates one of the same name.
fn recreate(world: &World, name: &str) {
    let mut realm = world.kdcs.realm();
    let before = sid(&realm, name);
    realm.remove(name);
    realm.insert(Account::user(name).password("Passw0rd!new").groups([STAFF]));
    assert_ne!(sid(&realm, name), before);
}

/// Renames the account, and creates another one of the name that it had.
fn give_away(world: &World, name: &str, to: &str) {
    let mut realm = world.kdcs.realm();
    let renamed = realm.remove(name).unwrap().renamed(to);
    realm.insert(renamed);
    realm.insert(Account::user(name).password("Passw0rd!new").groups([STAFF]));
}

#[tokio::test(start_paused = true)]
async fn a_new_account_of_the_same_name_does_not_inherit_the_subject() {
    let world = World::new().await;
    let token = world.idp.issuer.token_for("phoenix");
    let (document, intranet) =
        (World::url("/documents/phoenix"), format!("http://{INTRANET}/whoami"));
    assert!(world.get(&token, &document).await.content().contains("phoenix"));

    recreate(&world, "phoenix");

    // Her service ticket still works where it is still used, which is why it is used for minutes
    // only. Another target needs the KDC, which has revoked the evidence; what it gives instead is
    // for another SID, and the pin refuses that.
    let (code, message, _) = world.get(&token, &intranet).await.error();
    assert_eq!(code, "SID_MISMATCH", "{message}");
    assert_eq!(message.matches("S-1-5-21-").count(), 2, "names both SIDs: {message}");
    // Nothing of hers is left after that, and the new account's tickets are not used either.
    assert_eq!(world.get(&token, &document).await.code(), "SID_MISMATCH");
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_was_never_seen_is_whoever_has_the_name_now() {
    let world = World::new().await;
    recreate(&world, "phoenix");
    let token = world.idp.issuer.token_for("phoenix");
    let answer = world.get(&token, &World::url("/whoami")).await;
    let whoami: Value = serde_json::from_str(answer.content()).unwrap();
    assert_eq!(whoami["sid"], sid(&world.kdcs.realm(), "phoenix").to_string());
    // The application does not take the new one for the old one.
    let denied = world.get(&token, &World::url("/documents/phoenix")).await;
    assert_eq!(denied.code(), "ACCESS_DENIED");
}

/// A world whose tokens say whose account it is.
async fn world_with_sids() -> World {
    let change = |configuration: &mut Value| {
        configuration["auth"]["trustedIDPs"][0]["claimMappings"] = json!({ "sid": "object_sid" });
    };
    World::with(Setup { change, ..Setup::default() }).await
}

/// Evidence is kept by the name, which becomes somebody else's while it is warm.
#[tokio::test(start_paused = true)]
async fn by_the_sid_a_name_is_its_new_holders_at_once_and_never_the_old_ones() {
    let world = world_with_sids().await;
    let as_of = async |name: &str, sid: &str, path: &str| {
        world.idp.issuer.claim_in_exchanges("object_sid", sid);
        world.get_as(name, path).await
    };
    let sid_of = |name: &str| sid(&world.kdcs.realm(), name).to_string();
    let old = sid_of("phoenix");
    for path in ["/documents/phoenix", "/whoami"] {
        assert!(as_of("phoenix", &old, path).await.content().contains("phoenix"));
    }
    give_away(&world, "phoenix", "ash");
    let new = sid_of("phoenix");
    assert_eq!((sid_of("ash"), old == new), (old.clone(), false));
    world.time.pass(Duration::from_secs(5)).await;

    let whoami = async |name: &str, sid: &str| {
        let answer = as_of(name, sid, "/whoami").await;
        let whoami: Value = serde_json::from_str(answer.content()).unwrap();
        (whoami["sid"].clone(), whoami["account"].clone())
    };
    // The new one in any spelling of the name, then the old one by the new name and by the old.
    assert_eq!(whoami("phoenix", &new).await, (json!(new), json!("phoenix")));
    let visits = world.visits(WEBAPP).len();
    let (code, message, _) = as_of("phoenix", &old, "/whoami").await.error();
    assert_eq!(code, "SID_MISMATCH", "{message}");
    assert_eq!(as_of("ash", &new, "/whoami").await.code(), "SID_MISMATCH");
    assert_eq!(world.visits(WEBAPP).len(), visits);
    assert_eq!(whoami("PHOENIX", &new).await, (json!(new), json!("phoenix")));
    assert_eq!(whoami("ash", &old).await, (json!(old), json!("ash")));
    let hers = as_of("ash", &old, "/documents/phoenix").await;
    assert!(hers.content().contains("The text of phoenix."), "it is hers by her SID");
    assert_eq!(as_of("phoenix", &new, "/documents/phoenix").await.code(), "ACCESS_DENIED");
}

/// A claim that is wrong does not make the KDC be asked for each call.
#[tokio::test(start_paused = true)]
async fn evidence_of_another_account_is_asked_for_anew_every_five_seconds_at_most() {
    let world = world_with_sids().await;
    let erin = sid(&world.kdcs.realm(), "erin").to_string();
    world.idp.issuer.claim_in_exchanges("object_sid", erin);
    for (passes, asked) in [(0, 1), (0, 0), (4999, 0), (1, 1), (4999, 0), (60_000, 1), (0, 0)] {
        world.time.pass(Duration::from_millis(passes)).await;
        world.kdcs.take_seen();
        assert_eq!(world.get_as("bob", "/whoami").await.code(), "SID_MISMATCH");
        let seen = world.kdcs.take_seen();
        let of = |seen: &&Seen| {
            let bob = |user: &krb_proto::Principal| user.name == krb_proto::Name::user("bob");
            seen.event.asked == Asked::S4uSelf && seen.event.user.as_ref().is_some_and(bob)
        };
        assert_eq!(seen.iter().filter(of).count(), asked, "after {passes} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sid_in_the_token_decides() {
    let world = world_with_sids().await;
    let claim = |name: &str| {
        let sid = sid(&world.kdcs.realm(), name).to_string();
        world.idp.issuer.claim_in_exchanges("object_sid", sid);
    };
    assert_eq!(world.get_as("bob", "/whoami").await.code(), "EXCHANGED_TOKEN_REFUSED", "without");
    claim("erin");
    let (code, message, _) = world.get_as("bob", "/whoami").await.error();
    assert_eq!(code, "SID_MISMATCH", "{message}");
    claim("bob");
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
}

/// Evidence of the old holder is warm when somebody else logs in as the new one.
#[tokio::test(start_paused = true)]
async fn whoever_comes_first_after_a_name_was_given_away_is_its_new_holder() {
    let given_away: [(_, fn(&World)); 2] = [
        ("renamed", |world| give_away(world, "phoenix", "ash")),
        ("created anew", |world| recreate(world, "phoenix")),
    ];
    for ((how, change), pause) in given_away.into_iter().zip([0, 60]) {
        let world = World::new().await;
        world.idp.issuer.add("the old one", "phoenix");
        world.idp.issuer.add("the new one", "phoenix");
        let as_of = async |who: &str, path: &str| {
            let token = world.idp.issuer.token(who);
            world.get(&token, &World::url(path)).await
        };
        let hers = as_of("the old one", "/documents/phoenix").await;
        assert!(hers.content().contains("The text of phoenix."), "{how}");

        change(&world);
        world.time.pass(Duration::from_secs(pause)).await;
        let new = sid(&world.kdcs.realm(), "phoenix").to_string();
        assert_eq!(
            as_of("the new one", "/documents/phoenix").await.code(),
            "ACCESS_DENIED",
            "{how}"
        );
        // And stays who it is, when what was kept of the old one is used no longer.
        for pass in [0, 5, 900] {
            world.time.pass(Duration::from_secs(pass)).await;
            let whoami = as_of("the new one", "/whoami").await;
            let whoami: Value = serde_json::from_str(whoami.content()).unwrap();
            assert_eq!(whoami["sid"], new, "{how}");
        }
        assert_eq!(as_of("the old one", "/whoami").await.code(), "SID_MISMATCH", "{how}");
    }
}

/// An operator's word is judged by who has the name by then.
#[tokio::test(start_paused = true)]
async fn what_an_operator_says_of_a_subject_counts_for_whoever_has_the_name_now() {
    let change: fn(&mut Value) = |configuration| {
        configuration["state"] = json!({ "directory": "state", "pins": "approved" });
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let directory = Some(world.folder().join("state"));
    let operator = Operator::new(&StateConfig { directory, ..StateConfig::default() }).unwrap();
    world.idp.issuer.add("her", "phoenix");
    let get = async |path: &str| {
        let token = world.idp.issuer.token("her");
        world.get(&token, &World::url(path)).await
    };
    assert_eq!(get("/whoami").await.code(), "SID_MISMATCH", "it waits");
    operator.change_pins(&PinChange::Approve(None)).unwrap();
    world.time.pass(Duration::from_secs(1)).await;
    assert!(get("/documents/phoenix").await.content().contains("The text of phoenix."));

    give_away(&world, "phoenix", "ash");
    world.time.pass(Duration::from_secs(60)).await;
    let pin = operator.pins().unwrap().remove(0);
    let sid = sid(&world.kdcs.realm(), "phoenix").to_string();
    let (account, at) = ("?".to_owned(), world.clock.now().seconds.unix());
    let put = Pin { sid: sid.clone(), account, at, ..pin };
    operator.change_pins(&PinChange::Put(put.clone())).unwrap();
    world.time.pass(Duration::from_secs(1)).await;
    let whoami: Value = serde_json::from_str(get("/whoami").await.content()).unwrap();
    assert_eq!(whoami["sid"], sid);
    assert_eq!(get("/documents/phoenix").await.code(), "ACCESS_DENIED");

    let nobody = Pin { sid: "S-1-5-21-1-2-3-4".into(), ..put };
    operator.change_pins(&PinChange::Put(nobody)).unwrap();
    world.time.pass(Duration::from_secs(1)).await;
    let (code, message, _) = get("/whoami").await.error();
    assert_eq!(code, "SID_MISMATCH");
    assert!(message.contains("approved as ? (S-1-5-21-1-2-3-4)"), "{message}");
}
