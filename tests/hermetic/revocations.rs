//! Whose access is ended, by the command's own way: the files of the state.

use std::time::Duration;

use krb_client::Clock as _;
use krb_delegation::state::{Operator, StateConfig, Whose};
use krb_proto::kdc::Asked;
use krb_tests::world::directory::{INTRANET, SERVICE_AS_ITSELF, WEBAPP, sid};
use krb_tests::world::{Idp, Setup, SiteIs, World, count, further_account};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

async fn world() -> World {
    let change = |configuration: &mut Value| {
        configuration["state"] = json!({ "directory": "state" });
    };
    World::with(Setup { change, ..Setup::default() }).await
}

fn operator(world: &World) -> Operator {
    let directory = Some(world.folder().join("state"));
    Operator::new(&StateConfig { directory, ..StateConfig::default() }).unwrap()
}

/// The access is ended, and a second later everybody knows.
async fn revoke(world: &World, whose: &Whose) {
    operator(world).revoke(whose.clone(), world.clock.now().seconds.unix()).unwrap();
    world.time.pass(SECOND).await;
}

fn account(name: &str) -> Whose {
    Whose::Account { account: name.into() }
}

fn account_sid(world: &World, name: &str) -> Whose {
    Whose::Sid { sid: sid(&world.kdcs.realm(), name).to_string() }
}

