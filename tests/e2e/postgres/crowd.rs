//! A hundred users at once, while their connections are killed: each row says whose it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use krb_tests::issuer;
use serde_json::json;
use tokio::task::JoinSet;

use super::{ask, server, superuser, target};
use crate::lab;

const USERS: usize = 100;
/// Calls are made by so many at once, so many connections are busy.
const CONNECTIONS: usize = 8;
/// Of each call.
const ROWS: usize = 2000;

/// Rows in the ordinary run; `tests/run --long` checks a million.
fn rows() -> usize {
    std::env::var("SQL_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_its_callers_whatever_is_killed() {
    let held = lab!(alone);
    let lab = held.for_tasks();
    let issuer = issuer().await;
    let limits = json!({ "rows": ROWS, "bytes": 4 << 20 });
    let server = Arc::new(server(
        lab,
        &issuer.url(),
        vec![
            target(lab, "gss", json!({ "limits": limits })),
            target(lab, "tls", json!({ "limits": limits, "encryption": "tls" })),
        ],
    ));
    let tokens: Arc<Vec<_>> = Arc::new(
        (0..USERS)
            .map(|number| format!("crowd{number:02}"))
            .map(|user| (issuer.token_for(&user), user))
            .collect(),
    );
    let (checked, calls, failed) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut callers = JoinSet::new();
    for worker in 0..CONNECTIONS {
        let (server, tokens) = (server.clone(), tokens.clone());
        let (checked, calls, failed) = (checked.clone(), calls.clone(), failed.clone());
        callers.spawn(async move {
            while checked.load(Ordering::Relaxed) < rows() {
                let call = calls.fetch_add(1, Ordering::Relaxed);
                // Users come again and again, two or three at a time beside others.
                let (token, user) = &tokens[(call * 37 + worker % 3) % USERS];
                let target = ["gss", "tls"][call % 2];
                let sql = "SELECT session_user AS s, current_user AS c, owner FROM notes, generate_series(1, 10)";
                let answer = ask(&server, token, target, sql).await;
                if answer.body["result"]["isError"] == true {
                    let code = answer.code();
                    assert!(code.starts_with("RESOURCE_"), "{answer:#?}");
                    failed.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let data = answer.data().as_array().expect("rows");
                assert_eq!(data.len(), ROWS);
                for row in data {
                    assert_eq!(row, &json!({ "s": user, "c": user, "owner": user }));
                }
                checked.fetch_add(data.len(), Ordering::Relaxed);
            }
        });
    }
    let killer = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            superuser(
                lab,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'crowd%' \
                 ORDER BY random() LIMIT 2",
            );
        }
    };
    tokio::select! {
        () = async {
            while let Some(caller) = callers.join_next().await {
                caller.expect("a caller");
            }
        } => {}
        () = killer => {}
    }
    let (calls, failed) = (calls.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    println!("{} rows in {calls} calls, of which {failed} failed", checked.load(Ordering::Relaxed));
    assert!(failed * 2 < calls, "{failed} of {calls}: most calls go well");
}
