//! Thousands of requests that are given up at every stage, while the log is rotated: afterwards the
//! server is as it was, and every call that it began is in the record.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use krb_tests::{Server, Setup, issuer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::lab;

const REQUESTS: usize = 1_500;
const AT_ONCE: usize = 24;
/// Megabytes.
const BOUND: usize = 24;

fn directory() -> PathBuf {
    krb_tests::lab().expect("a lab").scratch("log-that-is-rotated")
}

/// A request that is given up, the number drawing how and when.
async fn given_up(address: String, token: String, number: usize, urls: Arc<[String; 2]>) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let [silent, share] = &*urls;
    let call = |tool: &str, arguments: Value| {
        let params = json!({"name": tool, "arguments": arguments});
        let id = if number.is_multiple_of(2) {
            json!(number % 5)
        } else {
            json!((number % 5).to_string())
        };
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
    };
    let body = match number % 8 {
        0 => call("list-targets", json!({})),
        1 => call("kerberos-file-read", json!({"path": format!("{share}reports/data.csv")})),
        2 => call("kerberos-http-request", json!({"url": silent, "method": "POST", "body": "x"})),
        3 => call("kerberos-list-directory", json!("no object")),
        4 => json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": number % 5}
        })
        .to_string(),
        5 => call("kerberos-http-request", json!({"url": silent, "body": "y".repeat(200_000)})),
        6 => call("user-info", json!({"no": "such"})),
        _ => call("kerberos-list-directory", json!({"path": share})),
    };
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Somewhere in the head, in the body, behind it.
    let sent = match number / 8 % 5 {
        0 => 20 + number % 200,
        1 => request.len() - 1 - number % 40,
        _ => request.len(),
    };
    let _may_be_refused = stream.write_all(&request.as_bytes()[..sent.min(request.len())]).await;
    sleep(Duration::from_millis((number * 7 % 23) as u64)).await;
    // Some wait until their intent is written, however busy the machine is.
    let patience = match number {
        _ if number.is_multiple_of(23) => 1000,
        _ if number.is_multiple_of(3) => 5,
        _ => return,
    };
    let _ = timeout(Duration::from_millis(patience), stream.read_u8()).await;
}

async fn flood(turn: usize, server: &Server, tokens: &[String; 2], urls: &Arc<[String; 2]>) {
    let url = server.url();
    let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut all = JoinSet::new();
    for number in 0..REQUESTS {
        let place = places.clone().acquire_owned().await.expect("a place");
        let request =
            given_up(address.to_owned(), tokens[number / 16 % 2].clone(), number, Arc::clone(urls));
        all.spawn(async move {
            request.await;
            drop(place);
        });
        if number.is_multiple_of(100) {
            let _ = fs::rename(
                directory().join("audit.jsonl"),
                directory().join(format!("audit.jsonl.{turn}-{number}")),
            );
        }
    }
    all.join_all().await;
    sleep(Duration::from_secs(1)).await;
}

fn open_files(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.id())).expect("its files").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_given_up_leave_nothing_but_their_records() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("its address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = silent.accept().await {
            tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
        }
    });
    setup.targets.push(json!({
        "name": "silent", "kind": "http", "url": url,
        "spn": format!("HTTP/{}", lab.var("WEB_HOST")), "dangerPlainHttp": true
    }));
    setup.change = |configuration| {
        configuration["audit"] = json!({"file": directory().join("audit.jsonl"), "sync": false});
        configuration["server"]["callTimeoutSeconds"] = json!(5);
    };
    let _ = fs::remove_dir_all(directory());
    fs::create_dir_all(directory()).expect("the log's directory");
    let server = Arc::new(Server::start(lab, &setup));
    let tokens = [issuer.token("alice"), issuer.token("bob")];
    let urls = Arc::new([url, lab.unc("")]);

    flood(0, &server, &tokens, &urls).await;
    let (memory, files) = (server.memory().peak_from_now(), open_files(&server));
    flood(1, &server, &tokens, &urls).await;
    flood(2, &server, &tokens, &urls).await;
    let more = server.memory().peak_from_now().saturating_sub(memory);
    println!("{more} MB more than {memory} MB; {files} files, then {}", open_files(&server));
    assert!(more < BOUND, "{more} MB more than {memory} MB");
    // Some are of connections that have just been given up.
    let begun = Instant::now();
    while open_files(&server) > files + 16 && begun.elapsed() < Duration::from_secs(30) {
        sleep(Duration::from_millis(100)).await;
    }
    assert!(open_files(&server) <= files + 16, "{files}, then {}", open_files(&server));

    // What they owe is paid; then all places are there that there were.
    sleep(Duration::from_secs(20)).await;
    for token in &tokens {
        let mut calls = JoinSet::new();
        for _ in 0..64 {
            let (server, token) = (server.clone(), token.clone());
            calls.spawn(async move {
                let answer = server.call(Some(&token), "list-targets", json!({})).await;
                assert_eq!(answer.data()["targets"][0]["target"], "fileserver");
            });
        }
        calls.join_all().await;
    }

    // Every intent is closed, and every line can be read.
    let mut records = Vec::new();
    for file in fs::read_dir(directory()).expect("the log's directory") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("text");
        records.extend(
            text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line")),
        );
    }
    // A line that went into a file that was just then taken away is written again.
    let all = |records: &mut dyn Iterator<Item = &Value>, field: &str| -> BTreeSet<String> {
        records.filter_map(|record| record[field].as_str().map(str::to_owned)).collect()
    };
    let intents = all(&mut records.iter().filter(|record| record["phase"] == "intent"), "eventId");
    let closed = all(&mut records.iter(), "intentId");
    println!("{} intents in {} records", intents.len(), records.len());
    assert!(intents.len() > 20, "{}", intents.len());
    assert_eq!(intents, closed);
    let _ = fs::remove_dir_all(directory());
}
