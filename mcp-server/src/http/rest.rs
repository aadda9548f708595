//! What becomes of a body that nobody read: a refusal must reach the client that still sends.
//!
//! Closing a connection with unread bytes resets it, and the client loses the answer. So the rest
//! is read and thrown away, within bounds; beyond them the answer says `Connection: close`, and the
//! connection is closed in good order ([`Linger`]).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONNECTION, EXPECT};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;

use crate::serve::Linger;

/// Twice the largest body that is taken: whoever is refused for a little too much keeps the
/// connection.
pub(super) const MAX_BYTES: u64 = 2 << 20;
const MAX_TIME: Duration = Duration::from_secs(2);

/// Drains what the service behind leaves of the body before its answer goes out.
pub(super) async fn drain(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let linger = request.extensions().get::<Linger>().cloned();
    let waits = request.headers().contains_key(EXPECT);
    let (parts, body) = request.into_parts();
    let (lent, mut back) = Lent::new(body);
    let mut response = next.run(Request::from_parts(parts, Body::new(lent))).await;
    let ended = match back.try_recv() {
        // A client that waits for `100 Continue` is not told to send what is refused.
        Ok(rest) if rest.ended => true,
        Ok(Rest { touched: false, .. }) if waits => false,
        Ok(rest) => tokio::time::timeout(MAX_TIME, rest.read()).await.unwrap_or(false),
        Err(_) => false,
    };
    if !ended {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if let Some(linger) = linger {
            linger.ask();
        }
    }
    response
}

/// A body on its way through the service.
struct Rest {
    body: Body,
    touched: bool,
    ended: bool,
    failed: bool,
}

impl Rest {
    /// Whether the body's end was reached.
    async fn read(mut self) -> bool {
        let mut left = MAX_BYTES;
        while !self.body.is_end_stream() {
            if self.failed || self.body.size_hint().lower() > left {
                return false;
            }
            let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
            match frame {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    let Some(rest) = left.checked_sub(length) else { return false };
                    left = rest;
                }
            }
        }
        true
    }
}

/// The request's body; what is left of it comes back when it is dropped.
struct Lent {
    rest: Option<Rest>,
    home: Option<oneshot::Sender<Rest>>,
}

impl Lent {
    fn new(body: Body) -> (Self, oneshot::Receiver<Rest>) {
        let (home, back) = oneshot::channel();
        let rest = Rest { body, touched: false, ended: false, failed: false };
        (Self { rest: Some(rest), home: Some(home) }, back)
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        rest.touched = true;
        let polled = Pin::new(&mut rest.body).poll_frame(cx);
        rest.ended |= matches!(polled, Poll::Ready(None));
        rest.failed |= matches!(polled, Poll::Ready(Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(|rest| rest.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), |rest| rest.body.size_hint())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(rest), Some(home)) = (self.rest.take(), self.home.take()) {
            // Without a receiver the request is gone, and its connection with it.
            let _ = home.send(rest);
        }
    }
}
