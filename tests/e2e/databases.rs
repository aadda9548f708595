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

/// `curl` as the original's documentation has it, but for who is asked: the text of the answer.
pub(crate) fn by_curl(lab: &Lab, server: &Server, token: &str, sql: &str) -> String {
    let told = lab.shell(&format!(
        r#"curl -sS -X POST {} \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer {token}" \
  -d '{{
    "jsonrpc": "2.0",
    "method": "tools/call",
    "params": {{
      "name": "sql-delegate",
      "arguments": {{
        "action": "query",
        "sql": "{sql}",
        "params": {{}}
      }}
    }},
    "id": 1
  }}'"#,
        server.url()
    ));
    let answer: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(1)), "{answer:#}");
    let content = &answer["result"]["content"];
    assert_eq!((content.as_array().map(Vec::len), &content[0]["type"]), (Some(1), &json!("text")));
    content[0]["text"].as_str().unwrap_or_default().to_owned()
}
