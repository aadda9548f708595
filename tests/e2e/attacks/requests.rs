//! Calls that nobody wants any more end, at the resource too; requests that are none leave a record.

use std::time::Duration;

use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::lab;

const PATIENCE: Duration = Duration::from_secs(10);

/// A web application that takes requests and never answers.
struct Silent {
    listener: TcpListener,
    url: String,
}

impl Silent {
    async fn start(lab: &Lab, setup: &mut Setup) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        setup.targets.push(json!({
            "name": "silent", "kind": "http", "url": url,
            "spn": format!("HTTP/{}", lab.var("WEB_HOST")), "dangerPlainHttp": true
        }));
        Self { listener, url }
    }

    /// The next request's connection, once the request's first octets have come.
    async fn request(&self) -> TcpStream {
        let accepted = timeout(PATIENCE, self.listener.accept()).await.expect("a request");
        let mut stream = accepted.expect("a connection").0;
        stream.read_u8().await.expect("a request");
        stream
    }
}

/// Waits until the other side has closed the connection.
async fn closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    let _reset_or_closed = end.expect("the connection to the resource is closed");
}

fn call(server: &Server, token: &str, id: Value, method: &str, url: &str) -> JoinHandle<Value> {
    let message = json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {
            "name": "kerberos-http-request",
            "arguments": { "url": url, "method": method, "body": "x" }
        }
    });
    let request = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = request.post(server.url()).bearer_auth(token).json(&message);
    tokio::spawn(async move {
        let answer = request.send().await.expect("an answer").bytes().await.expect("its body");
        serde_json::from_slice(&answer).expect("JSON")
    })
}

/// The closing record of the server's only call.
async fn closing_record(server: &Server) -> Value {
    for _ in 0..100 {
        let records = server.audit_records();
        if let Some(record) = records.iter().find(|record| record["phase"] == "closing") {
            return record.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no closing record: {:#?}", server.audit_records());
}

#[tokio::test]
async fn a_cancelled_call_ends_at_the_resource_too() {
    let lab = lab!();
    let issuer = issuer().await;
    for method in ["GET", "POST", "DELETE"] {
        let mut setup = Setup::new(lab, &issuer.url());
        let silent = Silent::start(lab, &mut setup).await;
        let server = Server::start(lab, &setup);
        let token = issuer.token("alice");
        let running = call(&server, &token, json!("a"), method, &silent.url);
        let request = silent.request().await;

        let cancel = |token: String, id: &str| {
            let message = json!({
                "jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": { "requestId": id, "reason": "changed my mind" }
            });
            server.post(Some(token), message)
        };
        // Somebody else's notification, and one that names no call, change nothing.
        assert_eq!(cancel(issuer.token("bob"), "a").await.status, 202);
        assert_eq!(cancel(token.clone(), "b").await.status, 202);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!running.is_finished());

        assert_eq!(cancel(token, "a").await.status, 202);
        closed(request).await;
        let answer = timeout(PATIENCE, running).await.expect("an answer").expect("no panic");
        assert_eq!(answer["result"]["structuredContent"]["error"]["code"], "CANCELLED");
        let record = closing_record(&server).await;
        assert_eq!(record["outcome"], "CANCELLED", "{record:#}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_call_at_the_resource_too() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    let silent = Silent::start(lab, &mut setup).await;
    let server = Server::start(lab, &setup);
    let log = server.log();
    let running = call(&server, &issuer.token("alice"), json!(1), "DELETE", &silent.url);
    let request = silent.request().await;
    running.abort();
    closed(request).await;
    let record = closing_record(&server).await;
    assert_eq!(record["outcome"], "CANCELLED", "{record:#}");
    // That clients go away is no fault of anybody's: one line, and no error.
    let line = log.line(|line| line.contains("CANCELLED"));
    assert!(line.is_some_and(|line| line.contains("\"INFO\"")), "{}", log.since());
    let lines = log.since();
    assert!(!lines.contains("\"ERROR\"") && !lines.contains("\"WARN\""), "{lines}");
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[tokio::test]
async fn a_malformed_call_leaves_its_record_and_costs_nothing() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token("alice");
    let message = |params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let text = json!({ "name": "kerberos-file-read", "arguments": "{\"path\":\"//a/b/c\"}" });
    let answer = server.post(Some(&token), message(text)).await;
    assert_eq!((answer.status, &answer.body["error"]["code"]), (400, &json!(-32602)));
    let unknown = json!({ "name": "read\n\u{202e}", "arguments": {} });
    let answer = server.post(Some(&token), message(unknown)).await;
    assert_eq!((answer.status, &answer.body["error"]["code"]), (200, &json!(-32602)));
    let extra = json!({ "name": "user-info", "arguments": { "user": "bob" } });
    let answer = server.post(Some(&token), message(extra)).await;
    assert_eq!(answer.code(), "INVALID_ARGUMENT");

    let records = server.audit_records();
    let tools: Vec<_> = records.iter().map(|record| &record["tool"]).collect();
    assert_eq!(tools, ["kerberos-file-read", "unknown", "user-info"], "{records:#?}");
    assert!(records.iter().all(|record| record["outcome"] == "INVALID_ARGUMENT"), "{records:#?}");
    assert!(records.iter().all(|record| record["subject"] == "alice"), "{records:#?}");
    assert_eq!(issuer.exchanges(), 0, "no exchange");
}
