//! A hundred users at once, while their connections are killed: each row says whose it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use krb_tests::issuer;
use krb_tests::tds::{Directory, Encryption, Server};
use serde_json::json;
use tokio::task::JoinSet;

use super::{ask, impersonating, options, server, target};
use crate::lab;

const USERS: usize = 100;
/// Calls are made by so many at once, so many connections are busy.
const CONNECTIONS: usize = 8;
/// So many calls begin for each connection that is killed.
const CALLS_TO_A_KILL: usize = 3;
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
    let names: Vec<_> = (0..USERS).map(|number| format!("crowd{number:02}")).collect();
    let users: Vec<_> = names.iter().map(|name| lab.windows_name(name)).collect();
    let mut options = options(lab, Encryption::Required).await;
    options.directory = Directory::with_users(&users.iter().map(|n| &**n).collect::<Vec<_>>());
    let database = Arc::new(Server::start(options).await);
    database.stop_listening();
    let limits = json!({ "limits": { "rows": ROWS, "bytes": 4 << 20 } });
    let targets = vec![target(lab, "own", limits.clone()), impersonating(lab, "as", limits)];
    let server = Arc::new(server(lab, &issuer.url(), targets));
    let tokens: Vec<_> =
        names.iter().zip(users).map(|(name, user)| (issuer.token_for(name), user)).collect();
    let tokens = Arc::new(tokens);
    let counts = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let mut callers = JoinSet::new();
    for worker in 0..CONNECTIONS {
        let (server, tokens, counts) = (server.clone(), tokens.clone(), counts.clone());
        callers.spawn(async move {
            let [checked, calls, failed] = &*counts;
            while checked.load(Ordering::Relaxed) < rows() {
                let call = calls.fetch_add(1, Ordering::Relaxed);
                let (token, user) = &tokens[(call * 37 + worker % 3) % USERS];
                let target = ["own", "as"][call % 2];
                let sql = "SELECT SUSER_SNAME() AS s, USER_NAME() AS u FROM many";
                let arguments = json!({
                    "action": "query", "target": target, "sql": sql, "maxRows": ROWS
                });
                let answer = server.call(Some(token), "sql-delegate", arguments).await;
                if answer.body["result"]["isError"] == true {
                    failed.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let rows = answer.data().as_array().expect("rows");
                assert!(!rows.is_empty());
                for row in rows {
                    assert_eq!((&row["s"], &row["u"]), (&json!(user), &json!(user)), "{target}");
                }
                checked.fetch_add(rows.len(), Ordering::Relaxed);
            }
        });
    }
    // One connection for every few calls, at any moment of theirs, however fast the machine is.
    let (killed, kills) = (database.clone(), Arc::new(AtomicUsize::new(0)));
    let killer = tokio::spawn({
        let (counts, kills) = (counts.clone(), kills.clone());
        async move {
            for number in 0_usize.. {
                while counts[1].load(Ordering::Relaxed) < number * CALLS_TO_A_KILL {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
                let moment = std::time::Duration::from_millis(number as u64 * 7 % 50);
                tokio::time::sleep(moment).await;
                kills.fetch_add(1, Ordering::Relaxed);
                killed.kill(number.wrapping_mul(7919));
            }
        }
    });
    while let Some(ended) = callers.join_next().await {
        ended.expect("every row is its caller's");
    }
    killer.abort();
    let [checked, calls, failed] = counts.each_ref().map(|n| n.load(Ordering::Relaxed));
    let kills = kills.load(Ordering::Relaxed);
    eprintln!("{checked} rows in {calls} calls, {kills} kills, of which {failed} were felt");
    assert!(kills > 10 && failed <= kills, "{failed} of {calls} failed, of {kills} kills");
    // Everybody is served when nobody kills any more.
    let (token, user) = &tokens[0];
    let answer = ask(&server, token, "own", "SELECT USER_NAME() AS u").await;
    assert_eq!(super::row(&answer)["u"], *user);
}
