//! What the tests of databases ask in the same words of every engine.

pub(crate) mod crowd;
pub(crate) mod overheard;
pub(crate) mod stalling;

use krb_tests::{Answer, Lab, Server, Setup};
use serde_json::{Value, json};

/// A target with other members, or more of them.
pub(crate) fn changed(mut target: Value, change: &Value) -> Value {
    for (key, value) in change.as_object().expect("an object") {
        target[key] = value.clone();
    }
    target
}

/// A server of ours with these targets beside the usual ones.
pub(crate) fn server(lab: &Lab, issuer: &str, targets: Vec<Value>) -> Server {
    let mut setup = Setup::new(lab, issuer);
    setup.targets.extend(targets);
    Server::start(lab, &setup)
}

/// What a caller has done at a target.
pub(crate) async fn execute(server: &Server, token: &str, target: &str, sql: &str) -> Answer {
    let arguments = json!({ "action": "execute", "target": target, "sql": sql });
    server.call(Some(token), "sql-delegate", arguments).await
}

/// The one row of an answer.
pub(crate) fn row(answer: &Answer) -> &Value {
    let rows = answer.data().as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{answer:#?}");
    &rows[0]
}
