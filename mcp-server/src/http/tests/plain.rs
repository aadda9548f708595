//! What is answered without rmcp is answered as by rmcp.

use super::messages::changed_in_one_place;
use super::*;
use crate::http::PlainCall;
use crate::http::envelope::{Message, check};

/// A host that is ours, in a form that only rmcp knows.
const RMCPS_HOST: &str = "[::1]:8080";
const OUR_HOST: &str = "localhost:8080";

/// The status, the type of the content, the
/// answer, what was done.
type Answer = (StatusCode, Option<String>, Value, Vec<String>);

async fn answered(host: &str, headers: &[(&str, &str)], text: &str) -> (Answer, bool) {
    let (app, fake, _) = app("");
    let mut request =
        post(&[&[ALICE], headers].concat(), &json!(null)).map(|_| text.to_owned().into());
    request.headers_mut().insert("host", host.parse().unwrap());
    let response = send(&app, request).await;
    let (status, kind) = (response.status(), response.headers().get("content-type").cloned());
    let bytes = body(response).await;
    // Ours begins with what is structured.
    let text = String::from_utf8_lossy(&bytes);
    let is_ours = text.contains(r#""result":{"structuredContent":{"#);
    let answer =
        if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
    ((status, kind, answer, fake.events()), is_ours)
}

/// What is taken without rmcp is taken with it, for the same call: both answers below are to what was
/// read as a plain call, if it can be.
fn read_alike(headers: &[(&str, &str)], text: &str) {
    let fields = headers.iter().map(|(name, value)| {
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    });
    let fields: HeaderMap = fields.collect();
    if let Some(PlainCall { id, tool, .. }) = PlainCall::read(&fields, text.as_bytes()) {
        let same = Message::Request { id, tool: Some(tool) };
        let checked = check(&fields, text.as_bytes());
        assert_eq!(checked.map_err(|malformed| malformed.tool), Ok(same), "{headers:?} {text}");
    }
}

/// The answer to a text, which is the same whoever gives it, and whether we did.
async fn compared(headers: &[(&str, &str)], text: &str) -> bool {
    read_alike(headers, text);
    let (ours, is_ours) = answered(OUR_HOST, headers, text).await;
    let (rmcps, is_not_rmcps) = answered(RMCPS_HOST, headers, text).await;
    assert!(!is_not_rmcps, "{text}");
    assert_eq!(ours, rmcps, "{headers:?} {text}");
    is_ours
}

fn call(id: &Value, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
}

const VERSIONS: [&[(&str, &str)]; 3] = [
    &[],
    &[("mcp-protocol-version", "2025-06-18")],
    &[("mcp-protocol-version", "2025-11-25"), ("accept", "application/json, text/event-stream")],
];

#[tokio::test]
async fn calls_are_answered_as_rmcp_answers_them() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let path = |path: &str| json!({"name": "kerberos-file-read", "arguments": {"path": path}});
    let mut all = vec![
        json!({"name": "user-info"}),
        json!({"name": "user-info", "arguments": null}),
        json!({"name": "user-info", "arguments": {}, "_meta": {"progressToken": 7}}),
        json!({"name": "list-targets", "_meta": {"progressToken": "x", "traceparent": trace}}),
        json!({"name": "list-targets", "_meta": {"traceparent": "no trace"}}),
        json!({"name": "user-info", "_meta": {"traceparent": null, "progressToken": null}}),
        json!({"name": "user-info", "arguments": {"more": 1}}),
        json!({"name": "kerberos-file-read", "arguments": {"path": 7}}),
        json!({"name": "kerberos-file-read", "arguments": {}}),
        path(r"\\files\corp\a"),
        path("\\\\files\\corp\\\u{e9}\u{1f600}\"\u{1}\u{2028}"),
        path(r"\\files\corp\denied"),
    ];
    all.extend(tools::names().iter().map(|name| json!({"name": name, "arguments": {}})));
    for headers in VERSIONS {
        for id in [json!(1), json!(-7), json!(0), json!("a"), json!("\u{e9}\"\n"), json!("")] {
            for params in &all {
                assert!(compared(headers, &call(&id, params)).await, "{params}");
            }
        }
    }
    // What its caller lacks, HTTP says.
    assert!(!compared(&[], &call(&json!(1), &path(r"\\files\corp\second-factor"))).await);
}

#[tokio::test]
async fn what_is_no_plain_call_is_rmcps() {
    let user_info = json!({"name": "user-info"});
    let with = |name: &str, value: Value| {
        let mut message: Value = serde_json::from_str(&call(&json!(1), &user_info)).unwrap();
        message[name] = value;
        message.to_string()
    };
    for text in [
        call(&json!(1), &json!({"name": "unheard-of"})),
        call(&json!(1), &json!({"name": "user-info", "more": 1})),
        call(&json!(1), &json!({"name": "user-info", "task": {"ttl": 1}})),
        call(&json!(1), &json!({"name": "user-info", "_meta": {"example.com/x": 1}})),
        call(&json!(1), &json!({"name": "user-info", "_meta": {"progressToken": 1.5}})),
        call(&json!(1), &json!({"name": "user-info", "_meta": null})),
        call(&json!(1), &json!({"name": "user-info", "_meta": [null, null]})),
        call(&json!(1), &json!(["user-info", {}, {}])),
        json!(["2.0", 1, "tools/call", user_info]).to_string(),
        call(&json!(1.0), &user_info),
        call(&json!("x".repeat(257)), &user_info),
        with("more", json!(1)),
        with("result", json!({})),
        with("method", json!("ping")),
        with("method", json!("tools/list")),
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"user-info"}}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"user-info","name":"x"}}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"user-info"}} {}"#.into(),
    ] {
        for headers in VERSIONS {
            compared(headers, &text).await;
        }
    }
    let newer = [("mcp-protocol-version", "2026-07-28")];
    let older = [("mcp-protocol-version", "2025-03-26")];
    let odd = [("accept", "text/event-stream")];
    for headers in [&newer, &older, &odd] {
        assert!(!compared(headers, &call(&json!(1), &user_info)).await);
    }
    // By another's name, nobody answers.
    for host in ["elsewhere.example.com", "localhost.example.com:8080"] {
        let ((status, ..), is_ours) = answered(host, &[], &call(&json!(1), &user_info)).await;
        assert!(!is_ours && status.is_client_error(), "{host}: {status}");
    }
}

#[tokio::test]
async fn what_differs_in_one_place_is_answered_as_rmcp_answers_it() {
    let params = json!({"name": "user-info", "arguments": {"a": 1}, "_meta": {"progressToken": 1}});
    let right: Value = serde_json::from_str(&call(&json!(1), &params)).unwrap();
    for text in changed_in_one_place(&right) {
        for headers in &VERSIONS[..2] {
            compared(headers, &text).await;
        }
    }
}
