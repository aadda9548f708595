//! Strangers with forged tokens, who leave before they are answered, take no keys from the others.

use std::time::{Duration, Instant};

use krb_tests::{Server, Setup, issuer};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{interval, sleep, timeout};

use crate::lab;

/// Far more than a call takes, and less than the pause after a failed fetch was.
const PATIENCE: Duration = Duration::from_secs(15);
const VALID_CALLS: usize = 20;

/// Sends a request with this token and leaves after 20 ms.
async fn hit_and_run(address: String, token: String) {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let Ok(mut connection) = TcpStream::connect(address).await else { return };
    let _ = connection.write_all(request.as_bytes()).await;
    sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn forged_tokens_do_not_keep_the_issuers_keys_away() {
    let lab = lab!();
    let issuer = issuer().await;
    // Longer than any of the strangers waits.
    issuer.delay_keys(Duration::from_millis(300));
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let address = server.url().replace("http://", "").replace("/mcp", "");

    // Twenty a second, from before the first valid call on.
    let forged: Vec<_> = (0..400).map(|_| issuer.forged_token("alice")).collect();
    hit_and_run(address.clone(), forged[0].clone()).await;
    let flood = tokio::spawn(async move {
        let mut rhythm = interval(Duration::from_millis(50));
        for token in forged {
            rhythm.tick().await;
            tokio::spawn(hit_and_run(address.clone(), token));
        }
    });
    let token = issuer.token("alice");
    let mut slowest = Duration::ZERO;
    for number in 0..VALID_CALLS {
        let begun = Instant::now();
        let call = server.call(Some(&token), "user-info", json!({}));
        let answer = timeout(PATIENCE, call).await.expect("an answer in time");
        assert_eq!(answer.status, 200, "call {number}: {answer:?}");
        assert_eq!(answer.data()["legacyName"], "ALICE_ADMIN", "call {number}");
        slowest = slowest.max(begun.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    flood.abort();
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert_eq!(issuer.key_requests(), 1, "strangers cause no more than that");
}

#[tokio::test]
async fn one_impatient_client_costs_the_next_one_nothing() {
    let lab = lab!();
    let issuer = issuer().await;
    issuer.delay_keys(Duration::from_millis(300));
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let address = server.url().replace("http://", "").replace("/mcp", "");
    let token = issuer.token("alice");
    hit_and_run(address, token.clone()).await;
    let answer = timeout(PATIENCE, server.call(Some(&token), "user-info", json!({}))).await;
    assert_eq!(answer.expect("an answer in time").status, 200);
    assert_eq!(issuer.key_requests(), 1);
}
