//! `GET /metrics` and `GET /readyz`, at an address of their own that nothing else is served at: figures
//! for whoever runs this server, and what is missing where it is not ready. There is none unless it is
//! configured.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use krb_delegation::pipeline::Delegation;
use krb_delegation::readiness::Readiness;
use serde::Serialize;

use crate::http::is_host;

/// What OpenMetrics 1.0 calls itself; Prometheus takes it.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes. `hosts` are the names that this server goes by.
pub(crate) fn router(delegation: Arc<Delegation>, hosts: Vec<String>) -> Router {
    Router::new()
        .route("/metrics", get(figures))
        .route("/readyz", get(ready))
        .with_state(delegation)
        .layer(from_fn_with_state(Arc::from(hosts), check))
}

async fn check(State(hosts): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    if is_meant(request.headers(), &hosts) { next.run(request).await } else { refused() }
}

async fn figures(State(delegation): State<Arc<Delegation>>) -> Response {
    // Some of them are of how it stands.
    delegation.readiness().await;
    ([(CONTENT_TYPE, TEXT)], delegation.metrics().text()).into_response()
}

/// How it stands, in JSON.
#[derive(Serialize)]
struct Standing {
    ready: bool,
    #[serde(flatten)]
    readiness: Readiness,
}

async fn ready(State(delegation): State<Arc<Delegation>>) -> Response {
    let readiness = delegation.readiness().await;
    let ready = readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Standing { ready, readiness })).into_response()
}

fn refused() -> Response {
    let problem = "ask by address, or by a name of server.publicUrl or server.allowedHosts\n";
    (StatusCode::FORBIDDEN, problem).into_response()
}

/// A page in a browser that reaches this address can make any name lead here, but no address (DNS
/// rebinding).
fn is_meant(headers: &HeaderMap, hosts: &[String]) -> bool {
    let mut asked = headers.get_all(HOST).iter();
    let (Some(asked), None) = (asked.next(), asked.next()) else { return false };
    if !is_host(asked.as_bytes()) {
        return false;
    }
    let Ok(asked) = Authority::try_from(asked.as_bytes()) else { return false };
    let host = asked.host().trim_matches(['[', ']']);
    let is_named = |ours: &String| {
        ours.eq_ignore_ascii_case(host) || ours.eq_ignore_ascii_case(asked.as_str())
    };
    host.parse::<IpAddr>().is_ok() || hosts.iter().any(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_by_a_name_that_is_not_ours_is_refused() {
        let hosts = ["localhost", "mcp.example.com", "metrics:9464"].map(str::to_owned);
        let meant =
            |host: &str| is_meant(&HeaderMap::from_iter([(HOST, host.parse().unwrap())]), &hosts);
        for ours in [
            "127.0.0.1:9464",
            "[::1]:9464",
            "10.1.2.3",
            "localhost:9464",
            "MCP.example.com",
            "metrics:9464",
        ] {
            assert!(meant(ours), "{ours}");
        }
        for other in [
            "evil.example",
            "evil.example:9464",
            "metrics:1",
            "localhost.evil.example",
            "x@localhost",
            "localhost:x",
            "",
        ] {
            assert!(!meant(other), "{other}");
        }
        assert!(!is_meant(&HeaderMap::new(), &hosts));
    }
}
