//! Many users at once, while their connections are killed.

use krb_tests::issuer;
use serde_json::json;

use super::{server, superuser, target};
use crate::databases::changed;
use crate::databases::crowd::{Crowd, limits, names};
use crate::lab;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_its_callers_whatever_is_killed() {
    let held = lab!(alone);
    let lab = held.for_tasks();
    let issuer = issuer().await;
    let tls = changed(limits(), &json!({ "encryption": "tls" }));
    let targets = vec![target(lab, "gss", limits()), target(lab, "tls", tls)];
    let crowd = Crowd {
        server: server(lab, &issuer.url(), targets),
        users: names().map(|user| (issuer.token_for(&user), user)).collect(),
        targets: ["gss", "tls"],
        sql: "SELECT session_user AS s, current_user AS c, owner FROM notes, generate_series(1, 10)",
        row: |user| json!({ "s": user, "c": user, "owner": user }),
    };
    // Those that are at work every other time, and whichever.
    let kill = |number: usize| {
        let first = ["state <> 'idle'", "true"][number % 2];
        let sql = format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE usename LIKE 'crowd%' ORDER BY ({first}) IS NOT TRUE, random() LIMIT 2"
        );
        let killed = superuser(lab, &sql);
        killed.lines().filter(|line| *line == "t").count()
    };
    crowd.calls(kill).await;
}
