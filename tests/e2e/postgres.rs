//! SQL at a real PostgreSQL, as the user who calls: the database says who came.

mod clean;
mod crowd;
mod limits;
mod logins;
mod types;
mod walls;

use krb_tests::{Answer, Lab, Server, Setup};
use serde_json::{Value, json};

/// A target at the lab's PostgreSQL; `change` has what differs.
fn target(lab: &Lab, name: &str, change: Value) -> Value {
    let mut target = json!({
        "kind": "sql", "engine": "postgresql", "name": name, "host": lab.var("POSTGRES_HOST"),
        "databases": ["app"], "roleTemplate": "{name}", "encryption": "gss",
        "readFunctions": ["pg_backend_pid", "pg_listening_channels"]
    });
    for (key, value) in change.as_object().expect("an object") {
        target[key] = value.clone();
    }
    target
}

/// A server with these targets beside the usual ones.
fn server(lab: &Lab, issuer: &str, targets: Vec<Value>) -> Server {
    let mut setup = Setup::new(lab, issuer);
    setup.targets.extend(targets);
    Server::start(lab, &setup)
}

/// What a caller asks of a target, which has no more rows than this.
async fn ask(server: &Server, token: &str, target: &str, sql: &str) -> Answer {
    let arguments = json!({ "action": "query", "target": target, "sql": sql, "maxRows": 10_000 });
    server.call(Some(token), "sql-delegate", arguments).await
}

/// And has done there.
async fn execute(server: &Server, token: &str, target: &str, sql: &str) -> Answer {
    let arguments = json!({ "action": "execute", "target": target, "sql": sql });
    server.call(Some(token), "sql-delegate", arguments).await
}

/// A statement of the operator's.
async fn stored(server: &Server, token: &str, target: &str, name: &str, params: Value) -> Answer {
    let arguments =
        json!({ "action": "query", "target": target, "statement": name, "params": params });
    server.call(Some(token), "sql-delegate", arguments).await
}

/// The one row of an answer.
fn row(answer: &Answer) -> &Value {
    let rows = answer.data().as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{answer:#?}");
    &rows[0]
}

/// What whoever may do all at the database sees, a line a row.
fn superuser(lab: &Lab, sql: &str) -> String {
    let output = lab.run(
        "psql",
        &["-X", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql, &lab.var("POSTGRES_SUPERUSER")],
    );
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
