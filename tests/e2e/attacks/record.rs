//! Every call of a verified caller is in the file that stands at `audit.file`, however it ends.

use std::fs;
use std::path::PathBuf;

use krb_tests::logs::Mark;
use krb_tests::{Server, Setup, issuer};
use serde_json::{Value, json};

use crate::lab;

const POLICY: &str = r#"
@id("files") permit (principal, action, resource == Target::"fileserver");
@id("silent") permit (principal, action, resource == Target::"silent");
@id("self") permit (principal, action == Action::"user:info", resource);
"#;

/// The records of a file, each of whose lines must be one.
fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[tokio::test]
async fn every_call_leaves_a_record_however_it_ends() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.policy = POLICY.into();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let silent_url = format!("http://{}/", silent.local_addr().expect("its address"));
    setup.targets.push(json!({
        "name": "silent", "kind": "http", "url": silent_url,
        "spn": format!("HTTP/{}", lab.var("WEB_HOST")), "dangerPlainHttp": true
    }));
    // Enough for the first calls of a server that begins beside others.
    setup.change = |configuration| configuration["server"]["callTimeoutSeconds"] = json!(8);
    let server = Server::start(lab, &setup);
    let (alice, bob) = (issuer.token("alice"), issuer.token("bob"));
    let secret = lab.unc("reports/data.csv");

    let read = |path: &str| json!({ "path": path });
    let get = |url: &str| json!({ "url": url });
    let calls = [
        (&alice, "kerberos-file-read", read(&secret), "OK"),
        (&bob, "kerberos-file-read", read(&secret), "ACCESS_DENIED"),
        (&alice, "kerberos-http-request", get(&lab.url("/whoami")), "POLICY_DENIED"),
        (&alice, "kerberos-file-read", read(r"\\nobody\c$\x"), "UNKNOWN_TARGET"),
        (&alice, "kerberos-file-read", read("not a path"), "INVALID_ARGUMENT"),
        (&alice, "kerberos-file-read", json!({ "file": "x" }), "INVALID_ARGUMENT"),
        (&alice, "kerberos-http-request", get(&silent_url), "RESOURCE_TIMEOUT"),
        (&alice, "user-info", json!({}), "OK"),
        (&alice, "list-targets", json!({}), "OK"),
    ];
    let mut expected = Vec::new();
    for (token, tool, arguments, outcome) in calls {
        let answer = server.call(Some(token.as_str()), tool, arguments).await;
        if outcome != "OK" {
            assert_eq!(answer.code(), outcome, "{tool}");
        }
        expected.push(outcome);
    }
    issuer.answer_exchanges_for("bob");
    let swapped = server.read(&alice, &secret).await;
    assert_eq!(swapped.code(), "EXCHANGED_TOKEN_REFUSED");
    expected.push("EXCHANGED_TOKEN_REFUSED");

    let records = server.audit_records();
    let ends: Vec<&Value> = records.iter().filter(|record| record["phase"] != "intent").collect();
    let outcomes: Vec<&str> = ends.iter().filter_map(|record| record["outcome"].as_str()).collect();
    assert_eq!(outcomes, expected, "{records:#?}");
    for end in &ends {
        for field in ["timestamp", "eventId", "requestId", "tool", "issuer", "subject"] {
            assert!(end[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {end:#}");
        }
        // Whatever was done was announced.
        if let Some(intent) = end["intentId"].as_str() {
            let announced = records.iter().find(|record| record["eventId"] == intent);
            assert_eq!(announced.expect("its intent")["requestId"], end["requestId"]);
        }
    }
    let done = ends.iter().filter(|end| end["intentId"].is_string()).count();
    assert_eq!(done, 3, "alice's and bob's file, the silent application");
}

/// Where the log of the next test is: a directory of its own.
fn log_directory() -> PathBuf {
    krb_tests::lab().expect("a lab").scratch("log-that-is-taken-away")
}

#[tokio::test]
async fn a_log_that_is_taken_away_is_noticed_before_anything_is_done() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        configuration["audit"] = json!({ "file": log_directory().join("audit.jsonl") });
    };
    let directory = log_directory();
    fs::create_dir_all(&directory).expect("the log's directory");
    let file = directory.join("audit.jsonl");
    let server = Server::start(lab, &setup);
    let alice = issuer.token("alice");
    let path = lab.unc("reports/data.csv");
    let phases = || {
        let records = records(&fs::read_to_string(&file).expect("the log"));
        records
            .iter()
            .map(|r| r["phase"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(server.read(&alice, &path).await.content().contains("1,42"));
    assert_eq!(phases(), ["intent", "closing"]);

    fs::remove_file(&file).expect("removed");
    assert!(server.read(&alice, &path).await.content().contains("1,42"));
    assert_eq!(phases(), ["reopened", "intent", "closing"]);

    fs::rename(&file, directory.join("audit.jsonl.1")).expect("rotated");
    assert!(server.read(&alice, &path).await.content().contains("1,42"));
    assert_eq!(phases(), ["reopened", "intent", "closing"]);

    let file_server = Mark::end_of(lab.var("FILESERVER_AUDIT"));
    fs::remove_dir_all(&directory).expect("removed");
    let (code, _, remedy) = server.read(&alice, &path).await.error();
    assert_eq!(code, "AUDIT_UNAVAILABLE");
    assert!(remedy.contains("removed directory"), "{remedy}");
    assert_eq!(file_server.since(), "", "nothing was done");

    fs::create_dir_all(&directory).expect("the log's directory");
    assert!(server.read(&alice, &path).await.content().contains("1,42"));
    assert_eq!(phases(), ["reopened", "lost", "intent", "closing"]);
}
