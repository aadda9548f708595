//! What is no message, and what is one.

use super::*;

/// The answer to a body, sent by alice with further header fields.
async fn answer(headers: &[(&str, &str)], text: impl Into<Body>) -> (u16, Value, Arc<Fake>) {
    let (app, fake, _) = app("");
    let headers = [&[ALICE], headers].concat();
    let request = post(&headers, &json!(null)).map(|_| text.into());
    let response = send(&app, request).await;
    let status = response.status().as_u16();
    let bytes = body(response).await;
    let answer =
        if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    (status, answer, fake)
}

/// Status, code and id of an error, and its sentence.
async fn error(headers: &[(&str, &str)], text: impl Into<Body>) -> ((u16, i64, Value), String) {
    let (status, answer, fake) = answer(headers, text).await;
    assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
    let code = answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}"));
    assert!(fake.events().iter().all(|event| event.ends_with(" refused")));
    let message = answer["error"]["message"].as_str().unwrap().to_owned();
    ((status, code, answer.get("id").unwrap().clone()), message)
}

#[tokio::test]
async fn what_is_malformed_is_refused_with_its_code_and_a_sentence() {
    let cases: [(&[u8], i64, Value, &str); 24] = [
        (b"", -32700, json!(null), "not JSON"),
        (b"{", -32700, json!(null), "not JSON"),
        (b"{\"a\":\"\xff\"}", -32700, json!(null), "not JSON in UTF-8"),
        (b"{}{}", -32700, json!(null), "not JSON"),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, json!(null), "batches"),
        (b"[]", -32600, json!(null), "batches"),
        (b"null", -32600, json!(null), "one JSON-RPC message"),
        (br#""ping""#, -32600, json!(null), "one JSON-RPC message"),
        (b"{}", -32600, json!(null), "jsonrpc"),
        (br#"{"id":1,"method":"ping"}"#, -32600, json!(1), "jsonrpc"),
        (br#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, -32600, json!(1), "jsonrpc"),
        (br#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#, -32600, json!("x"), "jsonrpc"),
        (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, json!(null), "id must be"),
        (br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, json!(null), "id must be"),
        (br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600, json!(null), "id must be"),
        (br#"{"jsonrpc":"2.0","id":99999999999999999999,"method":"x"}"#, -32600, json!(null), "id"),
        (br#"{"jsonrpc":"2.0","id":1}"#, -32600, json!(1), "no method"),
        (br#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, json!(1), "method must be"),
        (br#"{"jsonrpc":"2.0","id":1,"result":{}}"#, -32600, json!(1), "takes no answers"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32602, json!(1), "a list"),
        (
            br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":3}}"#,
            -32602,
            json!(1),
            "_meta must be an object, not a number",
        ),
        (
            br#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"arguments":{}}}"#,
            -32602,
            json!(2),
            "name of a tool",
        ),
        (
            br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"user-info","arguments":"{}"}}"#,
            -32602,
            json!(1),
            "arguments must be an object, not a text",
        ),
        (
            br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x"}}}"#,
            -32602,
            json!(1),
            "clientInfo",
        ),
    ];
    for (text, code, id, sentence) in cases {
        // No revision makes a difference.
        for version in [&[][..], &[("mcp-protocol-version", "2025-11-25")]] {
            let (got, message) = error(version, text).await;
            let text = String::from_utf8_lossy(text);
            assert_eq!(got, (400, code, id.clone()), "{text}: {message}");
            assert!(message.contains(sentence), "{text}: {message}");
        }
    }
}

/// Every message that differs from a right one in one place, and some that are no JSON objects as
/// rmcp understands them.
fn one_thing_wrong() -> Vec<String> {
    let client = json!({"name": "x", "version": "1"});
    let right = [
        protocol::modern("tools/call", json!({"name": "user-info", "arguments": {"a": 1}})),
        protocol::modern("tools/list", json!({"cursor": null})),
        protocol::modern("server/discover", json!({})),
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {"roots": {}}, "clientInfo": client
        }}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
    ];
    let mut wrong: Vec<String> = [
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"user-info","name":"x"}}"#,
    ]
    .map(str::to_owned)
    .into();
    wrong.extend(right.iter().flat_map(changed_in_one_place));
    wrong
}

/// A message with something else in each of its places.
pub(super) fn changed_in_one_place(message: &Value) -> Vec<String> {
    fn places(value: &Value, at: &str, into: &mut Vec<String>) {
        into.push(at.to_owned());
        for (name, inner) in value.as_object().into_iter().flatten() {
            places(inner, &format!("{at}/{}", name.replace('/', "~1")), into);
        }
    }
    let (mut all, mut changed) = (Vec::new(), Vec::new());
    places(message, "", &mut all);
    for place in all {
        for value in
            [json!(null), json!(7), json!(-0.5), json!("x"), json!([]), json!({}), json!([{}])]
        {
            let mut message = message.clone();
            *message.pointer_mut(&place).unwrap() = value;
            changed.push(message.to_string());
        }
    }
    changed
}

#[tokio::test]
async fn whatever_is_sent_is_answered_as_json_rpc() {
    let headers = [protocol::VERSION, ("mcp-method", "tools/call"), ("mcp-name", "user-info")];
    for text in one_thing_wrong() {
        for headers in [&[][..], &headers] {
            let (status, answer, _) = answer(headers, text.clone()).await;
            assert!([200, 202, 400, 404].contains(&status), "{status}: {text}: {answer}");
            let is_answer = answer.get("result").is_some()
                || answer["error"]["code"].is_i64() && answer.get("id").is_some();
            assert_eq!(is_answer, status != 202, "{text}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_malformed_call_leaves_its_record() {
    let call =
        |params: Value| json!({"jsonrpc":"2.0","id":1,"method":"tools/call","params":params});
    let long = "x".repeat(1000);
    for (params, event) in [
        (json!({"name": "user-info", "arguments": "{}"}), "user-info refused"),
        (json!({"name": "user-info", "arguments": {"x": 1}}), "user-info refused"),
        (json!({"name": "user-info\n", "arguments": {}}), "unknown refused"),
        (json!({"name": long, "arguments": []}), "unknown refused"),
        (json!({"name": "user-info", "_meta": 1}), "user-info refused"),
        (json!({"name": 7}), "unknown refused"),
    ] {
        let (_, answer, fake) = answer(&[], call(params.clone()).to_string()).await;
        assert_eq!(fake.events(), [event], "{params}: {answer}");
    }
    // Those that rmcp refuses before it calls anything.
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","name":"user-info"}}"#;
    let id_twice =
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"user-info"}}"#;
    let unlike = [protocol::VERSION, ("mcp-method", "tools/list"), ("mcp-name", "user-info")];
    let modern = protocol::modern("tools/call", json!({"name": "user-info"})).to_string();
    for (headers, text) in [(&[][..], twice), (&[], id_twice), (&unlike, &modern)] {
        let (status, answer, fake) = answer(headers, text.to_owned()).await;
        assert_eq!(fake.events(), ["user-info refused"], "{status}: {text}: {answer}");
    }
    let (_, message) = error(&[], call(json!({"name": "read"})).to_string()).await;
    assert!(message.contains("unknown tool") && message.contains("list-targets"), "{message}");
}

#[tokio::test]
async fn what_is_unknown_or_not_declared_is_no_method() {
    let methods = [
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/subscribe",
        "completion/complete",
        "logging/setLevel",
        "tasks/get",
        "tasks/list",
        "skills/list",
        "no/such",
    ];
    for method in methods {
        for params in [json!({}), json!({"uri": "x", "name": "x", "level": "info", "x": 1})] {
            let old = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            let ((status, code, _), message) = error(&[], old.to_string()).await;
            assert_eq!((status, code), (200, -32601), "{method} {params}: {message}");
            let sentence = message.contains("no such method");
            assert!(sentence || message == method, "{method}: {message}");
            let new = protocol::modern(method, params.clone()).to_string();
            let headers = [protocol::VERSION, ("mcp-method", method), ("mcp-name", "x")];
            let ((status, code, _), message) = error(&headers, new).await;
            assert_eq!((status, code), (404, -32601), "{method} {params}: {message}");
        }
    }
}

#[tokio::test]
async fn the_newest_revision_has_no_handshake() {
    let headers = [protocol::VERSION, ("mcp-method", "initialize")];
    let initialize = protocol::modern("initialize", json!({})).to_string();
    let ((status, code, _), message) = error(&headers, initialize).await;
    assert_eq!((status, code), (404, -32601), "{message}");
    let headers = [protocol::VERSION, ("mcp-method", "ping")];
    let ping = protocol::modern("ping", json!({})).to_string();
    assert_eq!(error(&headers, ping).await.0, (404, -32601, json!(1)));
}

#[tokio::test]
async fn a_cursor_that_nobody_gave_is_refused() {
    let list =
        |params: Value| json!({"jsonrpc":"2.0","id":1,"method":"tools/list","params":params});
    let ((status, code, id), message) = error(&[], list(json!({"cursor": "2"})).to_string()).await;
    assert_eq!((status, code, id), (200, -32602, json!(1)));
    assert!(message.contains("cursor"), "{message}");
    // rmcp takes what does not fit for a method that it does not know.
    let ((_, code, _), message) = error(&[], list(json!({"cursor": 5})).to_string()).await;
    assert_eq!(code, -32602, "{message}");
    for params in [json!({}), json!({"cursor": null}), json!(null)] {
        let (status, answer, _) = answer(&[], list(params.clone()).to_string()).await;
        assert!(status == 200 && answer["result"]["tools"].is_array(), "{params}: {answer}");
    }
}

#[tokio::test]
async fn a_revision_that_is_not_spoken_is_refused_with_those_that_are() {
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    for version in ["2024-11-05", "2025-03-26", "2031-01-01", "x"] {
        let headers = [("mcp-protocol-version", version)];
        let ((status, code, id), message) = error(&headers, list.clone()).await;
        assert_eq!((status, code, id), (400, -32022, json!(1)), "{version}");
        assert!(message.contains("2025-11-25") && !message.contains("2025-03-26"), "{message}");
    }
    for version in ["2025-06-18", "2025-11-25"] {
        let (status, ..) = answer(&[("mcp-protocol-version", version)], list.clone()).await;
        assert_eq!(status, 200, "{version}");
    }
}

#[tokio::test]
async fn initialize_offers_what_is_spoken() {
    let versions = [
        ("2024-11-05", "2025-11-25"),
        ("2025-03-26", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("2031-01-01", "2025-11-25"),
    ];
    for (asked, offered) in versions {
        let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": asked, "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}
        }});
        let (status, answer, _) = answer(&[], initialize.to_string()).await;
        assert_eq!(status, 200, "{asked}: {answer}");
        assert_eq!(answer["result"]["protocolVersion"], offered, "{asked}");
        let capabilities = answer["result"]["capabilities"].as_object().unwrap();
        assert!(capabilities.keys().eq(["tools"]), "{capabilities:?}");
    }
}

