//! What is too much, takes too long, or never answers; and servers that do not do as they should.

use std::sync::Arc;
use std::time::{Duration, Instant};

use krb_tests::{Lab, issuer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{ask, row, server, superuser, target};
use crate::databases::overheard::lead_here;
use crate::databases::stalling::Stalling;
use crate::lab;
use crate::replicas::ready;

const PID: &str = "SELECT pg_backend_pid() AS pid";

/// Waits until the database runs nothing of a user's any more.
async fn is_idle(lab: &Lab, user: &str) {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}' AND state = 'active'"
    );
    for _ in 0..100 {
        if superuser(lab, &sql) == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{user}'s statement still runs");
}

#[tokio::test]
async fn a_large_answer_is_cut_at_the_server_and_takes_no_memory() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    superuser(
        lab,
        "CREATE OR REPLACE VIEW endless AS SELECT generate_series(1, 100000000) AS n, repeat('x', 1000) AS v; \
         CREATE OR REPLACE VIEW large AS SELECT repeat('x', 300000000) AS v; \
         GRANT SELECT ON endless, large TO PUBLIC",
    );
    for encryption in ["gss", "tls"] {
        let limits = json!({ "rows": 5000, "bytes": 1_000_000 });
        let change = json!({ "limits": limits, "encryption": encryption });
        let server = server(lab, &issuer.url(), vec![target(lab, "pg", change)]);
        let bob = issuer.token("bob");
        let pid = row(&ask(&server, &bob, "pg", PID).await).clone();
        let before = server.memory().peak_from_now();
        let begun = Instant::now();
        let rows = async |sql: &str, most: u32| {
            let arguments =
                json!({ "action": "query", "target": "pg", "sql": sql, "maxRows": most });
            let answer = server.call(Some(&bob), "sql-delegate", arguments).await;
            let count = answer.data().as_array().map(Vec::len);
            let more = answer.body["result"]["structuredContent"]["hasMore"] == true;
            (count, more)
        };
        assert_eq!(rows("SELECT n FROM endless", 100).await, (Some(100), true));
        is_idle(lab, "bob").await;
        // By bytes: some 1,015 a row.
        let (count, more) = rows("SELECT v FROM endless", 5000).await;
        assert!((900..1000).contains(&count.expect("rows")) && more, "{count:?}");
        is_idle(lab, "bob").await;
        let (code, message, _) = ask(&server, &bob, "pg", "SELECT v FROM large").await.error();
        assert_eq!(code, "TOO_LARGE", "{message}");
        is_idle(lab, "bob").await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let peak = server.memory().peak();
        assert!(peak < before + 60, "{encryption}: {before} MB became {peak} MB");
        // What was cancelled was that, and nothing after it.
        let after = ask(&server, &bob, "pg", "SELECT count(*) AS n FROM notes").await;
        assert_eq!(row(&after), &json!({ "n": "200" }), "{pid}");
    }
    superuser(lab, "DROP VIEW endless, large");
}

#[tokio::test]
async fn what_takes_too_long_ends_at_the_server_too() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    superuser(
        lab,
        "CREATE OR REPLACE VIEW slow AS SELECT 1 AS n FROM pg_sleep(60); GRANT SELECT ON slow TO PUBLIC",
    );
    for encryption in ["gss", "tls"] {
        let change = json!({ "limits": { "seconds": 3 }, "encryption": encryption });
        let server = server(lab, &issuer.url(), vec![target(lab, "pg", change)]);
        let bob = issuer.token("bob");
        let begun = Instant::now();
        let (code, message, _) = ask(&server, &bob, "pg", "SELECT n FROM slow").await.error();
        assert_eq!(code, "RESOURCE_TIMEOUT", "{message}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        is_idle(lab, "bob").await;
        let after = ask(&server, &bob, "pg", "SELECT count(*) AS n FROM notes").await;
        assert_eq!(row(&after), &json!({ "n": "200" }));
        // A caller who hangs up.
        let given_up = tokio::time::timeout(
            Duration::from_millis(400),
            ask(&server, &bob, "pg", "SELECT n FROM slow"),
        );
        assert!(given_up.await.is_err());
        is_idle(lab, "bob").await;
    }
    superuser(lab, "DROP VIEW slow");
}

/// A server that says this to whoever comes, and then nothing; what it heard comes back.
async fn says(said: &'static [u8]) -> (u16, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let (tell, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let _ = client.write_all(said).await;
                let mut bytes = Vec::new();
                let _ = client.read_to_end(&mut bytes).await;
                let _ = tell.send(bytes);
            });
        }
    });
    (port, heard)
}

