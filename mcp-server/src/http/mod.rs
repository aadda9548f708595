//! The HTTP side: routes, and what happens before MCP sees a request.

mod accept;
mod bearer;
mod body;
mod cors;
mod envelope;
mod intake;
mod limits;
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
use cors::Origins;
use intake::Intake;
pub(crate) use limits::Visit;
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
    let metadata = Metadata::new(config, issuers);
    let document = metadata.answer();
    let mut router = Router::new().without_v07_checks().route("/healthz", get(|| async {}));
    for path in metadata.paths() {
        let document = document.clone();
        let document = get(move || async move { document() });
        router = router.route(&path, document.options(cors::preflight_for_everybody));
    }

    let deadline = config.call_timeout();
    let gate = Arc::new(Gate::new(Arc::clone(&backend), &metadata, deadline + TRANSFER_TIME));
    let intake = Arc::new(Intake::new(Arc::clone(&backend)));
    let origins = Arc::new(Origins::new(config));
    let limits = limits::State::new(Arc::clone(&backend));
    let mcp = StreamableHttpService::new(
        move || Ok(Handler { backend: Arc::clone(&backend), deadline }),
        Arc::new(NeverSessionManager::default()),
        StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(body::MAX_BYTES)
            .with_allowed_hosts(config.hosts())
            .with_cancellation_token(stop),
    );
    // This path and none below it.
    let mcp = Router::new()
        .route_service(MCP_PATH, mcp)
        .route_layer(middleware::from_fn(accept::widen))
        .route_layer(middleware::from_fn_with_state(intake, intake::take::<B>))
        .route_layer(middleware::from_fn_with_state(limits, limits::enter::<B>))
        .route_layer(middleware::from_fn_with_state(gate, bearer::require::<B>))
        .route_layer(middleware::from_fn_with_state(origins, cors::check))
        .route_layer(middleware::from_fn(refusal::show));
    router.merge(mcp).layer(middleware::from_fn(rest::drain))
}

#[cfg(test)]
mod tests;