#[tokio::test]
async fn absent_and_null_arguments_are_the_same() {
    let call =
        |params: Value| json!({"jsonrpc":"2.0","id":1,"method":"tools/call","params":params});
    for params in [
        json!({"name": "user-info"}),
        json!({"name": "user-info", "arguments": null}),
        json!({"name": "user-info", "arguments": {}, "_meta": {"progressToken": 1}}),
    ] {
        let (status, answer, _) = answer(&[], call(params.clone()).to_string()).await;
        assert_eq!(
            (status, &answer["result"]["isError"]),
            (200, &json!(false)),
            "{params}: {answer}"
        );
    }
}

/// The message's own word goes before the request's, and what is no trace is none.
#[tokio::test]
async fn a_call_belongs_to_its_callers_trace() {
    let parent = |digit: char| {
        format!("00-{}-{}-01", digit.to_string().repeat(32), digit.to_string().repeat(16))
    };
    let (a, b) = (parent('a'), parent('b'));
    for (meta, header, expected) in [
        (None, None, None),
        (None, Some(&*a), Some('a')),
        (Some(&*b), Some(&*a), Some('b')),
        (Some(&*b), None, Some('b')),
        (Some("00-b"), Some(&*a), Some('a')),
        (Some("00-b"), Some("x"), None),
    ] {
        let (app, fake, _) = app("");
        let mut message = read(r"\\files\corp\x");
        if let Some(meta) = meta {
            message["params"]["_meta"] = json!({"traceparent": meta});
        }
        let mut headers = vec![ALICE];
        headers.extend(header.map(|header| ("traceparent", header)));
        assert_eq!(send(&app, post(&headers, &message)).await.status(), StatusCode::OK);
        let seen = fake.events().into_iter().find(|event| event.starts_with("trace "));
        let trace = |digit: char| {
            format!("trace {} {}", digit.to_string().repeat(32), digit.to_string().repeat(16))
        };
        assert_eq!(seen, expected.map(trace), "{meta:?} {header:?}");
    }
}
