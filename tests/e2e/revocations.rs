//! Access that is ended while everything is warm: the resources are asked who comes.

use std::time::{Duration, Instant};

use krb_tests::{Server, Setup, issuer, pac};
use serde_json::json;

use crate::lab;

fn revoke(server: &Server, arguments: &[&str]) {
    server.revoke(arguments).expect("revoked");
}

#[tokio::test]
async fn access_ends_within_a_second_while_tickets_and_sessions_are_warm() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| configuration["state"] = json!({ "directory": "state" });
    let server = Server::start(lab, &setup);
    let (token, others) = (issuer.token_for("ALICE_ADMIN"), issuer.token_for("bob"));
    let (file, page) = (lab.unc("reports/ALICE_ADMIN.csv"), lab.url("/whoami"));
    let reaches = async |token: &str| {
        let file = server.read(token, &file).await;
        let page = server.get(token, &page).await;
        let page = page.body["result"]["isError"] != true && page.status == 200;
        (file.body["result"]["isError"] != true && file.status == 200, page)
    };
    let warm = server.get(&token, &page).await;
    let alice = pac::page(warm.content());
    assert_eq!(alice.pac_account.as_deref(), Some("ALICE_ADMIN"));
    let records = server.audit_records();
    let sid = records.iter().find_map(|record| record["sid"].as_str()).expect("her SID").to_owned();
    assert_eq!(reaches(&token).await, (true, true));

    for whose in [&["ALICE_ADMIN"][..], &[&sid]] {
        revoke(&server, whose);
        let ended = Instant::now();
        loop {
            let called = ended.elapsed();
            if reaches(&token).await == (false, false) {
                break;
            }
            assert!(called < Duration::from_secs(1), "still in after {called:?}");
        }
        // A new login of hers is let in by nobody either; others go on.
        let (code, message, _) = server.get(&issuer.token_for("ALICE_ADMIN"), &page).await.error();
        assert_eq!(code, "REVOKED", "{message}");
        assert!(server.get(&others, &page).await.content().contains("bob"));
        revoke(&server, &[whose, &["--lift"]].concat());
        let lifted = Instant::now();
        while reaches(&token).await != (true, true) {
            assert!(lifted.elapsed() < Duration::from_secs(5), "not back in");
        }
    }

    revoke(&server, &["--subject", "user-of-ALICE_ADMIN"]);
    let ended = Instant::now();
    loop {
        let called = ended.elapsed();
        if server.get(&token, &page).await.status == 401 {
            break;
        }
        assert!(called < Duration::from_secs(1), "still in after {called:?}");
    }
}
