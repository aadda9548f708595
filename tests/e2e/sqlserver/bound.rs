//! A ticket is bound to its TLS connection (Extended Protection), as a server sees it that computes
//! `tls-unique` from the handshake's messages itself.

use krb_tests::issuer;
use krb_tests::tds::{Encryption, Server};
use serde_json::json;

use super::{WHO, ask, options, row, server, target};
use crate::lab;

#[tokio::test]
async fn a_server_that_requires_extended_protection_lets_the_user_in() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let token = issuer.token("alice");
    let mut required = options(lab, Encryption::Required).await;
    required.extended_protection = true;
    let database = Server::start(required).await;
    let tls = server(lab, &issuer.url(), vec![target(lab, "db", json!({}))]);
    let answer = ask(&tls, &token, "db", WHO).await;
    assert_eq!(row(&answer)["login"], lab.windows_name("ALICE_ADMIN"));
    assert!(database.seen().logins.iter().all(|login| login.is_bound));
    drop(database);

    // TLS 1.3 has no such bindings, and the answer says so.
    let mut strict = options(lab, Encryption::Strict).await;
    strict.extended_protection = true;
    let database = Server::start(strict).await;
    let change = json!({ "encryption": "strict" });
    let strict = server(lab, &issuer.url(), vec![target(lab, "db", change)]);
    let (code, message, remedy) = ask(&strict, &token, "db", WHO).await.error();
    assert_eq!(code, "RESOURCE_REFUSED", "{message}");
    assert!(message.contains("18452") && remedy.contains("no tls-unique"), "{message} {remedy}");
    assert!(database.seen().logins.is_empty());
}
