//! Whether a body is a message that this server takes, and the sentence that says why not.
//!
//! rmcp takes a message that does not fit for another kind of message, or answers with plain text;
//! so what is malformed is found here first.

use axum::http::HeaderMap;
use rmcp::model::ProtocolVersion;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::refusal::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, Refusal, UNSUPPORTED_VERSION};

/// The revisions of MCP that are spoken: not those (2025-03-26 and older) whose servers must take
/// batches.
pub(crate) const VERSIONS: &[ProtocolVersion] =
    &[ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];

pub(super) const VERSION_FIELD: &str = "mcp-protocol-version";
pub(super) const FIRST_WITHOUT_HANDSHAKE: &str = "2026-07-28";
/// Ids are kept while their call runs, and sent back.
pub(super) const MAX_ID_BYTES: usize = 256;

/// A JSON-RPC id, unique among the requests of one client session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub(crate) enum Id {
    Number(i64),
    Text(String),
}

impl From<Id> for Value {
    fn from(id: Id) -> Self {
        match id {
            Id::Number(number) => number.into(),
            Id::Text(text) => text.into(),
        }
    }
}

/// What a well-formed message is about.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// Something that waits for an answer; the tool that it calls, if it calls one.
    Request { id: Id, tool: Option<String> },
    /// The client no longer wants the answer to that request.
    Cancelled { id: Id },
    /// Something that nobody waits for.
    Notification,
}

/// A malformed message, and the tool that it meant to call if that much is known.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) refusal: Refusal,
    pub(super) tool: Option<String>,
}

impl From<Refusal> for Malformed {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, tool: None }
    }
}

/// Looks at everything but the arguments of a tool.
pub(super) fn check(headers: &HeaderMap, body: &[u8]) -> Result<Message, Malformed> {
    let message = serde_json::from_slice(body).map_err(|error| {
        Refusal::malformed(PARSE_ERROR, format!("the body is not JSON in UTF-8: {error}"))
    })?;
    let message = match message {
        Value::Object(message) => message,
        Value::Array(_) => {
            return Err(invalid(
                "batches are not taken; send each message in a request of its own",
            ));
        }
        _ => return Err(invalid("the body must be one JSON-RPC message, an object")),
    };
    let id = match message.get("id") {
        None => None,
        Some(id) => Some(as_id(id).ok_or_else(|| {
            invalid(format!("id must be an integer or a text of at most {MAX_ID_BYTES} octets"))
        })?),
    };
    request(headers, &message, id.as_ref()).map_err(|refusal| match id {
        Some(id) => Malformed { refusal: refusal.with_id(id), tool: called_tool(&message) },
        None => refusal.into(),
    })
}

fn request(
    headers: &HeaderMap,
    message: &Map<String, Value>,
    id: Option<&Id>,
) -> Result<Message, Refusal> {
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid_message("jsonrpc must be \"2.0\""));
    }
    let method = match message.get("method") {
        Some(Value::String(method)) => method.as_str(),
        Some(_) => return Err(invalid_message("method must be a text")),
        None if message.contains_key("result") || message.contains_key("error") => {
            return Err(invalid_message("this server asks nothing, so it takes no answers"));
        }
        None => return Err(invalid_message("the message has no method")),
    };
    let none = Map::new();
    let params = match message.get("params") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(params)) => params,
        Some(other) => return Err(wrong("params must be an object", other)),
    };
    let Some(id) = id else {
        return Ok(notification(method, params));
    };
    version(headers, method, params)?;
    if let Some(meta) = params.get("_meta").filter(|meta| !meta.is_object()) {
        return Err(wrong("_meta must be an object", meta));
    }
    match method {
        "tools/call" => tool_call(params)?,
        "initialize" if !is_without_handshake(headers, params) => initialize(params)?,
        // rmcp would take the cursor for absent.
        "tools/list" => match params.get("cursor") {
            None | Some(Value::Null | Value::String(_)) => (),
            Some(cursor) => return Err(wrong("cursor must be a text", cursor)),
        },
        _ => (),
    }
    Ok(Message::Request { id: id.clone(), tool: called_tool(message) })
}

