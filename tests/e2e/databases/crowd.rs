//! A hundred users at once, while their connections are killed: each row says whose it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use krb_tests::Server;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

const USERS: usize = 100;
/// Calls are made by so many at once, so many connections are busy.
const CONNECTIONS: usize = 8;
/// So many calls begin for each time that connections are killed.
const CALLS_TO_A_KILL: usize = 3;
/// Of each call.
const ROWS: usize = 2000;

/// More connections than this are killed, however few calls the rows take.
const KILLS: usize = 10;

/// Rows in the ordinary run; `tests/run --long` checks a million.
fn rows() -> usize {
    std::env::var("SQL_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// The accounts of those who come.
pub(crate) fn names() -> impl Iterator<Item = String> {
    (0..USERS).map(|number| format!("crowd{number:02}"))
}

/// What targets have beside the usual: an answer of theirs is `ROWS` long, and they have fewer connections
/// than there are callers.
pub(crate) fn limits() -> Value {
    json!({ "limits": { "rows": ROWS, "bytes": 4 << 20, "connections": CONNECTIONS / 2 - 1 } })
}

pub(crate) struct Crowd {
    pub(crate) server: Server,
    /// A token of each user's, and who that is to the database.
    pub(crate) users: Vec<(String, String)>,
    /// Each with `limits`.
    pub(crate) targets: [&'static str; 2],
    /// What all of them ask, which has `ROWS` rows at least.
    pub(crate) sql: &'static str,
    /// Each of the rows, for this user.
    pub(crate) row: fn(&str) -> Value,
}

#[derive(Default)]
struct Counts {
    checked: AtomicUsize,
    calls: AtomicUsize,
    failed: AtomicUsize,
    kills: AtomicUsize,
}

impl Counts {
    /// Rows and kills are both enough, or there were so many calls that the kills find nothing.
    fn enough(&self) -> bool {
        let [checked, calls, kills] =
            [&self.checked, &self.calls, &self.kills].map(|count| count.load(Ordering::Relaxed));
        checked >= rows() && (kills > KILLS || calls > 10 * rows() / ROWS)
    }
}

impl Crowd {
    /// All of them call, and `kill` ends connections, of which it says how many; its argument is how
    /// often it has been called.
    ///
    /// # Panics
    /// If a row is not its caller's, or more fails than is killed.
    pub(crate) async fn calls(self, mut kill: impl FnMut(usize) -> usize) {
        let (crowd, counts) = (Arc::new(self), Arc::new(Counts::default()));
        let mut callers = JoinSet::new();
        for worker in 0..CONNECTIONS {
            let (crowd, counts) = (crowd.clone(), counts.clone());
            callers.spawn(async move { crowd.call_on(worker, &counts).await });
        }
        // Once for every few calls, at any moment of theirs, however fast the machine is.
        let killer = async {
            for number in 0_usize.. {
                while counts.calls.load(Ordering::Relaxed) < number * CALLS_TO_A_KILL {
                    sleep(Duration::from_millis(5)).await;
                }
                sleep(Duration::from_millis(number as u64 * 7 % 50)).await;
                counts.kills.fetch_add(kill(number), Ordering::Relaxed);
            }
        };
        let called = async {
            while let Some(ended) = callers.join_next().await {
                ended.expect("every row is its caller's");
            }
        };
        tokio::select! {
            () = called => {}
            () = killer => {}
        }
        let [checked, calls, failed, kills] =
            [&counts.checked, &counts.calls, &counts.failed, &counts.kills]
                .map(|count| count.load(Ordering::Relaxed));
        eprintln!("{checked} rows in {calls} calls, {kills} kills, of which {failed} were felt");
        assert!(kills > KILLS && failed <= kills, "{failed} of {calls} failed, of {kills} kills");
        assert!(failed * 2 < calls, "{failed} of {calls}: most calls go well");
        // Everybody is served when nobody kills any more.
        for target in crowd.targets {
            assert!(crowd.call(0, target).await.is_ok_and(|rows| rows == ROWS), "{target}");
        }
    }

    /// Users come again and again, two or three at a time beside others.
    async fn call_on(&self, worker: usize, counts: &Counts) {
        while !counts.enough() {
            let call = counts.calls.fetch_add(1, Ordering::Relaxed);
            let user = (call * 37 + worker % 3) % USERS;
            match self.call(user, self.targets[call % 2]).await {
                Ok(rows) => counts.checked.fetch_add(rows, Ordering::Relaxed),
                Err(code) => {
                    assert!(code.starts_with("RESOURCE_"), "{code}");
                    counts.failed.fetch_add(1, Ordering::Relaxed)
                }
            };
        }
    }

    /// How many rows there were, all of which are this user's, or why there were none.
    async fn call(&self, user: usize, target: &str) -> Result<usize, String> {
        let (token, user) = &self.users[user];
        let arguments =
            json!({ "action": "query", "target": target, "sql": self.sql, "maxRows": ROWS });
        let answer = self.server.call(Some(token), "sql-delegate", arguments).await;
        if answer.body["result"]["isError"] == true {
            return Err(answer.code());
        }
        let rows = answer.data().as_array().expect("rows");
        assert_eq!(rows.len(), ROWS);
        let own = (self.row)(user);
        for row in rows {
            assert_eq!(row, &own, "{target}");
        }
        Ok(rows.len())
    }
}
