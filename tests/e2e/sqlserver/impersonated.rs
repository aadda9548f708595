//! A service login that executes as the user.

use std::time::{Duration, Instant};

use krb_tests::lab::shipped_server;
use krb_tests::tds::{Encryption, Fault, Seen, Server};
use krb_tests::{Lab, Setup, issuer};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{WHO, ask, database, execute, impersonating, options, row, server};
use crate::databases::changed;
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
    let seen = reverted(&database, 6).await;
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

/// What happened by when the login came back so often, for which no call waits.
async fn reverted(database: &Server, times: usize) -> Seen {
    for _ in 0..100 {
        let seen = database.seen();
        let reverts = seen.requests.iter().filter(|said| said.text.contains("REVERT WITH COOKIE"));
        if reverts.count() >= times {
            return seen;
        }
        sleep(Duration::from_millis(20)).await;
    }
    database.seen()
}

/// A target whose users the service login executes as by their logins.
fn by_login(lab: &Lab, name: &str, change: Value) -> Value {
    let mut target = impersonating(lab, name, change);
    target["login"]["executeAs"] = json!("login");
    target
}

#[tokio::test]
async fn as_a_login_each_call_is_its_users_in_every_database() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let database = database(lab).await;
    let databases = json!({ "databases": ["app", "master"] });
    let targets = vec![
        by_login(lab, "db", databases.clone()),
        impersonating(lab, "users", databases),
        by_login(lab, "without", json!({ "roleTemplate": "w-{name}" })),
    ];
    let server = server(lab, &issuer.url(), targets);
    for _ in 0..2 {
        for (user, account) in [("alice", "ALICE_ADMIN"), ("bob", "bob")] {
            let (name, token) = (lab.windows_name(account), issuer.token(user));
            let answer = ask(&server, &token, "db", WHO).await;
            let expected = json!({ "login": name, "name": name, "original": "svc-sql" });
            assert_eq!(row(&answer), &expected);
            // At the server, too: where they have no user they are who everybody is, by their login.
            let arguments = json!({
                "action": "query", "target": "db", "database": "master", "sql": WHO
            });
            let answer = server.call(Some(&token), "sql-delegate", arguments.clone()).await;
            let expected = json!({ "login": name, "name": "guest", "original": "svc-sql" });
            assert_eq!(row(&answer), &expected);
            // A user is one in its own database alone.
            let arguments = changed(arguments, &json!({ "target": "users" }));
            let (code, message, _) =
                server.call(Some(&token), "sql-delegate", arguments).await.error();
            assert_eq!(code, "ACCESS_DENIED", "{message}");
            assert!(message.contains("15517"), "{message}");
        }
    }
    // By their logins, two users in two databases, twice.
    let seen = reverted(&database, 8).await;
    for said in &seen.requests {
        assert!(!said.is_call || said.user != "svc-sql", "{said:?}");
        assert!(!said.reset || said.user == "svc-sql" || said.user == "guest", "{said:?}");
    }
    let count = |part: &str| seen.requests.iter().filter(|said| said.text.contains(part)).count();
    assert_eq!(count("EXECUTE AS LOGIN"), count("REVERT WITH COOKIE"));
    // Somebody who has a user and no login.
    database.change(|directory| *directory = directory.clone().and_nobodys("w-bob"));
    let refused = ask(&server, &issuer.token("bob"), "without", WHO).await;
    let (code, message, _) = refused.error();
    assert_eq!(code, "ACCESS_DENIED", "{message}");
    assert!(message.contains("15406"), "{message}");
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
    let faults = [Fault::ImpersonatesNobody, Fault::RevertsNothing, Fault::ResetsNothing];
    for (fault, is_login) in faults.into_iter().flat_map(|fault| [(fault, false), (fault, true)]) {
        let mut options = options(lab, Encryption::Required).await;
        options.faults = vec![fault];
        let database = Server::start(options).await;
        let target = if is_login { by_login } else { impersonating };
        let server = server(lab, &issuer.url(), vec![target(lab, "db", json!({}))]);
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

/// What was changed is told, though the server never lets the login come back.
#[tokio::test]
async fn what_was_done_is_told_whatever_becomes_of_the_session() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let mut options = options(lab, Encryption::Required).await;
    options.faults = vec![Fault::NeverReverts];
    let database = Server::start(options).await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.targets = vec![impersonating(lab, "db", json!({}))];
    setup.change = |configuration| configuration["server"]["callTimeoutSeconds"] = 2.into();
    let server = krb_tests::Server::start(lab, &setup);
    let token = issuer.token("alice");
    for call in 1..=2 {
        let begun = Instant::now();
        let answer =
            execute(&server, &token, "db", "UPDATE people SET name = 'hers' WHERE id = 1").await;
        let told = &answer.body["result"]["structuredContent"];
        assert_eq!((&told["status"], &told["rowsAffected"]), (&json!("success"), &json!(1)));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(server.audit_records().last().unwrap()["rowsAffected"], 1);
        assert_eq!(database.seen().logins.len(), call, "not kept");
    }
    // The sessions end when the login has not come back in time.
    for _ in 0..100 {
        if database.open() == 0 {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(database.open(), 0);
    let violations = database.take_violations();
    assert!(violations.iter().all(|what| what.contains("left amid")), "{violations:?}");
}

/// The service login is given this right at the server, and no other.
fn grant(database: &Server, right: Option<&'static str>) {
    database.change(|directory| {
        let login = directory.logins.iter_mut().find(|login| login.name == "svc-sql");
        login.unwrap().rights = right.into_iter().collect();
    });
}

#[tokio::test]
async fn a_login_that_may_do_anything_becomes_nobody() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let database = database(lab).await;
    let login = json!({ "mode": "impersonate", "username": "sa", "password": "Passw0rd!sa" });
    let targets = vec![
        impersonating(lab, "sa", json!({ "login": login })),
        impersonating(lab, "users", json!({})),
        by_login(lab, "logins", json!({})),
    ];
    let server = server(lab, &issuer.url(), targets);
    let token = issuer.token("alice");
    for (right, targets, part) in [
        (None, &["sa"][..], "is in the role sysadmin"),
        (Some("CONTROL SERVER"), &["users", "logins"], "has CONTROL SERVER"),
        (Some("IMPERSONATE ANY LOGIN"), &["users", "logins"], "has IMPERSONATE ANY LOGIN"),
    ] {
        grant(&database, right);
        for target in targets {
            let (code, message, _) = ask(&server, &token, target, WHO).await.error();
            assert_eq!(code, "RESOURCE_REFUSED", "{message}");
            assert!(message.contains(part), "{message}");
        }
    }
    assert!(database.seen().requests.iter().all(|said| !said.text.contains("EXECUTE AS")));
    grant(&database, None);
    for target in ["users", "logins"] {
        let name = lab.windows_name("ALICE_ADMIN");
        assert_eq!(row(&ask(&server, &token, target, WHO).await)["login"], name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_says_that_a_login_may_do_anything_before_anybody_calls() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let database = database(lab).await;
    let login = |username: &str, password: &str| json!({ "login": { "mode": "impersonate", "username": username, "password": password } });
    let mut setup = Setup::new(lab, &issuer.url());
    setup.targets = vec![
        impersonating(lab, "good", json!({})),
        impersonating(lab, "mighty", login("sa", "Passw0rd!sa")),
        impersonating(lab, "wrong", login("svc-sql", "no")),
    ];
    let folder = lab.scratch("sql-check");
    std::fs::create_dir_all(&folder).unwrap();
    setup.write(lab, &folder);
    let check = |more: &[&str]| {
        let file = folder.join("krb-mcp.jsonc").display().to_string();
        let words = [&["check", "--config", &file][..], more].concat();
        let checked = lab.run(&shipped_server().display().to_string(), &words);
        String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned()
    };
    let said = check(&["--online"]);
    assert!(
        said.contains("target mighty: the login sa at mighty is in the role sysadmin"),
        "{said}"
    );
    assert!(said.contains("target wrong: ") && said.contains("18456"), "{said}");
    assert!(!said.contains("target good: "), "{said}");
    assert_eq!(database.seen().logins.len(), 2);
    let said = check(&[]);
    assert!(!said.contains("sysadmin") && database.seen().logins.len() == 2, "{said}");
    for right in ["CONTROL SERVER", "IMPERSONATE ANY LOGIN"] {
        grant(&database, Some(right));
        let said = check(&["--online"]);
        let expected = format!("target good: the login svc-sql at good has {right}");
        assert!(said.contains(&expected), "{said}");
    }
}
