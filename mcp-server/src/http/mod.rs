//! The HTTP side: routes, and what happens before MCP sees a request.

mod accept;
mod bearer;
mod body;
mod cors;
mod envelope;
mod intake;
mod limits;
mod metadata;
mod negotiate;
mod plain;
mod ready;
mod refusal;
mod rest;
mod running;

use std::sync::Arc;
use std::time::Duration;

use axum::routing::{MethodRouter, get};
use axum::{Router, middleware};

pub(crate) use accept::BOTH;
pub(crate) use bearer::Authenticated;
use bearer::Gate;
pub(crate) use body::MAX_BYTES;
use cors::Origins;
pub(crate) use cors::is_host;
pub(crate) use envelope::{Id, VERSIONS};
use intake::Intake;
pub(crate) use limits::{Visit, refuse};
use metadata::Metadata;
pub(crate) use plain::PlainCall;
pub(crate) use running::Cancel;

use crate::backend::Backend;
use crate::config::ServerConfig;

/// Where MCP is served, whatever path `publicUrl` has at a reverse proxy.
pub(crate) const MCP_PATH: &str = "/mcp";
// Beyond the time for the call itself: for reading the request and verifying its token.
const TRANSFER_TIME: Duration = Duration::from_secs(15);

/// The whole service, around one that answers MCP.
pub(crate) fn router<B: Backend>(
    config: &ServerConfig,
    issuers: Vec<String>,
    backend: Arc<B>,
    mcp: MethodRouter,
) -> Router {
    let metadata = Metadata::new(config, issuers);
    let document = metadata.answer();
    let mut router = Router::new()
        .without_v07_checks()
        .route("/healthz", get(|| async {}))
        .route("/readyz", ready::route(Arc::clone(&backend)));
    for path in metadata.paths() {
        let document = document.clone();
        let document = get(move || async move { document() });
        router = router.route(&path, document.options(cors::preflight_for_everybody));
    }

    let time = config.call_timeout() + TRANSFER_TIME;
    let gate = Arc::new(Gate::new(Arc::clone(&backend), config, &metadata, time));
    let intake = Arc::new(Intake::new(Arc::clone(&backend)));
    let origins = Arc::new(Origins::new(config));
    let limits = limits::State::new(backend);
    // The outermost first. As one layer: of several, each would clone all that is behind it for each
    // request.
    let layers = (
        middleware::from_fn(refusal::show),
        middleware::from_fn_with_state(origins, cors::check),
        middleware::from_fn_with_state(gate, bearer::require::<B>),
        middleware::from_fn_with_state(limits, limits::enter::<B>),
        middleware::from_fn_with_state(intake, intake::take::<B>),
        middleware::from_fn(accept::widen),
    );
    // This path and none below it.
    let mcp = Router::new().route(MCP_PATH, mcp).route_layer(layers);
    router.merge(mcp).layer(middleware::from_fn(rest::drain))
}

#[cfg(test)]
mod tests;
