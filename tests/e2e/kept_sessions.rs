//! SMB sessions that are kept for later calls: who is served by them, and what becomes of them. The
//! file server's log says who came, its processes are its sessions' ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use krb_tests::logs::Mark;
use krb_tests::{Answer, Lab, Server, Setup, issuer};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::lab;

/// Who has a file of their own on the share, and the account's name. phoenix is not among them: whoever
/// has that name after `recreated` may not read it.
const USERS: [(&str, &str); 7] = [
    ("alice", "ALICE_ADMIN"),
    ("bob", "bob"),
    ("erin", "erin"),
    ("many", "many"),
    ("molly", "molly"),
    ("rené", "rené"),
    ("rene", "rene"),
];

/// Calls begin for each time that sessions are killed, several times as many as are under way at once.
const CALLS_TO_A_KILL: usize = 40;

fn file_server(lab: &Lab) -> Mark {
    Mark::end_of(lab.var("FILESERVER_AUDIT"))
}

/// Whether a line of the file server's log is about something that the account did: it writes names
/// in small letters.
fn is_of(line: &str, account: &str) -> bool {
    line.contains(&format!("\\{}|", account.to_lowercase()))
}

/// How often a share was opened, by the file server's word.
fn connects(log: &Mark, account: &str) -> usize {
    let log = log.since();
    log.lines().filter(|line| is_of(line, account) && line.contains("|connect|")).count()
}

#[tokio::test]
async fn a_session_serves_its_user_again_and_nobody_else() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let (alice, bob) = (issuer.token("alice"), issuer.token("bob"));
    let (hers, his) = (lab.unc("bulk/ALICE_ADMIN/07.txt"), lab.unc("bulk/bob/07.txt"));
    let log = file_server(lab);
    for _ in 0..5 {
        assert_eq!(server.read(&alice, &hers).await.content().trim(), "ALICE_ADMIN 07");
        // Refusals and what is not there leave a session as good as it was.
        assert_eq!(server.read(&alice, &his).await.code(), "ACCESS_DENIED");
        assert_eq!(server.read(&alice, &lab.unc("bulk/none.txt")).await.code(), "NOT_FOUND");
        assert_eq!(server.read(&bob, &hers).await.code(), "ACCESS_DENIED");
        assert_eq!(server.read(&bob, &his).await.content().trim(), "bob 07");
        let list = server
            .call(Some(&bob), "kerberos-list-directory", json!({ "path": lab.unc("bulk/bob") }))
            .await;
        assert_eq!(list.data()["entries"].as_array().map(Vec::len), Some(40));
    }
    assert_eq!((connects(&log, "ALICE_ADMIN"), connects(&log, "bob")), (1, 1), "{}", log.since());
    let records = server.audit_records();
    let intents = records.iter().filter(|record| record["phase"] == "intent").count();
    assert_eq!(intents, 30, "each call has a permit and an intent record of its own");
}

#[tokio::test]
async fn a_session_that_the_file_server_ends_is_replaced() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let (token, path) = (issuer.token("bob"), lab.unc("bulk/bob/01.txt"));
    let log = file_server(lab);
    for round in 1..4 {
        for _ in 0..3 {
            assert_eq!(server.read(&token, &path).await.content().trim(), "bob 01");
        }
        assert_eq!(connects(&log, "bob"), round, "{}", log.since());
        kill_sessions(lab);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_killed_or_gives_up_nobody_gets_anothers_file() {
    let held = lab!(alone);
    let lab = held.for_tasks();
    let issuer = issuer().await;
    let server = Arc::new(Server::start(lab, &Setup::new(lab, &issuer.url())));
    let log = file_server(lab);
    let mut callers = JoinSet::new();
    let calls = Arc::new(AtomicUsize::new(0));
    for worker in 0..16 {
        let (server, calls) = (server.clone(), calls.clone());
        let tokens = USERS.map(|(user, account)| match user {
            "alice" | "bob" => (issuer.token(user), account),
            _ => (issuer.token_for(account), account),
        });
        callers.spawn(async move {
            let mut refused = 0;
            for number in 0..40 {
                let (token, account) = &tokens[(worker + number) % tokens.len()];
                let (_, other) = &tokens[(worker + number + 1) % tokens.len()];
                let path = |account: &str| lab.unc(&format!("reports/{account}.csv"));
                let own = path(account);
                calls.fetch_add(2, Ordering::Relaxed);
                let read = server.read(token, &own);
                if (worker + number) % 5 == 0 {
                    // Somewhere on its way, in the middle of an answer among others.
                    let patience = Duration::from_micros(500 * (number as u64 % 20));
                    if let Ok(answer) = tokio::time::timeout(patience, read).await {
                        check(&answer, account);
                    }
                } else {
                    check(&read.await, account);
                }
                let code = server.read(token, &path(other)).await.code();
                let is_refused = code == "ACCESS_DENIED";
                assert!(is_refused || code.starts_with("RESOURCE_"), "{other}'s: {code}");
                refused += usize::from(is_refused);
            }
            refused
        });
    }
    // Once for every so many calls, at any moment of theirs, however fast the machine is.
    let mut kills = 0;
    let killer = async {
        loop {
            let next = calls.load(Ordering::Relaxed) + CALLS_TO_A_KILL;
            while calls.load(Ordering::Relaxed) < next {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(kills * 7 % 50)).await;
            kill_sessions(lab);
            kills += 1;
        }
    };
    let refused = tokio::select! {
        refused = async {
            let mut refused = 0;
            while let Some(caller) = callers.join_next().await {
                refused += caller.expect("a caller");
            }
            refused
        } => refused,
        () = killer => 0,
    };
    assert!(refused > 16 * 20, "{refused}: most calls go well");
    assert!(kills > 2, "{kills}: sessions are killed again and again");

    // The file server's own word: a file of somebody's was opened by nobody else.
    for line in log.since().lines().filter(|line| line.contains("|create_file|ok|")) {
        for (_, account) in USERS {
            if line.contains(&format!("reports/{account}.csv")) {
                assert!(is_of(line, account), "{line}");
            }
        }
    }
    assert_eq!(open_files(lab), "", "nothing is left open");
}

/// The caller's own file, or nothing: the file server may have been killed twice within a call.
fn check(answer: &Answer, account: &str) {
    match answer.body["result"]["structuredContent"]["data"]["content"].as_str() {
        Some(content) => {
            assert!(content.contains(&format!("\n{account},42")), "{account}: {content}")
        }
        None => assert!(answer.code().starts_with("RESOURCE_"), "{account}: {}", answer.code()),
    }
}

/// The processes that serve a session each.
fn sessions(lab: &Lab) -> Vec<u64> {
    let status = lab.shell("smbstatus -s \"$LAB/fileserver/etc/smb.conf\" -p -j");
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let sessions = status["sessions"].as_object().cloned().unwrap_or_default();
    let pid = |session: &Value| session["server_id"]["pid"].as_str()?.parse().ok();
    sessions.values().filter_map(pid).collect()
}

fn kill_sessions(lab: &Lab) {
    for pid in sessions(lab) {
        // It may have ended by itself.
        lab.run("kill", &[&pid.to_string()]);
    }
}

/// What is open on the file server, for whoever.
fn open_files(lab: &Lab) -> String {
    let until = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        let open = lab.shell("smbstatus -s \"$LAB/fileserver/etc/smb.conf\" -L | grep -v '^No locked files' | grep share || true");
        if open.is_empty() || std::time::Instant::now() > until {
            return open;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
