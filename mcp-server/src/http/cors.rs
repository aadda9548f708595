//! Which web pages may call (`Origin`), and what their browsers want to be told for it (CORS).
//!
//! Programs send no `Origin`, so what has none passes. What has one must be of a listed origin:
//! the only protection of a server on loopback from pages of the open web, and so it is looked at
//! before anything else of the request. A browser asks beforehand (`OPTIONS`) and without a token,
//! so it is answered before the token is asked for.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    ORIGIN, VARY,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::debug;

use super::Next;
use crate::config::{Origin, ServerConfig};

// What clients of every revision of MCP send. GET and DELETE belong to sessions of the 2025
// revisions: their clients understand a 405, but not a browser that does not let them ask.
const METHODS: HeaderValue = HeaderValue::from_static("POST, GET, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, DPoP, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, \
     Mcp-Name, Last-Event-ID",
);
// Without this a script sees a 401 and not where to log in.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce, Retry-After, Mcp-Session-Id");
// One hour: none of it changes but by the configuration.
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// The origins that may call.
pub(super) struct Origins {
    listed: Vec<Origin>,
    loopback: bool,
}

impl Origins {
    pub(super) fn new(config: &ServerConfig) -> Self {
        Self { listed: config.allowed_origins.clone(), loopback: config.is_loopback() }
    }

    /// A page that came from this machine may call a server that is only for this machine.
    fn allow(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().ok().and_then(|text| text.parse::<Origin>().ok());
        origin.is_some_and(|origin| {
            self.listed.contains(&origin) || self.loopback && origin.is_loopback()
        })
    }
}

/// Answers a browser that asks beforehand, refuses pages of origins that may not call, and tells
/// browsers of the others that their scripts may read the answer.
pub(super) async fn check(origins: &Origins, request: Request, next: impl Next) -> Response {
    let mut hosts = request.headers().get_all(HOST).iter();
    let of_target = request.uri().authority();
    // RFC 9112 section 3.2: who looks at Host next might see the other one, or another name in it.
    if !hosts.next().is_none_or(|host| is_host(host.as_bytes()))
        || hosts.next().is_some()
        || !of_target.is_none_or(|host| is_host(host.as_str().as_bytes()))
    {
        let text = "the request must have one Host field, of a name or address and perhaps a port";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    let mut origin = request.headers().get_all(ORIGIN).iter();
    let (origin, more) = (origin.next().cloned(), origin.next().is_some());
    let mut response = match &origin {
        None => next.run(request).await,
        Some(origin) if more || !origins.allow(origin) => {
            debug!(?origin, "refused by its origin");
            let text = "pages of this origin may not call this server (server.allowedOrigins)";
            return vary((StatusCode::FORBIDDEN, text).into_response());
        }
        Some(_) if is_preflight(&request) => {
            let answers = [
                (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
                (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
            ];
            (StatusCode::NO_CONTENT, answers).into_response()
        }
        Some(_) => next.run(request).await,
    };
    if let Some(origin) = origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    vary(response)
}

/// Whether a field is a host and perhaps a port, and nothing else (RFC 9110 section 7.2). Who reads it
/// as the authority of a URL finds `ours` in `x@ours` and in `ours:x` as well.
pub(crate) fn is_host(field: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(field) else { return false };
    let text = authority.as_str();
    let port =
        text.strip_prefix(authority.host()).map(|rest| rest.strip_prefix(':').unwrap_or(rest));
    port.is_some_and(|port| {
        let is_digits = port.bytes().all(|octet| octet.is_ascii_digit());
        port.is_empty() || is_digits && port.parse::<u16>().is_ok()
    })
}

/// What anybody may read, a browser asks for as well, when a client's own fields are on it.
pub(super) async fn preflight_for_everybody() -> impl IntoResponse {
    let any = HeaderValue::from_static("*");
    let headers: [(HeaderName, HeaderValue); 4] = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, any),
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    (StatusCode::NO_CONTENT, headers)
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

// The answer depends on it, and caches must know.
fn vary(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    response
}