#[tokio::test]
async fn who_never_answers_or_never_proves_itself_is_told_nothing() {
    let lab = lab!();
    let issuer = issuer().await;
    let spn = format!("postgres/{}", lab.var("POSTGRES_HOST"));
    let cases: &[(&str, &str, &[u8], &str, &str)] = &[
        ("silent", "gss", b"", "RESOURCE_TIMEOUT", "time"),
        ("silent-tls", "tls", b"", "RESOURCE_TIMEOUT", "time"),
        ("agrees", "gss", b"G", "RESOURCE_TIMEOUT", "time"),
        ("agrees-tls", "tls", b"S", "RESOURCE_TIMEOUT", "time"),
        ("plain", "gss", b"N", "RESOURCE_REFUSED", "no GSS encryption"),
        ("plain-tls", "tls", b"N", "RESOURCE_REFUSED", "no TLS"),
        ("error", "gss", b"E\0\0\0\x10SFATAL\0\0", "RESOURCE_REFUSED", "does not say"),
        ("error-tls", "tls", b"E\0\0\0\x10SFATAL\0\0", "RESOURCE_REFUSED", "does not say"),
        ("wrong", "gss", b"G\0\0\0\x04\x01\x02\x03\x04", "RESOURCE_REFUSED", "Kerberos"),
        ("long", "gss", b"G\xff\xff\xff\xff", "RESOURCE_UNREACHABLE", "prove"),
        // Bytes that somebody put in front of the encryption are not read as if they came in it.
        ("stuffed-tls", "tls", b"SR\0\0\0\x08\0\0\0\0", "RESOURCE_UNREACHABLE", "reached"),
    ];
    let (mut targets, mut ports) = (Vec::new(), Vec::new());
    for (name, encryption, said, ..) in cases {
        let (port, heard) = says(said).await;
        targets.push(target(
            lab,
            name,
            json!({
                "host": "127.0.0.1", "port": port, "spn": spn, "encryption": encryption
            }),
        ));
        ports.push(heard);
    }
    let mut setup = krb_tests::Setup::new(lab, &issuer.url());
    setup.targets.extend(targets);
    setup.change = |config: &mut Value| config["server"]["callTimeoutSeconds"] = 3.into();
    let server = krb_tests::Server::start(lab, &setup);
    let bob = issuer.token("bob");
    // What is loaded or fetched once may take longer than a call may.
    ready(&server, &bob, &lab.url("/whoami")).await;
    for ((name, _, _, code, words), mut heard) in cases.iter().zip(ports) {
        let begun = Instant::now();
        let (found, message, _) = ask(&server, &bob, name, PID).await.error();
        assert_eq!(&found, code, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}: {:?}", begun.elapsed());
        let heard = heard.recv().await.expect("what it heard");
        // Neither the user's name nor a statement went out.
        assert!(!heard.windows(6).any(|part| part == b"SELECT"), "{name}");
        if matches!(*name, "plain" | "plain-tls" | "error" | "error-tls" | "silent" | "silent-tls")
        {
            assert_eq!(heard.len(), 8, "{name}: no more than the question");
        }
    }
}

#[tokio::test]
async fn a_certificate_of_another_host_is_not_believed() {
    let lab = lab!();
    let issuer = issuer().await;
    // The certificate has the name and the address; "localhost" is neither.
    let change = json!({ "host": "localhost", "spn": format!("postgres/{}", lab.var("POSTGRES_HOST")), "encryption": "tls" });
    let mut setup = krb_tests::Setup::new(lab, &issuer.url());
    setup.targets.push(target(lab, "pg", change));
    setup.change = |config: &mut Value| {
        let address = std::env::var("POSTGRES_IP").expect("the lab sets it");
        config["network"]["hosts"] = json!({ "localhost": address });
    };
    let server = krb_tests::Server::start(lab, &setup);
    let (code, message, _) = ask(&server, &issuer.token("bob"), "pg", PID).await.error();
    assert_eq!(code, "RESOURCE_REFUSED", "{message}");
    assert!(message.contains("certificate"), "{message}");
}

#[tokio::test]
async fn no_more_connections_are_open_than_there_may_be_and_everybody_is_served() {
    let held = lab!(alone);
    let lab = held.for_tasks();
    let issuer = issuer().await;
    let change = json!({ "limits": { "connections": 2 } });
    let server = server(lab, &issuer.url(), vec![target(lab, "few", change)]);
    let server = Arc::new(server);
    let mut calls = JoinSet::new();
    for number in 0..12 {
        let (server, user) = (server.clone(), format!("crowd{number:02}"));
        let token = issuer.token_for(&user);
        calls.spawn(async move {
            let sql = "SELECT current_user AS c, count(*) AS n FROM generate_series(1, 100000)";
            let answer = ask(&server, &token, "few", sql).await;
            assert_eq!(row(&answer), &json!({ "c": user, "n": "100000" }));
        });
    }
    while let Some(called) = calls.join_next().await {
        called.expect("everybody is served");
    }
    // Those that ended are gone from the server soon.
    let count = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'crowd%'";
    for _ in 0..50 {
        if superuser(lab, count).parse::<usize>().expect("a number") <= 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} are open", superuser(lab, count));
}

#[tokio::test]
async fn a_server_that_falls_silent_anywhere_ends_the_call_on_time_and_nothing_else_is_tried() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let stalling = Stalling::before(format!("{}:5432", lab.var("POSTGRES_IP"))).await;
    let spn = format!("postgres/{}", lab.var("POSTGRES_HOST"));
    let there = |encryption: &str| {
        let there = json!({ "port": stalling.port, "spn": spn, "encryption": encryption });
        target(lab, encryption, there)
    };
    let targets = vec![there("gss"), there("tls")];
    let change = |configuration: &mut Value| {
        configuration["server"]["callTimeoutSeconds"] = 4.into();
        lead_here(configuration, "POSTGRES_HOST");
    };
    let sql = "SELECT n, repeat('x', 100) AS x FROM generate_series(1, 500) AS n";
    stalling.ends_on_time(lab, &issuer, targets, sql, change).await;
}
