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
mod next;
mod plain;
mod ready;
mod refusal;
mod rest;
mod running;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use axum::routing::{any, get};
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
use next::Next;
pub(crate) use plain::PlainCall;
pub(crate) use running::Cancel;

use crate::backend::Backend;
use crate::config::ServerConfig;

/// Where MCP is served, whatever path `publicUrl` has at a reverse proxy.
pub(crate) const MCP_PATH: &str = "/mcp";
// Beyond the time for the call itself: for reading the request and verifying its token.
const TRANSFER_TIME: Duration = Duration::from_secs(15);

/// Who answers what the steps before have let through.
pub(crate) trait Answers: Send + Sync + 'static {
    /// The answer to a request.
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// What a request for MCP goes through. As one future: of axum's layers each would copy all that is
/// behind it, for each request.
struct Steps<B, M> {
    origins: Origins,
    gate: Gate<B>,
    limits: limits::State<B>,
    intake: Intake<B>,
    mcp: Arc<M>,
}

impl<B: Backend, M: Answers> Steps<B, M> {
    /// One after the other, the outermost first.
    async fn answer(&self, request: Request) -> Response {
        let mcp = Arc::clone(&self.mcp);
        let answer = async move |request: Request| mcp.answer(request).await;
        let widen = |request: Request| accept::widen(request, answer);
        let take = |request: Request| intake::take(&self.intake, request, widen);
        let enter = |request: Request| limits::enter(&self.limits, request, take);
        let require = |request: Request| bearer::require(&self.gate, request, enter);
        let check = |request: Request| cors::check(&self.origins, request, require);
        refusal::show(request, check).await
    }
}

/// The whole service, around one that answers MCP.
pub(crate) fn router<B: Backend, M: Answers>(
    config: &ServerConfig,
    issuers: Vec<String>,
    backend: Arc<B>,
    mcp: Arc<M>,
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
    let steps = Arc::new(Steps {
        origins: Origins::new(config),
        gate: Gate::new(Arc::clone(&backend), config, &metadata, time),
        intake: Intake::new(Arc::clone(&backend)),
        limits: limits::State::new(backend),
        mcp,
    });
    let mcp = any(move |request: Request| {
        let steps = Arc::clone(&steps);
        async move { steps.answer(request).await }
    });
    // This path and none below it.
    let mcp = Router::new().route(MCP_PATH, mcp);
    router.merge(mcp).layer(middleware::from_fn(rest::drain))
}

#[cfg(test)]
mod tests;
