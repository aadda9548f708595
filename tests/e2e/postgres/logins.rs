//! In every way in which a session becomes the user's.

use krb_tests::{Server, issuer};
use serde_json::json;

use super::{ask, row, server, stored, superuser, target};
use crate::lab;

const WHO: &str = "SELECT session_user AS s, current_user AS c";

#[tokio::test]
async fn alice_is_alice_to_the_database_by_gss_and_by_tls() {
    let lab = lab!();
    let issuer = issuer().await;
    let targets = vec![
        target(lab, "gss", json!({})),
        target(lab, "tls", json!({ "encryption": "tls" })),
        target(lab, "domain", json!({ "roleTemplate": "DOMAIN\\{name}" })),
    ];
    let server = server(lab, &issuer.url(), targets);
    for (user, account) in [("alice", "ALICE_ADMIN"), ("bob", "bob")] {
        let token = issuer.token(user);
        for (target, encrypted) in [("gss", true), ("tls", false)] {
            let sql = "SELECT s.principal, s.encrypted, s.gss_authenticated, session_user AS s, \
                       current_user AS c FROM pg_stat_gssapi s WHERE s.pid = pg_backend_pid()";
            let answer = ask(&server, &token, target, sql).await;
            let expected = json!({
                "principal": lab.principal(account), "encrypted": encrypted,
                "gss_authenticated": true, "s": account, "c": account
            });
            assert_eq!(row(&answer), &expected);
            // Row-level security: each their own.
            let sql = "SELECT count(*) AS n, min(owner) AS a, max(owner) AS z FROM notes";
            let answer = ask(&server, &token, target, sql).await;
            assert_eq!(row(&answer), &json!({ "n": "200", "a": account, "z": account }));
            let tls = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            assert_eq!(row(&ask(&server, &token, target, tls).await)["ssl"], !encrypted);
        }
        let answer = ask(&server, &token, "domain", WHO).await;
        let name = format!("DOMAIN\\{account}");
        assert_eq!(row(&answer), &json!({ "s": name, "c": name }));
    }
    // A grant is the user's own.
    let salaries = "SELECT amount FROM salaries";
    let answer = ask(&server, &issuer.token("alice"), "gss", salaries).await;
    assert_eq!(row(&answer), &json!({ "amount": "1234.50" }));
    let (code, message, _) = ask(&server, &issuer.token("bob"), "gss", salaries).await.error();
    assert_eq!(code, "ACCESS_DENIED", "{message}");
    assert!(message.contains("42501"), "{message}");
}

#[tokio::test]
async fn who_has_no_role_there_does_not_come_in() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = server(
        lab,
        &issuer.url(),
        vec![
            target(lab, "gss", json!({})),
            target(lab, "wrong", json!({ "roleTemplate": "x{name}" })),
        ],
    );
    // She is in the directory, and not in the database.
    let (code, message, _) = ask(&server, &issuer.token_for("molly"), "gss", WHO).await.error();
    assert_eq!(code, "ACCESS_DENIED", "{message}");
    assert!(message.contains("28000"), "{message}");
    // pg_ident.conf has no such role for him.
    let (code, message, _) = ask(&server, &issuer.token("bob"), "wrong", WHO).await.error();
    assert_eq!(code, "ACCESS_DENIED", "{message}");
}

#[tokio::test]
async fn a_ticket_of_25_kilobytes_passes_and_one_of_68_is_refused_with_its_size() {
    let lab = lab!(alone);
    lab.shell(concat!(env!("CARGO_MANIFEST_DIR"), "/lab.d/dc/foreign-groups giant 1700"));
    let issuer = issuer().await;
    let server = server(
        lab,
        &issuer.url(),
        vec![target(lab, "gss", json!({})), target(lab, "tls", json!({ "encryption": "tls" }))],
    );
    for target in ["gss", "tls"] {
        let answer = ask(&server, &issuer.token_for("huge"), target, WHO).await;
        assert_eq!(row(&answer)["s"], "huge");
        let most = if target == "gss" { "65532" } else { "65531" };
        let refused = ask(&server, &issuer.token_for("giant"), target, WHO).await.error();
        let (code, message, remedy) = refused;
        assert_eq!(code, "RESOURCE_REFUSED", "{message}");
        assert!(message.contains(most) && message.contains("170"), "{message}");
        assert!(remedy.contains("groups"), "{remedy}");
    }
}

