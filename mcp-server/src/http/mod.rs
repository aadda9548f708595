//! The HTTP side: routes, and what happens before MCP sees a request.

mod accept;
mod bearer;
mod body;
mod envelope;
mod intake;
mod metadata;
mod refusal;
mod rest;
mod running;

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware, routing::get};
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::never::NeverSessionManager,
};
use tokio_util::sync::CancellationToken;

pub(crate) use bearer::Authenticated;
use bearer::Gate;
use intake::Intake;
use metadata::Metadata;
pub(crate) use running::Cancel;

use crate::{backend::Backend, config::ServerConfig, mcp::Handler};

/// Where MCP is served, whatever path `publicUrl` has at a reverse proxy.
pub(crate) const MCP_PATH: &str = "/mcp";
// Beyond the time for the call itself: for reading the request and verifying its token.
const TRANSFER_TIME: Duration = Duration::from_secs(15);

/// The whole service. `stop` ends the calls that still run.
pub(crate) fn router<B: Backend>(
    config: &ServerConfig,
    issuers: Vec<String>,
    backend: Arc<B>,
    stop: CancellationToken,
) -> Router {
    let metadata = Arc::new(Metadata::new(config, issuers));
    let mut router = Router::new().without_v07_checks().route("/healthz", get(|| async {}));
    for path in metadata.paths() {
        let metadata = Arc::clone(&metadata);
        router = router.route(&path, get(move || async move { metadata.response() }));
    }

    let deadline = config.call_timeout();
    let gate = Arc::new(Gate::new(Arc::clone(&backend), &metadata, deadline + TRANSFER_TIME));
    let intake = Arc::new(Intake::default());
    let mcp = StreamableHttpService::new(
        move || Ok(Handler { backend: Arc::clone(&backend), deadline }),
        Arc::new(NeverSessionManager::default()),
        StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(body::MAX_BYTES)
            .with_allowed_hosts(config.hosts())
            .with_allowed_origins(&config.allowed_origins)
            .enforce_origin_validation()
            .with_cancellation_token(stop),
    );
    let mcp = Router::new()
        .fallback_service(mcp)
        .layer(middleware::from_fn(accept::widen))
        .layer(middleware::from_fn_with_state(intake, intake::take::<B>))
        .layer(middleware::from_fn_with_state(gate, bearer::require::<B>))
        .layer(middleware::from_fn(refusal::show));
    router.nest_service(MCP_PATH, mcp).layer(middleware::from_fn(rest::drain))
}

#[cfg(test)]
mod tests;
