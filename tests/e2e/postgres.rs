//! SQL at a real PostgreSQL, as the user who calls: the database says who came.

mod clean;
mod crowd;
mod limits;
mod logins;
mod overheard;
mod types;
mod walls;

use krb_tests::{Answer, Lab, Server};
use serde_json::{Value, json};

use crate::databases::{changed, execute, row, server};

/// A target at the lab's PostgreSQL; `change` has what differs.
fn target(lab: &Lab, name: &str, change: Value) -> Value {
    let usual = json!({
        "kind": "sql", "engine": "postgresql", "name": name, "host": lab.var("POSTGRES_HOST"),
        "databases": ["app"], "roleTemplate": "{name}", "encryption": "gss",
        "readFunctions": ["pg_backend_pid", "pg_listening_channels"]
    });
    changed(usual, &change)
}

/// What a caller asks of a target, which has no more rows than this.
async fn ask(server: &Server, token: &str, target: &str, sql: &str) -> Answer {
    let arguments = json!({ "action": "query", "target": target, "sql": sql, "maxRows": 10_000 });
    server.call(Some(token), "sql-delegate", arguments).await
}

/// A statement of the operator's.
async fn stored(server: &Server, token: &str, target: &str, name: &str, params: Value) -> Answer {
    let arguments =
        json!({ "action": "query", "target": target, "statement": name, "params": params });
    server.call(Some(token), "sql-delegate", arguments).await
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
