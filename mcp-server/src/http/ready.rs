//! `GET /readyz`: is it any use to send calls here? Whoever asks is told that and no more; what is
//! missing is for those who may see the metrics.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::routing::{MethodRouter, get};

use crate::backend::Backend;

/// Without a body.
type Answer = (StatusCode, [(HeaderName, &'static str); 1]);

/// The route.
pub(super) fn route<B: Backend>(backend: Arc<B>) -> MethodRouter {
    get(move || {
        let backend = Arc::clone(&backend);
        async move { answer(backend.is_ready().await) }
    })
}

fn answer(is_ready: bool) -> Answer {
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")])
}
