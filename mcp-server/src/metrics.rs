//! `GET /metrics`, at an address of its own that nothing else is served at: figures for whoever runs
//! this server. There is none unless it is configured.

use std::net::IpAddr;

use axum::Router;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use krb_delegation::event::Metrics;

/// What OpenMetrics 1.0 calls itself; Prometheus takes it.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The one route. `hosts` are the names that this server goes by.
pub(crate) fn router(metrics: Metrics, hosts: Vec<String>) -> Router {
    let answer = move |headers: HeaderMap| {
        let answer = if is_meant(&headers, &hosts) { figures(&metrics) } else { refused() };
        async { answer }
    };
    Router::new().route("/metrics", get(answer))
}

fn figures(metrics: &Metrics) -> Response {
    ([(CONTENT_TYPE, TEXT)], metrics.text()).into_response()
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
        for other in
            ["evil.example", "evil.example:9464", "metrics:1", "localhost.evil.example", ""]
        {
            assert!(!meant(other), "{other}");
        }
        assert!(!is_meant(&HeaderMap::new(), &hosts));
    }
}
