//! Logins as the user, with a ticket.

use krb_tests::issuer;
use krb_tests::tds::{Encryption, Fault, Options, Server};
use serde_json::json;

use super::{WHO, ask, database, execute, options, row, server, target};
use crate::databases::by_curl;
use crate::lab;

#[tokio::test]
async fn alice_is_alice_to_sql_server_inside_of_tds_and_outside_of_it() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    for (encryption, word, tls) in
        [(Encryption::Required, "tls", "TLSv1_2"), (Encryption::Strict, "strict", "TLSv1_3")]
    {
        let database = Server::start(options(lab, encryption).await).await;
        let change = json!({ "encryption": word });
        let server = server(lab, &issuer.url(), vec![target(lab, "db", change)]);
        for (user, account) in [("alice", "ALICE_ADMIN"), ("bob", "bob")] {
            let token = issuer.token(user);
            let name = lab.windows_name(account);
            for _ in 0..3 {
                let answer = ask(&server, &token, "db", WHO).await;
                let expected = json!({ "login": name, "name": name, "original": name });
                assert_eq!(row(&answer), &expected);
            }
            // Row-level security: each their own.
            let answer = ask(&server, &token, "db", "SELECT owner FROM people").await;
            let owners = answer.data().as_array().unwrap();
            assert!(!owners.is_empty() && owners.iter().all(|row| row["owner"] == name));
            let denied = ask(&server, &token, "db", "SELECT amount FROM payroll").await;
            let (code, message, _) = denied.error();
            assert_eq!(code, "ACCESS_DENIED", "{message}");
            assert!(message.contains("229") && message.contains("in line 1"), "{message}");
        }
        let seen = database.seen();
        assert_eq!(seen.logins.len(), 2, "a session is kept for its user: {:?}", seen.logins);
        for login in &seen.logins {
            let who = login.who.as_ref().expect("a ticket");
            assert_eq!(who.name, login.login);
            assert_eq!(who.delegated_by, [lab.principal(&lab.var("SVC_ACCOUNT"))]);
            assert_eq!(login.tls.as_deref(), Some(tls));
            assert_eq!(login.alpn.is_some(), encryption == Encryption::Strict);
            assert_eq!(login.database, "app");
        }
        // What users write is a module of its own.
        let written = seen.requests.iter().filter(|said| said.text.contains("people"));
        assert!(written.clone().count() > 0 && written.into_iter().all(|said| said.is_call));
    }
}

#[tokio::test]
async fn nothing_is_left_for_the_next_call() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let database = database(lab).await;
    let change = json!({ "readFunctions": ["session_context", "object_id", "settings_changed"] });
    let server = server(lab, &issuer.url(), vec![target(lab, "db", change)]);
    let token = issuer.token("alice");
    let left = "SELECT CAST(SESSION_CONTEXT(N'key') AS nvarchar(50)) AS k, OBJECT_ID(N'#t') AS t, \
                SETTINGS_CHANGED() AS n";
    let clean = json!({ "k": null, "t": null, "n": "" });
    assert_eq!(row(&ask(&server, &token, "db", left).await), &clean);
    let arguments = json!({
        "action": "procedure", "target": "db", "procedure": "sp_set_session_context",
        "params": ["key", "hers"]
    });
    let _ = server.call(Some(&token), "sql-delegate", arguments).await;
    let _ = execute(&server, &token, "db", "SELECT n INTO #t FROM numbers").await;
    assert_eq!(row(&ask(&server, &token, "db", left).await), &clean);
    let seen = database.seen();
    assert!(seen.requests.iter().any(|said| said.reset), "{:?}", seen.requests);
}

#[tokio::test]
async fn a_server_that_is_not_safe_enough_gets_nothing() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let token = issuer.token("alice");
    for (fault, part) in [
        (Fault::DoesNotEncrypt, "encrypts nothing, or the login alone"),
        (Fault::EncryptsTheLogin, "encrypts nothing, or the login alone"),
        (Fault::ProvesNothing, "without proving that it is MSSQLSvc/"),
    ] {
        let mut options = options(lab, Encryption::Required).await;
        options.faults = vec![fault];
        let database = Server::start(options).await;
        let server = server(lab, &issuer.url(), vec![target(lab, "db", json!({}))]);
        let (code, message, _) = ask(&server, &token, "db", WHO).await.error();
        assert_eq!(code, "RESOURCE_REFUSED", "{fault:?}: {message}");
        assert!(message.contains(part), "{fault:?}: {message}");
        assert!(database.seen().requests.is_empty(), "{fault:?}");
    }
    // A certificate of nobody's.
    let mut options = options(lab, Encryption::Required).await;
    let (file, key) = (lab.scratch("sql-own.pem"), lab.scratch("sql-own.key"));
    lab.shell(&format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
           -subj /CN=x -addext subjectAltName=DNS:{} -keyout {} -out {} 2>&1",
        lab.var("SQL_HOST"),
        key.display(),
        file.display()
    ));
    options.certificate = Some((file, key));
    for (encryption, word) in [(Encryption::Required, "tls"), (Encryption::Strict, "strict")] {
        let database = Server::start(Options { encryption, ..options.clone() }).await;
        let change = json!({ "encryption": word });
        let server = server(lab, &issuer.url(), vec![target(lab, "db", change)]);
        let (code, message, _) = ask(&server, &token, "db", WHO).await.error();
        assert_eq!(code, "RESOURCE_REFUSED", "{message}");
        assert!(message.contains("certificate"), "{message}");
        assert!(database.seen().logins.is_empty());
    }
}

// As at PostgreSQL (tests/e2e/sql.rs).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_originals_call_is_answered_letter_for_letter_but_for_a_reserved_word() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let _database = database(lab).await;
    let server = server(lab, &issuer.url(), vec![target(lab, "db", json!({}))]);
    let sql = "SELECT CURRENT_USER AS [current_user]";
    let name = lab.windows_name("ALICE_ADMIN").replace('\\', "\\\\");
    let text = format!(r#"{{"status":"success","data":[{{"current_user":"{name}"}}]}}"#);
    assert_eq!(by_curl(lab, &server, &issuer.token("alice"), sql), text);
}

#[tokio::test]
async fn a_route_is_followed_to_the_targets_own_host_and_no_other() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let token = issuer.token("alice");
    let mut second = options(lab, Encryption::Required).await;
    second.port = 0;
    let second = Server::start(second).await;
    for (host, is_followed) in [(lab.var("SQL_HOST"), true), (lab.var("WEB_HOST"), false)] {
        let mut options = options(lab, Encryption::Required).await;
        options.routes_to = Some((host.clone(), second.port()));
        let first = Server::start(options).await;
        let server = server(lab, &issuer.url(), vec![target(lab, "db", json!({}))]);
        let answer = ask(&server, &token, "db", WHO).await;
        if is_followed {
            assert_eq!(row(&answer)["login"], lab.windows_name("ALICE_ADMIN"));
            assert_eq!(second.seen().logins.len(), 1);
        } else {
            let (code, message, _) = answer.error();
            assert_eq!(code, "RESOURCE_REFUSED", "{message}");
            assert!(message.contains(&host), "{message}");
            assert_eq!(second.seen().logins.len(), 1);
        }
        assert_eq!(first.seen().logins.len(), 1);
    }
}
