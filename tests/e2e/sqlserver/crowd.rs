//! Many users at once, while their connections are killed.

use krb_tests::issuer;
use krb_tests::tds::{Directory, Encryption, Server};
use serde_json::json;

use super::{impersonating, options, server, target};
use crate::databases::crowd::{Crowd, limits, names};
use crate::lab;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_its_callers_whatever_is_killed() {
    let held = lab!(alone);
    let lab = held.for_tasks();
    let issuer = issuer().await;
    let users: Vec<_> = names().map(|name| lab.windows_name(&name)).collect();
    let mut options = options(lab, Encryption::Required).await;
    options.directory = Directory::with_users(&users.iter().map(|n| &**n).collect::<Vec<_>>());
    let database = Server::start(options).await;
    database.stop_listening();
    let targets = vec![target(lab, "own", limits()), impersonating(lab, "as", limits())];
    let crowd = Crowd {
        server: server(lab, &issuer.url(), targets),
        users: names().map(|name| issuer.token_for(&name)).zip(users).collect(),
        targets: ["own", "as"],
        sql: "SELECT SUSER_SNAME() AS s, USER_NAME() AS u FROM many",
        row: |user| json!({ "s": user, "u": user }),
    };
    let kill = |number: usize| {
        database.kill(number.wrapping_mul(7919));
        1
    };
    crowd.calls(kill).await;
}
