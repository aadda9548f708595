//! Tokens that prove nothing get nowhere: the right challenge, no KDC traffic, a record.

use krb_tests::{Server, Setup, issuer};
use serde_json::json;

use crate::identity::mark_when_ready;
use crate::lab;

#[tokio::test]
async fn bad_tokens_are_challenged_before_anything_else_happens() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let kdc = mark_when_ready(lab, &server).await;
    let arguments = json!({ "path": lab.unc("reports/data.csv") });

    let none = server.call(None, "kerberos-file-read", arguments.clone()).await;
    assert_eq!(none.status, 401);
    let challenge = none.challenge.unwrap();
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
    assert!(!challenge.contains("error="), "no error where no credentials were sent: {challenge}");

    for (what, token) in issuer.bad_tokens("alice") {
        let answer = server.call(Some(&token), "kerberos-file-read", arguments.clone()).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        let challenge = answer.challenge.unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{what}: {challenge}");
        assert!(!challenge.contains(&token), "{what}: the token is never echoed");
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(kdc.since(), "", "no KDC traffic");
    assert_eq!(issuer.exchanges(), 0, "no exchange");
    let records = server.audit_records();
    assert!(records.iter().all(|record| record["phase"] == "unauthorized"), "{records:#?}");
    assert!(records.len() > 3, "by reason: {records:#?}");
}

#[tokio::test]
async fn an_exchanged_token_for_somebody_else_is_refused() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let kdc = mark_when_ready(lab, &server).await;
    issuer.answer_exchanges_for("bob");
    let (code, message, _) =
        server.read(&issuer.token("alice"), &lab.unc("reports/data.csv")).await.error();
    assert_eq!(code, "EXCHANGED_TOKEN_REFUSED", "{message}");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(kdc.since(), "", "no KDC traffic");
    let records = server.audit_records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["outcome"], "EXCHANGED_TOKEN_REFUSED");
}