fn statements() -> serde_json::Value {
    json!({
        "who": { "sql": WHO, "access": "read" },
        "notes": { "sql": "SELECT count(*) AS n, min(owner) AS a, max(owner) AS z FROM public.notes", "access": "read" },
        "settings": { "sql": "SELECT current_setting('statement_timeout') AS t, current_setting('work_mem') AS m, \
                              current_setting('search_path') AS p, current_setting('DateStyle') AS d", "access": "read" },
        "sleep": { "sql": "SELECT pg_sleep($1::double precision)", "params": ["seconds"], "access": "read" },
        "add": { "sql": "INSERT INTO public.notes (body) VALUES ($1) RETURNING owner, body", "params": ["body"], "access": "write" }
    })
}

async fn becomes_the_user(server: &Server, alice: &str, bob: &str, target: &str, session: &str) {
    for _ in 0..3 {
        for (token, account) in [(alice, "ALICE_ADMIN"), (bob, "bob")] {
            let answer = stored(server, token, target, "who", json!({})).await;
            assert_eq!(row(&answer), &json!({ "s": session, "c": account }), "{target}");
            let answer = stored(server, token, target, "notes", json!({})).await;
            let row = row(&answer);
            assert_eq!((&row["a"], &row["z"]), (&json!(account), &json!(account)), "{target}");
        }
    }
}

#[tokio::test]
async fn a_service_login_takes_on_the_users_role_for_the_operators_statements_alone() {
    let lab = lab!();
    let issuer = issuer().await;
    let role = |name: &str, mut login: serde_json::Value, encryption: &str| {
        login["mode"] = "role".into();
        let change =
            json!({ "login": login, "encryption": encryption, "statements": statements() });
        target(lab, name, change)
    };
    let password = |username: &str| json!({ "username": username, "password": format!("Passw0rd!{username}") });
    let targets = vec![
        role("password", password("mcp_login"), "tls"),
        role("ticket", json!({}), "gss"),
        role("ticket-tls", json!({}), "tls"),
        role("strong", password("mcp_strong"), "tls"),
        role("inherits", password("mcp_inherits"), "tls"),
        role("let-in", json!({ "username": "let_in", "password": "x" }), "tls"),
        role("asked", password("asked"), "tls"),
        role("wrong", json!({ "username": "mcp_login", "password": "wrong" }), "tls"),
    ];
    let server = server(lab, &issuer.url(), targets);
    let (alice, bob) = (issuer.token("alice"), issuer.token("bob"));
    becomes_the_user(&server, &alice, &bob, "password", "mcp_login").await;
    for target in ["ticket", "ticket-tls"] {
        becomes_the_user(&server, &alice, &bob, target, &lab.var("SVC_ACCOUNT")).await;
    }
    // Nothing that users write.
    let (code, message, _) = ask(&server, &alice, "password", WHO).await.error();
    assert_eq!(code, "INVALID_ARGUMENT", "{message}");
    // Logins that may do more than become users, and servers that do not ask for proof.
    for (target, words) in [
        ("strong", "superuser"),
        ("inherits", "INHERIT"),
        ("let-in", "without proving"),
        ("asked", "clear text"),
    ] {
        let (code, message, _) = stored(&server, &bob, target, "who", json!({})).await.error();
        assert_eq!(code, "RESOURCE_REFUSED", "{target}: {message}");
        assert!(message.contains(words), "{target}: {message}");
    }
    let (code, message, _) = stored(&server, &bob, "wrong", "who", json!({})).await.error();
    assert_eq!(code, "ACCESS_DENIED", "{message}");
    assert!(message.contains("28P01"), "{message}");
    // Who is no role that the login may take on.
    let refused = stored(&server, &issuer.token_for("many"), "password", "who", json!({})).await;
    assert_eq!(refused.code(), "ACCESS_DENIED", "{refused:#?}");
}