/// The tool that a message calls, or means to; empty if it names none.
fn called_tool(message: &Map<String, Value>) -> Option<String> {
    if message.get("method").and_then(Value::as_str) != Some("tools/call") {
        return None;
    }
    let name = message.get("params").and_then(|params| params.get("name"));
    Some(name.and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn notification(method: &str, params: &Map<String, Value>) -> Message {
    let cancelled = params.get("requestId").filter(|_| method == "notifications/cancelled");
    match cancelled.and_then(as_id) {
        Some(id) => Message::Cancelled { id },
        None => Message::Notification,
    }
}

/// A revision that a request names in its header field alone must be one that is spoken here.
/// `initialize` negotiates, and the newest revisions say it in `_meta` as well, where rmcp looks.
fn version(headers: &HeaderMap, method: &str, params: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(field) = headers.get(VERSION_FIELD).filter(|_| method != "initialize") else {
        return Ok(());
    };
    let requested = field.to_str().unwrap_or_default();
    if has_version(params) || VERSIONS.iter().any(|version| version.as_str() == requested) {
        return Ok(());
    }
    let supported: Vec<_> = VERSIONS.iter().map(|version| version.as_str()).collect();
    let problem = format!(
        "this revision of MCP is not spoken here; MCP-Protocol-Version may be {}",
        supported.join(", ")
    );
    let data = json!({"supported": supported, "requested": requested});
    Err(Refusal::malformed(UNSUPPORTED_VERSION, problem).with_data(data))
}

fn has_version(params: &Map<String, Value>) -> bool {
    let meta = params.get("_meta");
    meta.is_some_and(|meta| meta.get("io.modelcontextprotocol/protocolVersion").is_some())
}

/// Whether the request is of a revision that has no `initialize`; then it is an unknown method
/// whatever its params.
fn is_without_handshake(headers: &HeaderMap, params: &Map<String, Value>) -> bool {
    let field = headers.get(VERSION_FIELD).and_then(|field| field.to_str().ok());
    has_version(params) || field.is_some_and(|field| field >= FIRST_WITHOUT_HANDSHAKE)
}

fn tool_call(params: &Map<String, Value>) -> Result<(), Refusal> {
    let name = params.get("name").unwrap_or(&Value::Null);
    if !name.is_string() {
        return Err(wrong("name must be the name of a tool", name));
    }
    match params.get("arguments") {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(other) => Err(wrong("arguments must be an object", other)),
    }
}

fn initialize(params: &Map<String, Value>) -> Result<(), Refusal> {
    let given = |name: &str| params.get(name).unwrap_or(&Value::Null);
    if !given("protocolVersion").is_string() {
        return Err(wrong("protocolVersion must be a text", given("protocolVersion")));
    }
    if !given("capabilities").is_object() {
        return Err(wrong("capabilities must be an object", given("capabilities")));
    }
    let client = given("clientInfo");
    if !(client["name"].is_string() && client["version"].is_string()) {
        return Err(wrong("clientInfo must be an object with name and version", client));
    }
    Ok(())
}

fn as_id(id: &Value) -> Option<Id> {
    match id {
        Value::Number(number) => number.as_i64().map(Id::Number),
        Value::String(text) if text.len() <= MAX_ID_BYTES => Some(Id::Text(text.clone())),
        _ => None,
    }
}

fn invalid(problem: impl Into<String>) -> Malformed {
    invalid_message(problem).into()
}

fn invalid_message(problem: impl Into<String>) -> Refusal {
    Refusal::malformed(INVALID_REQUEST, problem)
}

fn wrong(problem: &str, given: &Value) -> Refusal {
    let given = match given {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "another object",
    };
    Refusal::malformed(INVALID_PARAMS, format!("{problem}, not {given}"))
}
