//! The service as one connection sees it: it tells the connection when a request begins, waits for
//! its body, and ends.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::time::Instant;

use super::Connection;

/// Answers one request, which has the connection in its extensions.
pub(super) async fn answer(
    app: Router,
    connection: Arc<Connection>,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    connection.request_begins(Instant::now());
    // Dropped behind the answer's last byte, or with this future if it never gets that far.
    let ends = Ends(Arc::clone(&connection));
    // One request, then the others' turn: hyper would go on with what a client has sent in advance,
    // and a crowd of such clients would keep newcomers waiting.
    tokio::task::yield_now().await;
    let mut request: Request =
        request.map(|body| Body::new(Arriving { body, connection: Arc::clone(&connection) }));
    request.extensions_mut().insert(connection);
    let response = TowerToHyperService::new(app).call(request).await?;
    Ok(response.map(|body| Body::new(Leaving { body, _ends: ends })))
}

struct Ends(Arc<Connection>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.request_ends(Instant::now());
    }
}

/// A request's body.
struct Arriving {
    body: Incoming,
    connection: Arc<Connection>,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.connection.waits_for_body(frame.is_pending(), Instant::now());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.connection.waits_for_body(false, Instant::now());
    }
}

/// An answer's body.
struct Leaving {
    body: Body,
    _ends: Ends,
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
