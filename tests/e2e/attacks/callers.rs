//! A caller with a good token and bad manners: the others are served, the disk is not filled.

use std::sync::Arc;
use std::time::Duration;

use krb_tests::{Answer, Server, Setup, issuer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::lab;

const ONLY_THE_WEB: &str = "@id(\"web\") permit (principal, action == Action::\"http:get\", \
                            resource == Target::\"webapp\");";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_calls_in_floods_are_counted_and_concern_nobody_else() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.policy = ONLY_THE_WEB.into();
    let server = Arc::new(Server::start(lab, &setup));
    let (alice, bob) = (issuer.token("alice"), issuer.token("bob"));
    let path = lab.unc("reports/data.csv");

    let mut calls = JoinSet::new();
    let places = Arc::new(Semaphore::new(32));
    for _ in 0..1000 {
        let (server, alice, path) = (server.clone(), alice.clone(), path.clone());
        let place = places.clone().acquire_owned().await.expect("a place");
        calls.spawn(async move {
            let code = server.read(&alice, &path).await.code();
            drop(place);
            code
        });
    }
    let codes = calls.join_all().await;
    let limited = codes.iter().filter(|code| *code == "TOO_MANY_CALLS").count();
    let denied = codes.iter().filter(|code| *code == "POLICY_DENIED").count();
    assert_eq!(limited + denied, 1000, "{codes:?}");
    assert!(limited > 100, "{limited} of 1000 were refused unheard");

    let (_, message, remedy) = server.read(&alice, &path).await.error();
    assert!(message.contains("too many calls") && remedy.contains("10 seconds"), "{message}");
    assert_eq!(server.get(&bob, &lab.url("/whoami")).await.data()["status"], 200);

    let records = server.audit_records();
    let lines = |phase: &str| -> Vec<_> {
        records.iter().filter(|record| record["phase"] == phase).collect()
    };
    assert_eq!(lines("denied").len(), denied);
    // The minute's first, and a count for each minute that is over.
    let counted = lines("limited");
    assert!((1..=4).contains(&counted.len()), "{counted:#?}");
    assert!(counted.iter().all(|record| record["subject"] == "alice"), "{counted:#?}");
}

/// Announces a body that does not come.
async fn announce(server: &Server, token: &str) -> TcpStream {
    let url = server.url();
    let address = url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    stream
}

#[tokio::test]
async fn one_caller_cannot_hold_all_places() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let (alice, bob) = (issuer.token("alice"), issuer.token("bob"));
    // The issuer's keys are fetched; those who wait for them come in any order.
    assert_eq!(server.call(Some(&bob), "user-info", json!({})).await.status, 200);
    let mut held = JoinSet::new();
    for _ in 0..150 {
        let mut stream = announce(&server, &alice).await;
        held.spawn(async move {
            let mut text = Vec::new();
            while !text.ends_with(b"}") {
                assert!(stream.read_buf(&mut text).await.expect("an answer") > 0);
            }
            text
        });
    }
    // Those beyond her share are told so, in a form that clients show. Which they are is as it comes:
    // their tokens are verified side by side.
    let first = timeout(Duration::from_secs(10), held.join_next()).await;
    let text = first.expect("an answer in time").expect("one").expect("an answer");
    let text = String::from_utf8(text).expect("text");
    assert!(text.starts_with("HTTP/1.1 429"), "{text}");
    assert!(text.contains("\"id\":null") && text.contains("retry-after: "), "{text}");
    let answer: Answer = server.read(&bob, &lab.unc("reports/no-such-file.csv")).await;
    assert_eq!(answer.code(), "NOT_FOUND");
    let refused = json!(server.audit_records());
    assert!(refused.to_string().contains("TOO_MANY_CALLS"), "{refused:#}");
}