async fn sees_bob(world: &World) -> bool {
    world.get_as("bob", "/whoami").await.content().contains("bob")
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_access_is_ended_reaches_nothing_until_that_is_lifted() {
    for by_sid in [false, true] {
        let world = world().await;
        let whose = if by_sid { account_sid(&world, "bob") } else { account("BOB") };
        assert!(sees_bob(&world).await);
        let visits = world.visits(WEBAPP).len();
        revoke(&world, &whose).await;
        // A login after it changes nothing, and neither do the tickets that are there.
        let (code, message, _) = world.get_as("bob", "/whoami").await.error();
        assert_eq!(code, "REVOKED", "{message}");
        assert_eq!(world.visits(WEBAPP).len(), visits, "the resource was not asked");
        assert!(world.get_as("erin", "/whoami").await.content().contains("erin"));

        operator(&world).lift(&whose, world.clock.now().seconds.unix()).unwrap();
        world.time.pass(SECOND).await;
        world.kdcs.take_seen();
        assert!(sees_bob(&world).await);
        let seen = world.kdcs.take_seen();
        assert_eq!(count(&seen, Asked::S4uSelf), 1, "nothing from before is used: {by_sid}");
        assert_eq!(count(&seen, Asked::S4uProxy), 1);
        assert!(sees_bob(&world).await);
        assert_eq!(world.kdcs.take_seen().len(), 0, "and what is new is");
    }
}

/// Exchanges are kept by the caller, who is another name than the account's that is revoked.
#[tokio::test(start_paused = true)]
async fn what_was_exchanged_before_is_not_used_after_it_even_when_it_was_lifted() {
    let change = |configuration: &mut Value| {
        configuration["state"] = json!({ "directory": "state" });
        configuration["delegation"]["tokenExchange"]["cache"] = json!({ "enabled": true });
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let token = world.idp.issuer.token("bob");
    let is_new = async || {
        let answer = world.call(Some(&token), "user-info", json!({})).await;
        format!("{answer:?}").contains("new-role")
    };
    assert!(!is_new().await);
    world.idp.issuer.claim_in_exchanges("roles", json!(["new-role"]));
    assert!(!is_new().await, "what was exchanged is kept");
    revoke(&world, &account("BOB")).await;
    operator(&world).lift(&account("BOB"), world.clock.now().seconds.unix()).unwrap();
    world.time.pass(SECOND).await;
    assert!(is_new().await);
}

#[tokio::test(start_paused = true)]
async fn tokens_from_before_are_refused_and_who_logs_in_again_is_let_in() {
    let world = world().await;
    let token = world.idp.issuer.token_for("bob");
    assert!(world.get(&token, &World::url("/whoami")).await.content().contains("bob"));
    let whose = Whose::Subject { issuer: Idp::URL.into(), subject: "user-of-bob".into() };
    revoke(&world, &whose).await;
    let answer = world.get(&token, &World::url("/whoami")).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let challenge = answer.challenge.unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(challenge.contains("an operator revoked this user's access"), "{challenge}");
    // The issuer's clock may be ahead by a minute, so tokens are taken for a minute older.
    world.time.pass(58 * SECOND).await;
    let status = async || {
        let token = world.idp.issuer.token_for("bob");
        world.get(&token, &World::url("/whoami")).await.status
    };
    assert_eq!(status().await, 401);
    world.time.pass(2 * SECOND).await;
    assert_eq!(status().await, 200);
    let other = world.idp.issuer.token_for("erin");
    assert_eq!(world.get(&other, &World::url("/whoami")).await.status, 200);
}

/// Calls on their way end, whatever they wait for.
#[tokio::test(start_paused = true)]
async fn a_call_on_its_way_ends_within_a_second() {
    for which in 0..3 {
        let world = world().await;
        let whose = match which {
            0 => account("bob"),
            1 => account_sid(&world, "bob"),
            _ => Whose::Subject { issuer: Idp::URL.into(), subject: "user-of-bob".into() },
        };
        world.set_site(WEBAPP, SiteIs::Slow(20 * SECOND));
        let begun = tokio::time::Instant::now();
        let (answer, erins, ()) = tokio::join!(
            async {
                let answer = world.get_as("bob", "/whoami").await;
                (answer.code(), begun.elapsed())
            },
            world.get_as("erin", "/whoami"),
            async {
                world.time.pass(5 * SECOND).await;
                revoke(&world, &whose).await;
            }
        );
        assert_eq!(answer.0, "REVOKED", "{whose:?}");
        assert!((5 * SECOND..6 * SECOND).contains(&answer.1), "{:?}", answer.1);
        assert!(erins.content().contains("erin"), "hers goes on");
        let records = world.audit_records().await;
        let closed = records.iter().find(|record| record["outcome"] == "REVOKED");
        assert!(closed.is_some(), "{records:#?}");
    }
}

/// Where no evidence says whose account it is, the token does: by the claims that are mapped.
#[tokio::test(start_paused = true)]
async fn an_account_that_only_the_token_names_is_revoked_by_what_it_says() {
    fn change(configuration: &mut Value, mappings: Value) {
        configuration["state"] = json!({ "directory": "state" });
        let account = further_account(configuration, "reports", SERVICE_AS_ITSELF);
        account["delegation"] = json!({ "mode": "service-account" });
        configuration["targets"][1]["account"] = json!("reports");
        configuration["auth"]["trustedIDPs"][0]["claimMappings"] = mappings;
    }
    let changes: [(fn(&mut Value), _); 2] = [
        (|configuration| change(configuration, json!({ "sid": "object_sid" })), true),
        (|configuration| change(configuration, json!({ "upn": "upn" })), false),
    ];
    let policy = r#"
        @id("info") permit (principal, action == Action::"user:info", resource);
        @id("reports") permit (principal, action == Action::"http:get",
                               resource == Target::"intranet")
            when { context.path == "/whoami" };
    "#;
    for (change, is_by_sid) in changes {
        let world = World::with(Setup { change, policy: policy.into(), ..Setup::default() }).await;
        let bob = sid(&world.kdcs.realm(), "bob").to_string();
        world.idp.issuer.claim_in_exchanges("object_sid", bob);
        world.idp.issuer.claim_in_exchanges("upn", "bob@example.test");
        let token = world.idp.issuer.token_for("bob");
        let url = format!("http://{INTRANET}/whoami");
        assert!(world.get(&token, &url).await.content().contains(SERVICE_AS_ITSELF));
        let visits = world.visits(INTRANET).len();
        let by_upn = account("Bob@Example.Test");
        let whose = if is_by_sid { account_sid(&world, "bob") } else { by_upn };
        revoke(&world, &whose).await;
        assert_eq!(world.get(&token, &url).await.code(), "REVOKED");
        assert_eq!(world.visits(INTRANET).len(), visits, "the resource was not asked");
        let told = world.call(Some(&token), "user-info", json!({})).await;
        assert_eq!(told.code(), "REVOKED");
    }
}

#[tokio::test(start_paused = true)]
async fn when_it_cannot_be_read_who_was_revoked_nobody_is_served() {
    let world = world().await;
    revoke(&world, &account("mallory")).await;
    assert!(sees_bob(&world).await);
    let file = world.folder().join("state/revocations");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("mallory", "marvin")).unwrap();
    world.time.pass(SECOND).await;
    let (code, _, remedy) = world.get_as("bob", "/whoami").await.error();
    assert_eq!((&*code, remedy.contains("state.directory")), ("STATE_UNAVAILABLE", true));
    std::fs::write(&file, text).unwrap();
    world.time.pass(SECOND).await;
    assert!(sees_bob(&world).await);
}
