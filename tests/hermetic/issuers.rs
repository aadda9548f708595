//! A second issuer is believed as far as it is declared, and no further.

use krb_proto::kdc::Asked;
use krb_tests::Answer;
use krb_tests::world::directory::WEBAPP;
use krb_tests::world::{Idp, Setup, World, count};
use serde_json::{Value, json};

/// The staff's SID, which comes from the realm's name.
const STAFF_SID: &str = "S-1-5-21-2623342422-1404981874-3605576343-1600";

/// A world that is configured so.
async fn world(change: fn(&mut Value)) -> World {
    World::with(Setup { change, ..Setup::default() }).await
}

fn second_issuer(configuration: &mut Value, may_assert: Value) {
    let idps = &mut configuration["auth"]["trustedIDPs"];
    idps[0]["mayAssert"] = json!({ "realms": ["EXAMPLE.TEST"] });
    let mut other = idps[0].clone();
    other["name"] = "partner".into();
    other["issuer"] = Idp::OTHER_URL.into();
    other["mayAssert"] = may_assert;
    other["tokenExchange"] = json!({
        "tokenEndpoint": format!("{}/token", Idp::OTHER_URL), "clientId": "mcp-oauth",
        "clientSecret": "mcp-oauth-secret", "audience": "mcp-oauth"
    });
    idps.as_array_mut().expect("a list").push(other);
}

/// As the user of the second issuer whose account has this name.
async fn as_theirs(world: &World, name: &str) -> Answer {
    let token = world.idp.other.token_for(name);
    world.get(&token, &World::url("/whoami")).await
}

#[tokio::test(start_paused = true)]
async fn a_second_issuer_that_asserts_alice_is_refused_and_no_ticket_is_asked_for() {
    for change in [
        |c: &mut Value| second_issuer(c, json!({ "realms": ["PARTNER.TEST"] })),
        |c: &mut Value| second_issuer(c, json!({ "groups": ["S-1-5-21-1-2-3-1600"] })),
        |c: &mut Value| second_issuer(c, json!({ "upnSuffixes": ["partner.test"] })),
        |c: &mut Value| second_issuer(c, json!({ "accounts": ["S-1-5-21-1-2-3-1600"] })),
        |c: &mut Value| {
            second_issuer(c, json!({ "realms": ["EXAMPLE.TEST"], "accounts": ["bob"] }));
        },
    ] {
        let world = world(change).await;
        let (code, message, remedy) = as_theirs(&world, "ALICE_ADMIN").await.error();
        assert_eq!(code, "ISSUER_MAY_NOT_ASSERT", "{message}");
        assert!(remedy.contains(Idp::OTHER_URL), "{remedy}");
        // In the decoy's name and in small letters it is the same.
        assert_ne!(as_theirs(&world, "alice_admin").await.body["result"]["isError"], false);
        assert_eq!(count(&world.kdcs.take_seen(), Asked::S4uProxy), 0);
        assert_eq!(world.visits(WEBAPP), []);
        let records = world.audit_records().await;
        let ends = records.iter().filter(|record| record["outcome"] == "ISSUER_MAY_NOT_ASSERT");
        assert!(ends.count() >= 2, "{records:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_is_proven_by_the_kdc_and_not_by_the_token() {
    let world = world(|c| second_issuer(c, json!({ "groups": [STAFF_SID] }))).await;
    assert_eq!(world.kdcs.realm().domain_sid().with_rid(1600).unwrap().to_string(), STAFF_SID);
    assert!(as_theirs(&world, "erin").await.content().contains("erin"));
    assert_eq!(as_theirs(&world, "bob").await.code(), "ISSUER_MAY_NOT_ASSERT");
}

#[tokio::test(start_paused = true)]
async fn a_upn_leads_to_its_account_and_to_nobody_elses() {
    let by_upn = |c: &mut Value| {
        second_issuer(c, json!({ "upnSuffixes": ["example.test"] }));
        c["auth"]["trustedIDPs"][1]["claimMappings"] = json!({ "upn": "legacy_name" });
    };
    let world = world(by_upn).await;
    // alice@ is ALICE_ADMIN's and ben@ molly's, whoever has the bare names.
    for (upn, account) in [
        ("alice@example.test", "ALICE_ADMIN"),
        ("Alice@EXAMPLE.test", "ALICE_ADMIN"),
        ("ben@example.test", "molly"),
        ("bob@example.test", "bob"),
    ] {
        let answer = as_theirs(&world, upn).await;
        let whoami: Value = serde_json::from_str(answer.content()).unwrap();
        assert_eq!(whoami["account"], account, "{upn}");
        assert_eq!(whoami["principal"], format!("{account}@EXAMPLE.TEST"), "{upn}");
    }
    // ben's own UPN is his, but by his name the KDC takes molly: nobody is reached.
    assert_eq!(as_theirs(&world, "ben.decoy@example.test").await.code(), "NAME_MISMATCH");
    for (upn, code) in [
        ("hal@example.test", "USER_UNKNOWN"),
        ("nobody@example.test", "USER_UNKNOWN"),
        ("alice@evil.test", "ISSUER_MAY_NOT_ASSERT"),
        ("alice", "LEGACY_NAME_REFUSED"),
        ("dora@example.test", "NEVER_IMPERSONATED"),
    ] {
        assert_eq!(as_theirs(&world, upn).await.code(), code, "{upn}");
    }
}
