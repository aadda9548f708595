//! Several service accounts, of one realm and of two: each target is reached by its own.

use krb_proto::kdc::Asked;
use krb_tests::world::directory::{
    INTRANET, SECOND_REALM, SECOND_SERVICE, SECOND_WEBAPP, SERVICE, WEBAPP, sid,
};
use krb_tests::world::{Is, SECOND_KDC, Seen, Setup, World, further_account};
use serde_json::{Value, json};

/// A second account of the same realm: for one target that it may delegate to, and for one that it
/// may not.
fn two_accounts(configuration: &mut Value) {
    further_account(configuration, "second", SECOND_SERVICE);
    configuration["targets"][1]["account"] = json!("second");
    configuration["targets"][2]["account"] = json!("second");
}

/// The account of the same name in another realm, for an application there.
fn two_realms(configuration: &mut Value) {
    configuration["kerberos"]["accounts"] = json!({ "abroad": {
        "servicePrincipalName": "HTTP/mcp-server.second.test",
        "realm": SECOND_REALM,
        "serviceAccount": { "username": SERVICE, "keytab": "second-realm.keytab" },
        "kdcs": [krb_tests::world::Kdcs::address(SECOND_KDC)]
    } });
    configuration["targets"].as_array_mut().unwrap().push(json!({
        "name": "abroad", "kind": "http", "url": format!("http://{SECOND_WEBAPP}"),
        "spn": format!("HTTP/{SECOND_WEBAPP}"), "dangerPlainHttp": true, "account": "abroad"
    }));
}

async fn world(change: fn(&mut Value)) -> World {
    World::with(Setup { change, ..Setup::default() }).await
}

/// Who asked for what.
fn asked(seen: &[Seen], asked: Asked) -> Vec<String> {
    let of = |seen: &&Seen| seen.event.asked == asked;
    let who = |seen: &Seen| seen.event.client.as_ref().map(ToString::to_string);
    seen.iter().filter(of).filter_map(who).collect()
}

#[tokio::test(start_paused = true)]
async fn each_target_is_reached_by_its_own_account() {
    let world = world(two_accounts).await;
    let token = world.idp.issuer.token_for("bob");
    for (host, account) in [(WEBAPP, SERVICE), (INTRANET, SECOND_SERVICE)] {
        let answer = world.get(&token, &format!("http://{host}/whoami")).await;
        assert!(answer.content().contains("bob"), "{host}");
        let seen = world.kdcs.take_seen();
        let account = format!("{account}@EXAMPLE.TEST");
        for kind in [Asked::S4uSelf, Asked::S4uProxy] {
            let asked = asked(&seen, kind);
            assert!(!asked.is_empty() && asked.iter().all(|who| *who == account), "{asked:?}");
        }
    }
    // Warm, nobody is asked, and each still has its own ticket.
    for host in [INTRANET, WEBAPP] {
        let answer = world.get(&token, &format!("http://{host}/whoami")).await;
        assert!(answer.content().contains("bob"), "{host}");
    }
    assert_eq!(world.kdcs.take_seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_one_account_may_delegate_to_is_no_other_ones() {
    let change = |configuration: &mut Value| {
        two_accounts(configuration);
        configuration["targets"][0]["account"] = json!("second");
    };
    let world = world(change).await;
    let (code, message, remedy) = world.get_as("bob", "/whoami").await.error();
    assert_eq!(code, "TARGET_NOT_ALLOWED", "{message}");
    assert!(message.contains(SECOND_SERVICE) && remedy.contains(SECOND_SERVICE), "{remedy}");
    assert!(!remedy.contains(SERVICE), "{remedy}");
    let seen = world.kdcs.take_seen();
    assert_eq!(asked(&seen, Asked::S4uProxy), [format!("{SECOND_SERVICE}@EXAMPLE.TEST")]);
    assert_eq!(world.visits(WEBAPP), []);
}

#[tokio::test(start_paused = true)]
async fn accounts_of_one_name_in_two_realms_share_nothing() {
    let world = world(two_realms).await;
    let token = world.idp.issuer.token_for("ALICE_ADMIN");
    let abroad = format!("http://{SECOND_WEBAPP}/whoami");
    for _ in 0..2 {
        for (url, realm, kdcs) in [
            (World::url("/whoami"), "EXAMPLE.TEST", &world.kdcs),
            (abroad.clone(), SECOND_REALM, &world.second),
        ] {
            let answer = world.get(&token, &url).await;
            let whoami: Value = serde_json::from_str(answer.content()).unwrap();
            assert_eq!(whoami["principal"], format!("ALICE_ADMIN@{realm}"));
            assert_eq!(whoami["sid"], sid(&kdcs.realm(), "ALICE_ADMIN").to_string());
        }
    }
    let service = |seen: &Seen| seen.event.client.as_ref().map(|client| client.realm.clone());
    for (kdcs, realm) in [(&world.kdcs, "EXAMPLE.TEST"), (&world.second, SECOND_REALM)] {
        let seen = kdcs.take_seen();
        assert_eq!(asked(&seen, Asked::S4uProxy).len(), 1, "{realm}: once, then kept");
        assert!(seen.iter().filter_map(service).all(|of| of == realm.as_bytes()), "{seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_realm_that_is_away_takes_no_other_one_with_it() {
    let world = world(two_realms).await;
    world.second.set(SECOND_KDC, Is::Stopped);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    let token = world.idp.issuer.token_for("bob");
    let abroad = format!("http://{SECOND_WEBAPP}/whoami");
    let (code, message, remedy) = world.get(&token, &abroad).await.error();
    assert_eq!(code, "KDC_UNREACHABLE", "{message}");
    assert!(remedy.contains("kerberos.accounts.abroad.kdcs"), "{remedy}");
    // The other way round, bob of the other realm is another account, and the first one's pin does
    // not stand in its way.
    world.second.set(SECOND_KDC, Is::Up);
    world.kdcs.set_all(Is::Stopped);
    assert!(world.get(&token, &abroad).await.content().contains("bob@SECOND.TEST"));
}

#[tokio::test(start_paused = true)]
async fn a_sid_claim_means_its_account_in_whatever_realm() {
    let change = |configuration: &mut Value| {
        two_realms(configuration);
        configuration["auth"]["trustedIDPs"][0]["claimMappings"] = json!({ "sid": "object_sid" });
    };
    let world = world(change).await;
    let here = sid(&world.kdcs.realm(), "bob").to_string();
    world.idp.issuer.claim_in_exchanges("object_sid", here);
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    let token = world.idp.issuer.token_for("bob");
    let abroad = format!("http://{SECOND_WEBAPP}/whoami");
    assert_eq!(world.get(&token, &abroad).await.code(), "SID_MISMATCH", "another bob");
    assert_eq!(world.visits(SECOND_WEBAPP), []);
}

#[tokio::test(start_paused = true)]
async fn no_account_is_impersonated_by_another_one() {
    let world = world(two_accounts).await;
    for name in [SECOND_SERVICE, "SVC-SECOND", SERVICE] {
        let (code, message, _) = world.get_as(name, "/whoami").await.error();
        assert_eq!(code, "NEVER_IMPERSONATED", "{name}: {message}");
    }
    let token = world.idp.issuer.token_for(SERVICE);
    let answer = world.get(&token, &format!("http://{INTRANET}/whoami")).await;
    assert_eq!(answer.code(), "NEVER_IMPERSONATED");
}
