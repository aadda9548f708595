//! Refusals that every client can show: a JSON-RPC error beside the HTTP status.
//!
//! Of an answer that is no success, Python's client shows nothing but a JSON-RPC error that has an
//! `id` member, null where the request's is not known; others show the body as it is.

use axum::Json;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Next;

/// Not JSON (JSON-RPC 2.0, section 5.1).
pub(super) const PARSE_ERROR: i32 = -32700;
/// JSON, but no message that is taken here.
pub(super) const INVALID_REQUEST: i32 = -32600;
/// Parameters that are not those of the method.
pub(super) const INVALID_PARAMS: i32 = -32602;
/// A revision of MCP that is not spoken here (MCP 2026-07-28).
pub(super) const UNSUPPORTED_VERSION: i32 = -32022;
/// Refused as HTTP refuses: the status says why. Of the range that MCP leaves to implementations
/// (-32000 to -32019), away from the numbers that SDKs use for themselves.
pub(super) const REFUSED: i32 = -32010;

/// Refusals are short: what is sent back of a request is its id, and bounded header fields.
const MAX_TEXT: usize = 64 << 10;

/// A request that is not served.
#[derive(Debug)]
pub(super) struct Refusal(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: i32,
    id: Value,
    message: String,
    data: Option<Value>,
}

impl Refusal {
    /// For a request whose id is not known.
    pub(super) fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Parts { status, code, id: Value::Null, message, data: None }))
    }

    /// 400 with a code of JSON-RPC's own.
    pub(super) fn malformed(code: i32, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The id of the request that is refused.
    pub(super) fn with_id(mut self, id: impl Into<Value>) -> Self {
        self.0.id = id.into();
        self
    }

    /// What programs may want to read.
    pub(super) fn with_data(mut self, data: Value) -> Self {
        self.0.data = Some(data);
        self
    }

    /// What is wrong.
    pub(super) fn message(&self) -> &str {
        &self.0.message
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Parts { status, code, id, message, data } = *self.0;
        let mut error = json!({"code": code, "message": message});
        if let Some(data) = data {
            error["data"] = data;
        }
        let body = Json(json!({"jsonrpc": "2.0", "id": id, "error": error}));
        // What is our trouble passes soon: keys that cannot be fetched, large bodies of others.
        let retry = (status == StatusCode::SERVICE_UNAVAILABLE).then_some([(RETRY_AFTER, "5")]);
        (status, retry, body).into_response()
    }
}

/// Gives refusals that are plain text (rmcp's own of header fields and methods) the form of
/// [`Refusal`], and those of notifications the `id` that they lack.
pub(super) async fn show(request: Request, next: impl Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = text_of(body).await;
    parts.headers.remove(CONTENT_LENGTH);
    let is_json = is_json(&parts.headers);
    if is_json && let Ok(Value::Object(mut error)) = serde_json::from_str(&text) {
        error.entry("id").or_insert(Value::Null);
        return Response::from_parts(parts, Body::from(Value::Object(error).to_string()));
    }
    let reason = status.canonical_reason().unwrap_or("refused");
    let message = if text.is_empty() || is_json { reason } else { &text };
    let code = if status.is_server_error() { REFUSED } else { INVALID_REQUEST };
    let (shown, body) = Refusal::new(status, code, message).into_response().into_parts();
    parts.headers.extend(shown.headers);
    Response::from_parts(parts, body)
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

async fn text_of(body: Body) -> String {
    if body.size_hint().upper().is_none_or(|upper| upper > MAX_TEXT as u64) {
        return String::new();
    }
    let bytes = axum::body::to_bytes(body, MAX_TEXT).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
