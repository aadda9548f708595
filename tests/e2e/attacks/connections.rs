//! Connections that are opened and left, or never read: whoever comes is served all the same, and
//! whoever keeps the server waiting loses the connection.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::lab;

/// As many as the server has places.
const CROWD: usize = 1024;
/// The old server was deaf for 75 s, or for good. Ours answers in milliseconds; the rest is for slow
/// machines.
const PATIENCE: Duration = Duration::from_secs(10);

const METADATA: &[u8] =
    b"GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn address(server: &Server) -> SocketAddr {
    let url = server.url();
    let address = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/mcp"));
    address.and_then(|text| text.parse().ok()).expect("host:port")
}

/// A server of whose answers a few are more than a connection holds.
fn with_large_answers(lab: &Lab, issuer: &str) -> Setup {
    let mut setup = Setup::new(lab, issuer);
    setup.change = |configuration| {
        let scopes: Vec<_> = (0..500).map(|n| format!("{n:0>60}")).collect();
        configuration["server"]["scopes"] = json!(scopes);
    };
    setup
}

/// A connection that takes little before its sender is stuck.
async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    timeout(PATIENCE, socket.connect(address)).await.expect("in time").expect("a connection")
}

/// Asks for more than fits between the two ends.
fn ask(stream: &TcpStream) {
    let requests = METADATA.repeat(80);
    let sent = stream.try_write(&requests);
    assert_eq!(sent.expect("a new connection takes it"), requests.len());
}

/// A call on a connection of its own, and how long it took.
async fn newcomer(lab: &Lab, server: &Server, token: &str) -> Duration {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {
            "name": "kerberos-file-read",
            "arguments": { "path": lab.unc("reports/data.csv") }
        }
    });
    let begun = Instant::now();
    let answer = client.post(server.url()).bearer_auth(token).json(&message).send();
    let answer = timeout(PATIENCE, answer).await.expect("an answer in time").expect("an answer");
    assert_eq!(answer.status(), 200);
    let body = answer.text().await.expect("its body");
    assert!(body.contains("1,42"), "{body}");
    begun.elapsed()
}

#[tokio::test]
async fn a_newcomer_is_served_behind_a_crowd_that_says_nothing() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token("alice");
    let quiet = newcomer(lab, &server, &token).await;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(connect(address(&server)).await);
    }
    let crowded = newcomer(lab, &server, &token).await;
    eprintln!("alone {quiet:?}, with {CROWD} idle connections {crowded:?}");
}

#[tokio::test]
async fn a_newcomer_is_served_behind_a_crowd_that_never_reads() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &with_large_answers(lab, &issuer.url()));
    let token = issuer.token("alice");
    let quiet = newcomer(lab, &server, &token).await;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let stream = connect(address(&server)).await;
        ask(&stream);
        crowd.push(stream);
    }
    let crowded = newcomer(lab, &server, &token).await;
    eprintln!("alone {quiet:?}, with {CROWD} unread connections {crowded:?}");
}

#[tokio::test]
async fn callers_are_served_while_strangers_keep_coming() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token("alice");
    let address = address(&server);
    let flood = tokio::spawn(async move {
        let mut crowd = std::collections::VecDeque::new();
        loop {
            crowd.push_back(connect(address).await);
            if crowd.len() > CROWD {
                crowd.pop_front();
            }
        }
    });
    while !flood.is_finished() && newcomer(lab, &server, &token).await < PATIENCE {
        let served = server.audit_records().iter().filter(|r| r["phase"] == "closing").count();
        if served >= 20 {
            break;
        }
    }
    assert!(!flood.is_finished(), "the flood went on to the end");
    flood.abort();
}

#[tokio::test]
async fn whoever_never_reads_loses_the_connection() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &with_large_answers(lab, &issuer.url()));
    let silent = connect(address(&server)).await;
    let unread = connect(address(&server)).await;
    ask(&unread);
    // Nobody else wants their places. The end of the one shows in writing: it is never read.
    let begun = Instant::now();
    loop {
        match unread.try_write(METADATA) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        assert!(begun.elapsed() < Duration::from_secs(40), "it is still open");
        sleep(Duration::from_millis(500)).await;
    }
    let end = timeout(Duration::from_secs(30), silent.readable()).await;
    end.expect("the idle connection is closed").expect("readable");
    assert!(!matches!(silent.try_read(&mut [0]), Ok(1..)));
}

/// Sends a call and closes the connection.
async fn call_and_go(lab: &Lab, server: &Server, token: &str, wait: Duration) {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {
            "name": "kerberos-file-read",
            "arguments": { "path": lab.unc("large/mebibyte.bin") }
        }
    })
    .to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{message}",
        message.len()
    );
    let stream = connect(address(server)).await;
    assert_eq!(stream.try_write(request.as_bytes()).expect("it is taken"), request.len());
    sleep(wait).await;
}

#[tokio::test]
async fn a_client_that_goes_away_is_one_line_below_error() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token("alice");
    let log = server.log();
    newcomer(lab, &server, &token).await;
    // The log reaches its file a little later than the answer its client.
    for _ in 0..50 {
        if log.since().contains("\"tool call\"") {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let log = server.log();
    // At every stage of a call, and while its answer is sent.
    let waits: Vec<u64> = vec![1, 3, 5, 8, 12, 16, 20, 30, 40, 60, 80, 120, 200, 500];
    for wait in &waits {
        call_and_go(lab, &server, &token, Duration::from_millis(*wait)).await;
    }
    for _ in 0..50 {
        if log.since().lines().filter(|line| line.contains("\"tool call\"")).count() >= waits.len()
        {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let log = log.since();
    assert!(!log.contains("\"ERROR\""), "{log}");
    let lines: Vec<_> = log.lines().collect();
    assert!(lines.len() <= waits.len(), "{log}");
    assert!(lines.iter().any(|line| line.contains("CANCELLED")), "{log}");
}
