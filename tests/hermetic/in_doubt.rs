//! What went out to a resource and was not answered may have been done: whoever asked is told so and not
//! to do it again without a look, and so is the record.

use std::time::Duration;

use krb_tests::Answer;
use krb_tests::world::directory::WEBAPP;
use krb_tests::world::{Is, Setup, SiteIs, World};
use serde_json::{Value, json};
use tokio::time::timeout;

const NEVER: SiteIs = SiteIs::Slow(Duration::from_secs(3600));
const MAYBE: &str = "it may have been done";

async fn world() -> World {
    let change = |configuration: &mut Value| {
        configuration["server"]["callTimeoutSeconds"] = json!(7);
        configuration["audit"]["file"] = json!("audit/audit.jsonl");
    };
    let before = |folder: &std::path::Path| std::fs::create_dir(folder.join("audit")).unwrap();
    World::with(Setup { change, before, ..Setup::default() }).await
}

async fn ask(world: &World, method: &str) -> Answer {
    let arguments = json!({ "url": World::url("/orders"), "method": method });
    world.call(Some(&world.idp.issuer.token("bob")), "kerberos-http-request", arguments).await
}

/// Whether a failed call is said to be one that may be made again.
fn is_retryable(answer: &Answer) -> bool {
    answer.body["result"]["structuredContent"]["error"]["retryable"].as_bool().unwrap()
}

fn records(world: &World) -> Vec<Value> {
    let text = std::fs::read_to_string(world.folder().join("audit/audit.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_may_have_been_done_unless_it_only_reads() {
    for (site, code) in [(NEVER, "RESOURCE_TIMEOUT"), (SiteIs::Broken, "RESOURCE_UNREACHABLE")] {
        let world = world().await;
        world.set_site(WEBAPP, site);
        for (method, is_read, is_repeated) in [
            ("GET", true, true),
            ("HEAD", true, true),
            ("POST", false, false),
            ("PATCH", false, false),
            // RFC 9110 section 9.2.2: done twice is done once.
            ("PUT", false, true),
            ("DELETE", false, true),
        ] {
            let answer = ask(&world, method).await;
            let (found, message, remedy) = answer.error();
            assert_eq!(found, code, "{method}: {message}");
            assert_eq!(is_retryable(&answer), is_repeated, "{method}: {remedy}");
            assert_eq!(message.contains(MAYBE), !is_read, "{method}: {message}");
            assert!(!message.contains("not done"), "{method}: {message}");
            assert_eq!(remedy.contains("look before"), !is_repeated, "{method}: {remedy}");
            let record = records(&world).pop().unwrap();
            assert_eq!((&record["outcome"], &record["error"]), (&json!(code), &json!(message)));
            // Nobody knows, and nobody says, that it was not done.
            let expected = if is_read { json!(false) } else { Value::Null };
            assert_eq!(record["success"], expected, "{method}: {record}");
        }
    }
}

/// What certainly did not go out, and what the resource refused, was not done.
#[tokio::test(start_paused = true)]
async fn what_did_not_go_out_or_was_refused_was_not_done() {
    let world = world().await;
    let was_not_done = async |expected: &str, is_repeated: bool| {
        let answer = ask(&world, "POST").await;
        let (code, message, _) = answer.error();
        assert_eq!(code, expected, "{message}");
        assert!(!message.contains(MAYBE), "{message}");
        assert_eq!(is_retryable(&answer), is_repeated, "{message}");
        assert_eq!(records(&world).pop().unwrap()["success"], false);
    };
    world.set_site(WEBAPP, SiteIs::Down);
    was_not_done("RESOURCE_UNREACHABLE", true).await;
    world.set_site(WEBAPP, SiteIs::Up);
    // 401: it takes no ticket of that time.
    world.web_clock.set_wrong_by(3600);
    was_not_done("RESOURCE_REFUSED", false).await;
    // It has no ticket any more, and gets none.
    world.time.pass(Duration::from_secs(15 * 60)).await;
    world.kdcs.set_all(Is::Frozen);
    was_not_done("DEADLINE_EXCEEDED", true).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_waited_for_is_not_said_to_have_failed() {
    for (method, success) in [("POST", Value::Null), ("GET", json!(false))] {
        let world = world().await;
        world.set_site(WEBAPP, NEVER);
        assert!(timeout(Duration::from_secs(1), ask(&world, method)).await.is_err());
        world.time.pass(Duration::from_secs(60)).await;
        let record = records(&world).pop().unwrap();
        assert_eq!(record["phase"], "closing", "{record}");
        assert!(["CANCELLED", "ABANDONED"].contains(&record["outcome"].as_str().unwrap()));
        assert_eq!(record["success"], success, "{method}: {record}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_withheld_may_have_been_one() {
    let world = world().await;
    let (log, away) = (world.folder().join("audit"), world.folder().join("away"));
    world.sites.before_connecting(move || {
        let _ = std::fs::rename(&log, &away);
    });
    let answer = ask(&world, "POST").await;
    let (code, message, remedy) = answer.error();
    assert_eq!(code, "AUDIT_UNAVAILABLE", "{message}");
    assert_eq!(world.visits(WEBAPP).len(), 1, "he was there");
    assert!(message.contains(MAYBE) && remedy.contains("look before"), "{message} {remedy}");
    assert!(!is_retryable(&answer), "{remedy}");
}
