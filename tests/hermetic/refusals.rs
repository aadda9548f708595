//! Each refusal says what the wire proves, and which directory attribute to change.

use krb_tests::world::directory::{
    OTHER, SERVICE, SERVICE_WITHOUT_SPN, SERVICE_WITHOUT_THE_FLAG, WEBAPP,
};
use krb_tests::world::{Setup, World};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn users_that_cannot_be_used() {
    let world = World::new().await;
    for (user, code, says, remedy) in [
        ("dave", "USER_NOT_DELEGATABLE", "may not be delegated", "NOT_DELEGATED"),
        ("eve", "USER_NOT_USABLE", "disabled", "ACCOUNTDISABLE"),
        ("frank", "USER_NOT_USABLE", "expired", "accountExpires"),
        ("lucy", "USER_NOT_USABLE", "locked", "lockoutTime"),
        ("paula", "NEVER_IMPERSONATED", "a member of Protected Users", ""),
        ("grace", "USER_NOT_USABLE", "change the password", "pwdLastSet"),
        ("nobody-at-all", "USER_UNKNOWN", "unknown, or its UPN is not unique", "sAMAccountName"),
    ] {
        let (found, message, found_remedy) = world.get_as(user, "/whoami").await.error();
        assert_eq!(found, code, "{user}: {message}");
        assert!(message.contains(says), "{user}: {message}");
        assert!(found_remedy.contains(remedy), "{user}: {found_remedy}");
    }
    assert_eq!(world.visits(WEBAPP), [], "nobody got as far as that");
}

#[tokio::test(start_paused = true)]
async fn a_service_account_without_the_flag_is_told_apart_from_a_user_who_may_not_be_delegated() {
    let world = World::with(Setup { account: SERVICE_WITHOUT_THE_FLAG, ..Setup::default() }).await;
    // The KDC answers both alike; the evidence's PAC tells.
    let (code, message, remedy) = world.get_as("bob", "/whoami").await.error();
    assert_eq!(code, "SERVICE_NOT_TRUSTED", "{message}");
    assert!(remedy.contains("TRUSTED_TO_AUTH_FOR_DELEGATION"), "{remedy}");
    let (code, message, _) = world.get_as("dave", "/whoami").await.error();
    assert_eq!(code, "USER_NOT_DELEGATABLE", "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_service_account_without_an_spn_is_told_to_get_one() {
    let world = World::with(Setup { account: SERVICE_WITHOUT_SPN, ..Setup::default() }).await;
    let (code, message, remedy) = world.get_as("bob", "/whoami").await.error();
    assert_eq!(code, "SERVICE_NOT_TRUSTED", "{message}");
    assert!(remedy.contains("HTTP/mcp-server.example.test"), "{remedy}");
}

#[tokio::test(start_paused = true)]
async fn targets_that_the_directory_does_not_grant() {
    let change = |configuration: &mut serde_json::Value| {
        let targets = configuration["targets"].as_array_mut().unwrap();
        targets.push(json!({
            "name": "unknown", "kind": "http", "url": "http://unknown.example.test",
            "spn": "HTTP/unknown.example.test", "dangerPlainHttp": true
        }));
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let token = world.idp.issuer.token("alice");
    let other = format!("http://{OTHER}/whoami");
    let (code, message, remedy) = world.get(&token, &other).await.error();
    assert_eq!(code, "TARGET_NOT_ALLOWED", "{message}");
    assert!(remedy.contains("msDS-AllowedToDelegateTo"), "{remedy}");
    assert!(remedy.contains(&format!("HTTP/{OTHER}")), "{remedy}");
    assert_eq!(world.visits(OTHER), []);
    let (code, message, remedy) =
        world.get(&token, "http://unknown.example.test/whoami").await.error();
    assert_eq!(code, "TARGET_UNKNOWN_TO_KDC", "{message}");
    assert!(remedy.contains("servicePrincipalName"), "{remedy}");
}

/// The right is granted, and taken away, while the server runs.
#[tokio::test(start_paused = true)]
async fn a_right_that_is_removed_is_missed_once_tickets_are_old() {
    let world = World::new().await;
    let granted =
        |world: &World| world.kdcs.realm().account(SERVICE).unwrap().allowed_to_delegate_to.clone();
    let all = granted(&world);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    world.kdcs.realm().account_mut(SERVICE).unwrap().allowed_to_delegate_to.clear();
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"), "he has a ticket");
    assert_eq!(world.get_as("erin", "/whoami").await.code(), "TARGET_NOT_ALLOWED");
    world.time.pass(std::time::Duration::from_secs(15 * 60)).await;
    assert_eq!(world.get_as("bob", "/whoami").await.code(), "TARGET_NOT_ALLOWED");
    world.kdcs.realm().account_mut(SERVICE).unwrap().allowed_to_delegate_to = all;
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"));
}
