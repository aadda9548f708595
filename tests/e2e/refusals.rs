//! Each refusal says what the wire proves, and which directory attribute to change.

use krb_tests::{Server, Setup, issuer};
use serde_json::json;

use crate::lab;

#[tokio::test]
async fn users_that_cannot_be_used() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    for (user, code, says, remedy) in [
        ("dave", "USER_NOT_DELEGATABLE", "may not be delegated", "NOT_DELEGATED"),
        ("eve", "USER_NOT_USABLE", "disabled, or refused by KDC policy", "ACCOUNTDISABLE"),
        ("frank", "USER_NOT_USABLE", "expired", "accountExpires"),
        ("grace", "USER_NOT_USABLE", "change the password", "pwdLastSet"),
        ("nobody-at-all", "USER_UNKNOWN", "unknown, or its UPN is not unique", "sAMAccountName"),
    ] {
        let answer = server.read(&issuer.token_for(user), &lab.unc("reports/data.csv")).await;
        let (found, message, found_remedy) = answer.error();
        assert_eq!(found, code, "{user}: {message}");
        assert!(message.contains(says), "{user}: {message}");
        assert!(found_remedy.contains(remedy), "{user}: {found_remedy}");
    }
}

#[tokio::test]
async fn a_service_account_without_the_flag_is_told_apart_from_a_user_who_may_not_be_delegated() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.account = "svc-ko".into();
    setup.keytab = "ko".into();
    let server = Server::start(lab, &setup);
    // The KDC answers both alike; the evidence's PAC tells.
    let (code, message, remedy) =
        server.read(&issuer.token("bob"), &lab.unc("reports/data.csv")).await.error();
    assert_eq!(code, "SERVICE_NOT_TRUSTED", "{message}");
    assert!(remedy.contains("TRUSTED_TO_AUTH_FOR_DELEGATION"), "{remedy}");
    let (code, message, _) =
        server.read(&issuer.token_for("dave"), &lab.unc("reports/data.csv")).await.error();
    assert_eq!(code, "USER_NOT_DELEGATABLE", "{message}");
}

#[tokio::test]
async fn targets_that_the_directory_does_not_grant() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    let domain = lab.var("DOMAIN");
    for name in ["other", "unknown"] {
        setup.targets.push(json!({
            "name": name, "kind": "http", "url": format!("http://{name}.{domain}"),
            "spn": format!("HTTP/{name}.{domain}"), "dangerPlainHttp": true
        }));
    }
    let server = Server::start(lab, &setup);
    let token = issuer.token("alice");
    let (code, message, remedy) =
        server.get(&token, &format!("http://other.{domain}/")).await.error();
    assert_eq!(code, "TARGET_NOT_ALLOWED", "{message}");
    assert!(remedy.contains("msDS-AllowedToDelegateTo"), "{remedy}");
    assert!(remedy.contains(&format!("HTTP/other.{domain}")), "{remedy}");
    let (code, message, remedy) =
        server.get(&token, &format!("http://unknown.{domain}/")).await.error();
    assert_eq!(code, "TARGET_UNKNOWN_TO_KDC", "{message}");
    assert!(remedy.contains("servicePrincipalName"), "{remedy}");
}

#[tokio::test]
async fn a_service_account_that_cannot_log_in_says_so() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        let account = &mut configuration["kerberos"]["serviceAccount"];
        account["keytab"].take();
        *account = json!({ "username": "no-such-service", "password": "wrong" });
    };
    let server = Server::start(lab, &setup);
    let (code, message, remedy) =
        server.read(&issuer.token("alice"), &lab.unc("reports/data.csv")).await.error();
    assert_eq!(code, "SERVICE_NOT_TRUSTED", "{message}");
    assert!(message.contains("no-such-service"), "{message}");
    assert!(remedy.contains("serviceAccount.username"), "{remedy}");
}
