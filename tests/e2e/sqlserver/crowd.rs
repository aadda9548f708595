//! Many users at once, while their connections are killed.

use krb_tests::issuer;
use krb_tests::tds::{Encryption, Server};
use serde_json::json;

use super::{crowded, impersonating, server, target};
use crate::databases::crowd::{Crowd, limits, names};
use crate::lab;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_its_callers_whatever_is_killed() {
    let held = lab!(alone);
    let lab = held.for_tasks();
    let issuer = issuer().await;
    let (options, users) = crowded(lab, Encryption::Required).await;
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
