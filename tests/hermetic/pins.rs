//! An account that is deleted and created anew is another account.

use krb_proto::kdc::Account;
use krb_tests::world::directory::{INTRANET, STAFF, sid};
use krb_tests::world::{Setup, World};
use serde_json::{Value, json};

/// Deletes the account and creates one of the same name.
fn recreate(world: &World, name: &str) {
    let mut realm = world.kdcs.realm();
    let before = sid(&realm, name);
    realm.remove(name);
    realm.insert(Account::user(name).password("Passw0rd!new").groups([STAFF]));
    assert_ne!(sid(&realm, name), before);
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

#[tokio::test(start_paused = true)]
async fn a_sid_in_the_token_decides() {
    let change = |configuration: &mut Value| {
        configuration["auth"]["trustedIDPs"][0]["claimMappings"] = json!({ "sid": "object_sid" });
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
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
