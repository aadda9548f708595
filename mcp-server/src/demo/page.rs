//! The page that shows the story as it goes on, beside the web application's own pages and outside
//! of its gate.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use uuid::Uuid;

use super::story::Story;

const PAGE: &str = include_str!("files/page.html");

/// `/` and `/story`, for browsers that come to this address.
pub(super) fn router(address: SocketAddr, story: Arc<Story>) -> Router {
    let hosts = [address.to_string(), format!("localhost:{}", address.port())];
    Router::new()
        .route("/", get(page))
        .route("/story", get(tell))
        .layer(middleware::from_fn_with_state(Arc::new(hosts), own_name))
        .with_state(story)
}

/// A page elsewhere whose name was made to lead here reads nothing (DNS rebinding).
async fn own_name(
    State(hosts): State<Arc<[String; 2]>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if hosts.iter().any(|own| own == host) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "This is not the name of this page.\n").into_response()
    }
}

const SAFE: [(HeaderName, &str); 3] = [
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// One file, which loads nothing and runs nothing but its own script.
async fn page() -> Response {
    let nonce = Uuid::new_v4().simple().to_string();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, policy.as_str())];
    (SAFE, headers, PAGE.replace("@NONCE@", &nonce)).into_response()
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn tell(State(story): State<Arc<Story>>, Query(query): Query<After>) -> Response {
    (SAFE, Json(story.after(query.after))).into_response()
}
