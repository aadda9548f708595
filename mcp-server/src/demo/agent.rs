//! What an AI agent does: calls tools over MCP with its user's token.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than the server itself gives a call.
const DEADLINE: Duration = Duration::from_secs(35);
const MAX_ANSWER: usize = 4 << 20;

/// A tool call's answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Answer {
    /// What the tool says: `{"status": "success", …}` or `{"status": "failure", …}`.
    pub(super) fn said(&self) -> &Value {
        &self.body["result"]["structuredContent"]
    }

    /// The code of a failure.
    pub(super) fn code(&self) -> &str {
        self.said()["error"]["code"].as_str().unwrap_or_default()
    }

    /// In a few words: what came back.
    pub(super) fn short(&self) -> Value {
        let said = self.said();
        match said["status"].as_str() {
            Some("success") => json!({
                "status": said["data"]["status"],
                "body": content(&said["data"]["body"]),
            }),
            Some(_) => said["error"].clone(),
            None => json!({
                "status": self.status.as_u16(),
                "message": self.body["error"]["message"],
            }),
        }
    }
}

/// A web application's JSON as what it is.
fn content(body: &Value) -> Value {
    let parsed = body.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_else(|| body.clone())
}

/// The message of a tool call.
pub(super) fn message(tool: &str, arguments: &Value) -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments }
    })
}

/// Calls a tool, as plain `curl` does: a call needs no session.
pub(super) async fn call(
    server: SocketAddr,
    token: &str,
    tool: &str,
    arguments: &Value,
) -> io::Result<Answer> {
    let request = Request::post("/mcp")
        .header(HOST, server.to_string())
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::new(Bytes::from(message(tool, arguments).to_string())))
        .map_err(io::Error::other)?;
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the MCP server does not answer");
    timeout(DEADLINE, send(server, request)).await.unwrap_or_else(|_| Err(late()))
}

async fn send(server: SocketAddr, request: Request<Full<Bytes>>) -> io::Result<Answer> {
    let stream = TokioIo::new(TcpStream::connect(server).await?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    drop(sender);
    connection.abort();
    Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() })
}
