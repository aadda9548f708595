//! Names are not identities: who is asked for is who arrives, or nobody.

use krb_proto::kdc::Asked;
use krb_tests::world::directory::{SERVICE, WEBAPP, sid};
use krb_tests::world::{Setup, World, count};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn alices_name_in_any_case_reaches_exactly_her_account() {
    let world = World::new().await;
    for name in ["ALICE_ADMIN", "alice_admin", "Alice_Admin"] {
        let answer = world.get_as(name, "/documents/alice").await;
        let read: Value = serde_json::from_str(answer.content()).unwrap();
        assert_eq!(read["readBy"]["principal"], "ALICE_ADMIN@EXAMPLE.TEST", "{name}");
        assert_eq!(read["readBy"]["account"], "ALICE_ADMIN", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn decoys_are_never_reached_and_never_passed_off() {
    let world = World::new().await;
    // `alice` is an account, and the UPN of another one; the KDC takes the UPN.
    for (name, found) in [("alice", "ALICE_ADMIN"), ("ben", "molly")] {
        let (code, message, remedy) = world.get_as(name, "/whoami").await.error();
        assert_eq!(code, "NAME_MISMATCH", "{message}");
        assert!(message.contains(name) && message.contains(found), "names both: {message}");
        assert!(remedy.contains("userPrincipalName"), "{remedy}");
    }
    // Two accounts share hal's UPN, so the KDC finds neither.
    let (code, message, _) = world.get_as("hal", "/whoami").await.error();
    assert_eq!(code, "USER_UNKNOWN", "{message}");
    assert_eq!(count(&world.kdcs.take_seen(), Asked::S4uProxy), 0);
    assert_eq!(world.visits(WEBAPP), []);
}

#[tokio::test(start_paused = true)]
async fn people_with_unusual_names_arrive_as_themselves() {
    let world = World::new().await;
    for user in ["erin", "rené", "rene", "many"] {
        let answer = world.get_as(user, "/whoami").await;
        let whoami: Value = serde_json::from_str(answer.content()).unwrap();
        assert_eq!(whoami["account"], user);
        assert_eq!(whoami["sid"], sid(&world.kdcs.realm(), user).to_string(), "{user}");
    }
}

#[tokio::test(start_paused = true)]
async fn administrators_machines_and_the_service_itself_are_never_impersonated() {
    let world = World::new().await;
    for name in ["Administrator", "dora", SERVICE, "SVC-MCP-SERVER", "DC1$", "FILESERVER$"] {
        let (code, message, _) = world.get_as(name, "/whoami").await.error();
        assert_eq!(code, "NEVER_IMPERSONATED", "{name}: {message}");
    }
    assert_eq!(count(&world.kdcs.take_seen(), Asked::S4uProxy), 0);
    let records = world.audit_records().await;
    let closed = records.iter().filter(|record| record["phase"] == "closing");
    assert!(closed.clone().all(|record| record["outcome"] == "NEVER_IMPERSONATED"));
    assert_eq!(closed.count(), 6);
}

#[tokio::test(start_paused = true)]
async fn the_operators_own_list_and_allow_list_hold() {
    let change = |configuration: &mut Value| {
        configuration["kerberos"]["neverImpersonate"] = json!({ "accounts": ["BOB"] });
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let (code, message, _) = world.get_as("bob", "/whoami").await.error();
    assert_eq!(code, "NEVER_IMPERSONATED", "{message}");
    assert!(message.contains("neverImpersonate.accounts"), "{message}");

    // The SID of the staff, which comes from the realm's name.
    let staff = world.kdcs.realm().domain_sid().with_rid(1600).unwrap().to_string();
    assert_eq!(staff, STAFF_SID);
    let change = |configuration: &mut Value| {
        configuration["kerberos"]["onlyMembersOf"] = json!([STAFF_SID]);
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let (code, message, _) = world.get_as("bob", "/whoami").await.error();
    assert_eq!(code, "NEVER_IMPERSONATED", "{message}");
    assert!(message.contains("onlyMembersOf"), "{message}");
    assert!(world.get_as("erin", "/whoami").await.content().contains("erin"));
}

const STAFF_SID: &str = "S-1-5-21-2623342422-1404981874-3605576343-1600";

#[tokio::test(start_paused = true)]
async fn what_is_no_bare_account_name_never_leaves_for_the_kdc() {
    let world = World::new().await;
    for name in ["alice@example.test", "EXAMPLE\\alice", "a/b", "alice\0", " alice", "alice ", ""] {
        assert_eq!(world.get_as(name, "/whoami").await.code(), "LEGACY_NAME_REFUSED", "{name:?}");
    }
    assert_eq!(world.kdcs.take_seen().len(), 0, "no KDC traffic");
}
