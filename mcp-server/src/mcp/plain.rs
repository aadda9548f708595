//! Calls that are answered at once: what rmcp would answer them with, without what it does for those
//! that negotiate, send messages in between, or belong to sessions. A test holds both answers to one
//! another.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use krb_delegation::{Failure, Outcome};
use tokio_util::sync::CancellationToken;

use super::{Handler, Taken, trace};
use crate::backend::Backend;
use crate::http::{BOTH, Id, PlainCall};
use crate::tools;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) struct Plain<B> {
    pub(super) handler: Handler<B>,
    /// By which the server is called.
    pub(super) hosts: Vec<String>,
    /// Ends the calls that still run.
    pub(super) stop: CancellationToken,
}

impl<B: Backend> Plain<B> {
    /// The answer; the request itself, if it is rmcp's to answer.
    pub(super) async fn answer(&self, mut request: Request) -> Result<Response, Box<Request>> {
        let Some(call) = request.extensions_mut().remove::<PlainCall>() else {
            return Err(Box::new(request));
        };
        let (Some(tool), Some(taken), true) =
            (tools::find(&call.tool), Taken::of(request.extensions()), self.is_for_us(&request))
        else {
            return Err(Box::new(request));
        };
        let trace = trace(call.traceparent.as_deref(), Some(request.headers()));
        let mut result = std::pin::pin!(self.handler.call(tool, call.arguments, &taken, trace));
        let result = tokio::select! {
            biased;
            result = &mut result => result,
            () = self.stop.cancelled() => {
                taken.cancel.0.cancel();
                // So that it is recorded; its caller is told what other requests are.
                drop(result.await);
                let problem = "the server is shutting down";
                return Ok((StatusCode::INTERNAL_SERVER_ERROR, problem).into_response());
            }
        };
        Ok(written(&call.id, result))
    }

    /// What rmcp asks of a request's fields, in the forms that they have; it judges any other itself.
    fn is_for_us(&self, request: &Request) -> bool {
        let headers = request.headers();
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => host,
            _ => host,
        };
        request.method() == Method::POST
            && request.uri().authority().is_none()
            && self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
            && headers.get(ACCEPT) == Some(&BOTH)
    }
}

fn written(id: &Id, result: Result<Outcome, Failure>) -> Response {
    let write = || {
        let mut out = br#"{"jsonrpc":"2.0","id":"#.to_vec();
        serde_json::to_writer(&mut out, id)?;
        out.extend_from_slice(br#","result":"#);
        tools::write_result(result, &mut out)?;
        out.push(b'}');
        serde_json::Result::Ok(out)
    };
    match write() {
        Ok(out) => ([(CONTENT_TYPE, JSON)], Body::from(out)).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer is no JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
