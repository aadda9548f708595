//! A service login that executes as the user.

use krb_tests::issuer;
use krb_tests::tds::{Encryption, Fault, Server};
use serde_json::json;

use super::{WHO, ask, database, execute, impersonating, options, row, server};
use crate::lab;

#[tokio::test]
async fn each_call_is_its_users_and_the_login_comes_back_in_between() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let database = database(lab).await;
    let server = server(lab, &issuer.url(), vec![impersonating(lab, "db", json!({}))]);
    for _ in 0..3 {
        for (user, account) in [("alice", "ALICE_ADMIN"), ("bob", "bob")] {
            let name = lab.windows_name(account);
            let answer = ask(&server, &issuer.token(user), "db", WHO).await;
            let expected = json!({ "login": name, "name": name, "original": "svc-sql" });
            assert_eq!(row(&answer), &expected);
        }
    }
    let seen = database.seen();
    // Nothing of a user's goes in a batch of the login's; nothing that is made as new is anybody else.
    for said in &seen.requests {
        assert_eq!(said.original, "svc-sql");
        assert!(!said.is_call || said.user != "svc-sql", "{said:?}");
        assert!(!said.reset || said.user == "svc-sql", "{said:?}");
    }
    let count = |part: &str| seen.requests.iter().filter(|said| said.text.contains(part)).count();
    assert_eq!(count("EXECUTE AS USER"), 6);
    assert_eq!(count("REVERT WITH COOKIE"), 6);
    // What is recorded says who logged in.
    let records = server.audit_records();
    assert!(!records.is_empty());
    for record in &records {
        assert_eq!(record["delegationMode"], "database-impersonation", "{record}");
        assert_eq!(record["actualIdentity"], "svc-sql", "{record}");
    }
}

#[tokio::test]
async fn nobody_leaves_the_user_that_they_are() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let database = database(lab).await;
    let server = server(lab, &issuer.url(), vec![impersonating(lab, "db", json!({}))]);
    let token = issuer.token("alice");
    let name = lab.windows_name("ALICE_ADMIN");
    for escape in [
        "REVERT",
        "REVERT; SELECT 1 AS a",
        "REVERT WITH COOKIE = 0x00",
        "EXECUTE AS LOGIN = N'sa'",
        "EXEC (N'REVERT')",
        "SELECT 1 AS a; REVERT",
        "DECLARE @c varbinary(100); EXECUTE AS USER = N'dbo' WITH COOKIE INTO @c",
        "EXEC sp_executesql N'REVERT'",
    ] {
        let _ = ask(&server, &token, "db", escape).await;
        let _ = execute(&server, &token, "db", escape).await;
        assert_eq!(row(&ask(&server, &token, "db", WHO).await)["name"], name, "{escape}");
    }
    // And what the server does where policy lets a procedure do it.
    let arguments = json!({
        "action": "procedure", "target": "db", "procedure": "sp_executesql", "params": ["REVERT"]
    });
    let _ = server.call(Some(&token), "sql-delegate", arguments).await;
    assert_eq!(row(&ask(&server, &token, "db", WHO).await)["name"], name);
    let calls = database.seen().requests;
    assert!(calls.iter().all(|said| !said.is_call || said.user == name), "{calls:?}");
}

#[tokio::test]
async fn a_name_is_a_literal_and_users_without_a_login_are_users() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let database = database(lab).await;
    // Somebody whose name is a statement, and one whom nobody may be.
    database.change(|directory| *directory = directory.clone().and_nobodys("nobodys-bob"));
    let server = server(
        lab,
        &issuer.url(),
        vec![
            impersonating(lab, "quoted", json!({ "roleTemplate": "x'; REVERT; --{name}" })),
            impersonating(lab, "nobodys", json!({ "roleTemplate": "nobodys-{name}" })),
            impersonating(lab, "without", json!({ "roleTemplate": "w-{name}" })),
        ],
    );
    database.change(|directory| {
        let grants = ["w-bob", "w-ALICE_ADMIN"].map(|whom| krb_tests::tds::Grant {
            database: Some("app".into()),
            grantee: "svc-sql".into(),
            whom: whom.into(),
        });
        directory.grants.extend(grants);
        *directory = directory.clone().and_nobodys("w-bob").and_nobodys("w-ALICE_ADMIN");
    });
    let token = issuer.token("bob");
    for target in ["quoted", "nobodys"] {
        let (code, message, _) = ask(&server, &token, target, WHO).await.error();
        assert_eq!(code, "ACCESS_DENIED", "{message}");
        assert!(message.contains("15517"), "{message}");
    }
    let answer = ask(&server, &token, "without", WHO).await;
    assert_eq!(row(&answer)["name"], "w-bob");
    assert!(database.seen().requests.iter().all(|said| !said.is_call || said.user == "w-bob"));
}

#[tokio::test]
async fn a_server_that_does_not_do_as_it_says_is_found_out() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let token = issuer.token("alice");
    for fault in [Fault::ImpersonatesNobody, Fault::RevertsNothing, Fault::ResetsNothing] {
        let mut options = options(lab, Encryption::Required).await;
        options.faults = vec![fault];
        let database = Server::start(options).await;
        let server = server(lab, &issuer.url(), vec![impersonating(lab, "db", json!({}))]);
        for call in 1..=2 {
            let answer = ask(&server, &token, "db", WHO).await;
            if fault == Fault::ImpersonatesNobody {
                assert_eq!(answer.code(), "RESOURCE_REFUSED");
                assert!(database.seen().requests.iter().all(|said| !said.is_call));
            } else {
                assert_eq!(row(&answer)["name"], lab.windows_name("ALICE_ADMIN"));
                assert_eq!(database.seen().logins.len(), call, "{fault:?}: not kept");
            }
        }
    }
}

#[tokio::test]
async fn a_login_that_may_do_anything_becomes_nobody() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let _database = database(lab).await;
    let login = json!({ "mode": "impersonate", "username": "sa", "password": "Passw0rd!sa" });
    let target = impersonating(lab, "db", json!({ "login": login }));
    let server = server(lab, &issuer.url(), vec![target]);
    let (code, message, _) = ask(&server, &issuer.token("alice"), "db", WHO).await.error();
    assert_eq!(code, "RESOURCE_REFUSED", "{message}");
    assert!(message.contains("sysadmin"), "{message}");
}
