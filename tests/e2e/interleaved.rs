//! A thousand calls of two users at once never meet.

use std::sync::Arc;

use krb_tests::{Server, Setup, issuer, pac};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::lab;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_interleaved_calls_each_arrive_as_their_own_user() {
    let held = lab!();
    let lab = held.for_tasks();
    let issuer = issuer().await;
    let server = Arc::new(Server::start(lab, &Setup::new(lab, &issuer.url())));
    let fifty = Arc::new(Semaphore::new(50));
    let mut calls = JoinSet::new();
    for number in 0..1000 {
        let (user, account) = [("alice", "ALICE_ADMIN"), ("bob", "bob")][number % 2];
        let (server, token) = (server.clone(), issuer.token(user));
        let permit = fifty.clone().acquire_owned().await.unwrap();
        calls.spawn(async move {
            // Each call has a path of its own; every tenth goes to the file server.
            if number % 10 < 2 {
                let file = format!("bulk/{account}/{:02}.txt", number / 2 % 40);
                let answer = server.read(&token, &lab.unc(&file)).await;
                assert_eq!(answer.content().trim(), format!("{account} {:02}", number / 2 % 40));
                let other = if account == "bob" { "ALICE_ADMIN" } else { "bob" };
                let file = format!("bulk/{other}/{:02}.txt", number / 2 % 40);
                let denied = server.read(&token, &lab.unc(&file)).await;
                assert_eq!(denied.code(), "ACCESS_DENIED", "{account} reads {file}");
            } else {
                let answer = server.get(&token, &lab.url(&format!("/whoami?call={number}"))).await;
                let page = pac::page(answer.content());
                assert_eq!(page.remote_user, lab.principal(account), "call {number}");
                assert_eq!(page.pac_account.as_deref(), Some(account), "call {number}");
                assert_eq!(page.query, format!("call={number}"));
            }
            drop(permit);
        });
    }
    let mut done = 0;
    while let Some(call) = calls.join_next().await {
        call.expect("a call");
        done += 1;
    }
    assert_eq!(done, 1000);
}