#[tokio::test]
async fn what_is_set_for_a_role_holds_when_it_is_taken_on() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let login =
        json!({ "mode": "role", "username": "mcp_login", "password": "Passw0rd!mcp_login" });
    let change = json!({ "login": login, "encryption": "tls", "statements": statements() });
    let server = server(lab, &issuer.url(), vec![target(lab, "role", change)]);
    let bob = issuer.token("bob");
    superuser(lab, "ALTER ROLE bob SET statement_timeout = '2s'");
    superuser(lab, "ALTER ROLE bob IN DATABASE app SET work_mem = '3MB'");
    superuser(lab, "ALTER ROLE bob SET search_path = alice, public");
    let settings = stored(&server, &bob, "role", "settings", json!({})).await;
    let slept = stored(&server, &bob, "role", "sleep", json!({ "seconds": 5 })).await;
    let alices = stored(&server, &issuer.token("alice"), "role", "settings", json!({})).await;
    superuser(lab, "ALTER ROLE bob RESET ALL");
    superuser(lab, "ALTER ROLE bob IN DATABASE app RESET ALL");
    let expected = json!({
        "t": "2s", "m": "3MB", "p": "pg_catalog, pg_temp", "d": "ISO, YMD"
    });
    assert_eq!(row(&settings), &expected);
    assert_eq!(slept.code(), "RESOURCE_BUSY", "{slept:#?}");
    assert_eq!(row(&alices)["t"], "0");
}

#[tokio::test]
async fn the_service_logs_in_as_the_user_where_the_server_maps_it() {
    let lab = lab!();
    let issuer = issuer().await;
    let tls = lab.var("CA_FILE").replace("ca.crt", "svc");
    let certificate = json!({
        "mode": "mapped", "username": lab.var("SVC_ACCOUNT"),
        "certificate": format!("{tls}.crt"), "key": format!("{tls}.key")
    });
    let server = server(
        lab,
        &issuer.url(),
        vec![
            target(lab, "ticket", json!({ "login": { "mode": "mapped" } })),
            target(
                lab,
                "ticket-tls",
                json!({ "login": { "mode": "mapped" }, "encryption": "tls" }),
            ),
            target(lab, "certificate", json!({ "login": certificate, "encryption": "tls" })),
        ],
    );
    for target in ["ticket", "ticket-tls"] {
        for (token, account) in
            [(issuer.token("alice"), "ALICE_ADMIN"), (issuer.token("bob"), "bob")]
        {
            let answer = ask(&server, &token, target, WHO).await;
            assert_eq!(row(&answer), &json!({ "s": account, "c": account }), "{target}");
            let sql = "SELECT principal FROM pg_stat_gssapi WHERE pid = pg_backend_pid()";
            let principal = lab.principal(&lab.var("SVC_ACCOUNT"));
            assert_eq!(
                row(&ask(&server, &token, target, sql).await)["principal"],
                json!(principal)
            );
        }
        // pg_ident.conf does not map the service to her.
        let refused = ask(&server, &issuer.token_for("many"), target, WHO).await;
        assert_eq!(refused.code(), "ACCESS_DENIED", "{refused:#?}");
    }
    let answer = ask(&server, &issuer.token_for("erin"), "certificate", WHO).await;
    assert_eq!(row(&answer), &json!({ "s": "erin", "c": "erin" }));
    let refused = ask(&server, &issuer.token_for("bob"), "certificate", WHO).await;
    assert_eq!(refused.code(), "RESOURCE_REFUSED", "bob's line wants a ticket: {refused:#?}");
}
