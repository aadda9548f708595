//! Names are not identities: who is asked for is who arrives, or nobody.

use std::time::Duration;

use krb_tests::logs::Mark;
use krb_tests::{Lab, Server, Setup, issuer, pac};
use tokio::time::sleep;

use crate::lab;

#[tokio::test]
async fn alices_name_in_any_case_reaches_exactly_her_account() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    for name in ["ALICE_ADMIN", "alice_admin", "Alice_Admin"] {
        let token = issuer.token_for(name);
        let file = server.read(&token, &lab.unc("reports/ALICE_ADMIN.csv")).await;
        assert!(file.content().contains("ALICE_ADMIN"), "{name}");
        let page = server.get(&token, &lab.url("/whoami")).await;
        let page = pac::page(page.content());
        assert_eq!(page.remote_user, lab.principal("ALICE_ADMIN"), "{name}");
        assert_eq!(page.pac_account.as_deref(), Some("ALICE_ADMIN"), "{name}");
    }
}

#[tokio::test]
async fn decoys_are_never_reached_and_never_passed_off() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let kdc = Mark::end_of(lab.var("KDC_LOG"));
    // `alice` is an account, and the UPN of another one; the KDC takes the UPN.
    for (name, found) in [("alice", "ALICE_ADMIN"), ("ben", "molly")] {
        for answer in [
            server.read(&issuer.token_for(name), &lab.unc("reports/data.csv")).await,
            server.get(&issuer.token_for(name), &lab.url("/whoami")).await,
        ] {
            let (code, message, remedy) = answer.error();
            assert_eq!(code, "NAME_MISMATCH");
            assert!(message.contains(name) && message.contains(found), "names both: {message}");
            assert!(remedy.contains("userPrincipalName"), "{remedy}");
        }
    }
    // Two accounts share hal's UPN, so the KDC finds neither.
    let (code, message, _) =
        server.read(&issuer.token_for("hal"), &lab.unc("reports/data.csv")).await.error();
    assert_eq!(code, "USER_UNKNOWN");
    assert!(message.contains("not unique"), "{message}");
    assert!(!s4u2proxy_happened(lab, &kdc), "{}", kdc.since());
}

/// The end of the KDC's log once the server has logged in.
pub(crate) async fn mark_when_ready(lab: &Lab, server: &Server) -> Mark {
    server.ready().await;
    // The KDC writes its line after it answered.
    sleep(Duration::from_millis(200)).await;
    Mark::end_of(lab.var("KDC_LOG"))
}

/// Did the KDC see a request for a ticket to a resource?
pub(crate) fn s4u2proxy_happened(lab: &Lab, kdc: &Mark) -> bool {
    // The KDC writes its line after it answered.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let targets = ["cifs/".to_owned(), format!("HTTP/{}", lab.var("WEB_HOST"))];
    let names = |line: &str| targets.iter().any(|target| line.contains(target));
    kdc.since().lines().any(|line| line.contains("TGS-REQ") && names(line))
}

#[tokio::test]
async fn people_with_unusual_names_arrive_as_themselves() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    for user in ["erin", "rené", "rene", "many"] {
        let token = issuer.token_for(user);
        let own = server.read(&token, &lab.unc(&format!("reports/{user}.csv"))).await;
        assert!(own.content().contains(user), "{user}: {own:?}");
        let page = server.get(&token, &lab.url("/whoami")).await;
        let page = pac::page(page.content());
        assert_eq!(page.remote_user, lab.principal(user));
        assert_eq!(page.pac_account.as_deref(), Some(user));
    }
    // rene and rené are two people.
    let other = server.read(&issuer.token_for("rene"), &lab.unc("reports/rené.csv")).await;
    assert_eq!(other.code(), "ACCESS_DENIED");
}

#[tokio::test]
async fn administrators_machines_and_the_service_itself_are_never_impersonated() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let kdc = Mark::end_of(lab.var("KDC_LOG"));
    let machine = |role: &str| {
        let host = lab.var(role);
        format!("{}$", host.split('.').next().unwrap_or_default().to_uppercase())
    };
    for name in [
        "Administrator".to_owned(),
        "dora".into(),
        lab.var("SVC_ACCOUNT"),
        machine("DC_HOST"),
        machine("FILESERVER_HOST"),
    ] {
        let answer = server.read(&issuer.token_for(&name), &lab.unc("reports/data.csv")).await;
        assert_eq!(answer.code(), "NEVER_IMPERSONATED", "{name}");
    }
    assert!(!s4u2proxy_happened(lab, &kdc), "{}", kdc.since());
}

#[tokio::test]
async fn what_is_no_bare_account_name_never_leaves_for_the_kdc() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let kdc = mark_when_ready(lab, &server).await;
    for name in ["alice@w25ad.net", "W25AD\\alice", "a/b", "alice\0", " alice", "alice ", ""] {
        let answer = server.read(&issuer.token_for(name), &lab.unc("reports/data.csv")).await;
        assert_eq!(answer.code(), "LEGACY_NAME_REFUSED", "{name:?}");
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(kdc.since(), "", "no KDC traffic");
}
