//! The main job: alice reads her file and a web page as herself; bob is denied by the file server.

use krb_tests::logs::Mark;
use krb_tests::{Server, Setup, issuer, pac};
use serde_json::json;

use crate::lab;

#[tokio::test]
async fn alice_reads_a_file_and_the_file_server_says_it_was_her() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let file_server = Mark::end_of(lab.var("FILESERVER_AUDIT"));

    let answer = server.read(&issuer.token("alice"), &lab.unc("reports/data.csv")).await;

    let expected = lab.shell("cat \"$LAB/share/reports/data.csv\"");
    assert_eq!(answer.content(), expected);
    assert_eq!(answer.data()["size"], expected.len());
    assert_eq!(answer.data()["encoding"], "utf-8");
    let line = file_server
        .line(|line| line.contains("|create_file|ok|") && line.contains("data.csv"))
        .expect("the file server's own audit line");
    let account = lab.windows_name("ALICE_ADMIN").to_lowercase();
    assert!(line.to_lowercase().contains(&account), "{line}");

    let text = answer.body["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("{\"status\":\"success\",\"data\":{"), "as the contract prints it");

    // One exchange a call, and before and after it a record in our own audit log.
    let records = server.audit_records();
    let phases: Vec<_> = records.iter().map(|record| record["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["intent", "closing"]);
    assert_eq!(records[0]["legacyName"], "ALICE_ADMIN");
    assert_eq!(records[0]["target"], "fileserver");
    assert_eq!(records[1]["account"], "ALICE_ADMIN");
    assert!(records[1]["sid"].as_str().unwrap().starts_with("S-1-5-21-"));
    assert_eq!(records[1]["outcome"], "OK");
}

#[tokio::test]
async fn bob_is_denied_by_the_file_server_itself() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let file_server = Mark::end_of(lab.var("FILESERVER_AUDIT"));

    let answer = server.read(&issuer.token("bob"), &lab.unc("reports/data.csv")).await;

    let (code, message, remedy) = answer.error();
    assert_eq!(code, "ACCESS_DENIED");
    let host = lab.var("FILESERVER_HOST");
    assert_eq!(
        message,
        format!(
            "the file server {host} denied the user access to reports\\data.csv on the share corp"
        )
    );
    assert!(remedy.contains("ACL"), "{remedy}");
    let line = file_server
        .line(|line| line.contains("|create_file|fail") && line.contains("data.csv"))
        .expect("the file server's own audit line");
    assert!(line.to_lowercase().contains(&lab.windows_name("bob").to_lowercase()), "{line}");
    assert_eq!(server.audit_records()[1]["outcome"], "ACCESS_DENIED");
}

#[tokio::test]
async fn the_web_server_sees_alice_by_name_and_by_pac() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));

    let answer = server.get(&issuer.token("alice"), &lab.url("/whoami")).await;

    assert_eq!(answer.data()["status"], 200);
    let page = pac::page(answer.content());
    assert_eq!(page.remote_user, lab.principal("ALICE_ADMIN"));
    assert_eq!(page.pac_account.as_deref(), Some("ALICE_ADMIN"));
}

#[tokio::test]
async fn a_directory_is_listed_as_the_user() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let path = lab.unc("reports");
    let answer = server
        .call(Some(&issuer.token("alice")), "kerberos-list-directory", json!({ "path": path }))
        .await;
    let entries = answer.data()["entries"].as_array().unwrap();
    let names: Vec<_> = entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"data.csv"), "{names:?}");
    assert!(names.is_sorted() && !names.contains(&"."), "{names:?}");
}

#[tokio::test]
async fn user_info_says_who_the_caller_is_to_the_resources() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let answer = server.call(Some(&issuer.token("alice")), "user-info", json!({})).await;
    assert_eq!(answer.data()["legacyName"], "ALICE_ADMIN");
    assert_eq!(answer.data()["issuer"], issuer.url());
}

#[tokio::test]
async fn a_file_of_one_mebibyte_passes_and_one_byte_more_does_not() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token("alice");
    let whole = server.read(&token, &lab.unc("large/mebibyte.bin")).await;
    assert_eq!(whole.data()["size"], 1 << 20);
    let more = server.read(&token, &lab.unc("large/mebibyte-and-one.bin")).await;
    assert_eq!(more.code(), "TOO_LARGE");
    let none = server.read(&token, &lab.unc("reports/no-such-file.csv")).await;
    assert_eq!(none.code(), "NOT_FOUND");
}

#[tokio::test]
async fn what_no_policy_allows_and_what_no_target_answers_to_is_refused_before_any_kdc_is_asked() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.policy = "@id(\"web\") permit (principal, action == Action::\"http:get\", \
                    resource == Target::\"webapp\");"
        .into();
    let server = Server::start(lab, &setup);
    let token = issuer.token("alice");
    let kdc = Mark::end_of(lab.var("KDC_LOG"));
    let denied = server.read(&token, &lab.unc("reports/data.csv")).await;
    assert_eq!(denied.code(), "POLICY_DENIED");
    for path in ["\\\\dc1\\corp\\x", "\\\\fileserver\\c$\\x", "\\\\127.0.0.2\\corp\\x"] {
        assert_eq!(server.read(&token, path).await.code(), "UNKNOWN_TARGET", "{path}");
    }
    assert_eq!(server.get(&token, "http://evil.example/").await.code(), "UNKNOWN_TARGET");
    assert!(!kdc.since().contains("ALICE_ADMIN"), "no KDC traffic:\n{}", kdc.since());
    let denials = server.audit_records();
    assert_eq!(denials.len(), 5);
    assert!(denials.iter().all(|record| record["phase"] == "denied"), "{denials:#?}");
}
