//! Many logins at once, where the machine has tickets of somebody else's.

use std::process::Command;
use std::sync::Arc;

use krb_tests::lab::shipped_server;
use krb_tests::tds::{Encryption, Server};
use krb_tests::{Lab, Setup, issuer};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{WHO, ask, crowded, row, target};
use crate::databases::crowd::names;
use crate::lab;

/// So many targets are one server, where each of a hundred users has a session of each target's.
const TARGETS: usize = 10;
const AT_ONCE: usize = 32;

/// A server of ours on which everything that the system's Kerberos looks at says alice.
fn server(lab: &Lab, issuer: &str) -> krb_tests::Server {
    let cache = format!("FILE:{}", lab.scratch("alices-own-cache").display());
    lab.shell(&format!(
        "echo 'Passw0rd!ALICE_ADMIN' | KRB5CCNAME={cache} kinit -f {} >/dev/null",
        lab.principal("ALICE_ADMIN")
    ));
    let mut setup = Setup::new(lab, issuer);
    setup.targets = (0..TARGETS).map(|n| target(lab, &format!("db{n}"), json!({}))).collect();
    let folder = lab.scratch("sql-many");
    std::fs::create_dir_all(&folder).unwrap();
    setup.write(lab, &folder);
    let mut command = Command::new(shipped_server());
    command.args(["serve", "--log-format", "json", "--config"]).arg(folder.join("krb-mcp.jsonc"));
    command.env("KRB5CCNAME", &cache).env("KRB5_CLIENT_KTNAME", lab.keytab("sql"));
    krb_tests::Server::spawn(command, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_logins_at_once_are_each_their_own_whatever_tickets_the_machine_has() {
    let held = lab!(alone);
    let lab = held.for_tasks();
    let issuer = issuer().await;
    let (options, users) = crowded(lab, Encryption::Required).await;
    let database = Server::start(options).await;
    let server = Arc::new(server(lab, &issuer.url()));
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let mut calls = JoinSet::new();
    let tokens: Vec<_> = names().map(|name| issuer.token_for(&name)).collect();
    for number in 0..TARGETS {
        for (token, user) in tokens.iter().zip(&users) {
            let (server, token, user) = (server.clone(), token.clone(), user.clone());
            let permit = free.clone().acquire_owned().await.unwrap();
            calls.spawn(async move {
                let answer = ask(&server, &token, &format!("db{number}"), WHO).await;
                let own = json!({ "login": user, "name": user, "original": user });
                assert_eq!(row(&answer), &own);
                drop(permit);
            });
        }
    }
    while let Some(called) = calls.join_next().await {
        called.expect("it is its caller's");
    }
    let seen = database.seen();
    assert_eq!(seen.logins.len(), TARGETS * users.len(), "each logged in");
    let service = format!("MSSQLSvc/{}:1433", lab.var("SQL_HOST"));
    for login in &seen.logins {
        let who = login.who.as_ref().expect("a ticket");
        assert_eq!(who.name, login.login);
        assert_eq!(who.service, service, "with its port, and as a service's name");
        assert_eq!(who.delegated_by, [lab.principal(&lab.var("SVC_ACCOUNT"))]);
        assert!(!who.delegates, "nobody is given a ticket-granting ticket");
    }
    for user in &users {
        let own = seen.logins.iter().filter(|login| login.login == *user).count();
        assert_eq!(own, TARGETS, "{user}");
    }
}
