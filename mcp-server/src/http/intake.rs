//! Between the gate and MCP: the body is read within its bounds, the message checked, the call
//! entered among the running ones.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::{debug, error};

use super::body::Bodies;
use super::envelope::{self, Malformed, Message};
use super::refusal::{INVALID_REQUEST, REFUSED, Refusal};
use super::running::Running;
use super::{Authenticated, Next, PlainCall, Visit, limits};
use crate::backend::Backend;
use crate::tools;

/// What [`take`] needs.
pub(super) struct Intake<B> {
    backend: Arc<B>,
    bodies: Bodies,
    running: Arc<Running>,
}

impl<B> Intake<B> {
    pub(super) fn new(backend: Arc<B>) -> Self {
        Self { backend, bodies: Bodies::default(), running: Arc::default() }
    }
}

/// Takes one message. What follows sees a body that is well-formed.
pub(super) async fn take<B: Backend>(
    intake: &Intake<B>,
    request: Request,
    next: impl Next + 'static,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    match answer(intake, request, next).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer<B: Backend>(
    intake: &Intake<B>,
    request: Request,
    next: impl Next + 'static,
) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let from = parts.extensions.get::<Arc<Authenticated<B::Caller>>>().cloned();
    let from = from.ok_or_else(|| internal("the request was not authenticated"))?;
    let taken = intake.bodies.read(&from.principal, &parts.headers, body).await?;
    let plain = PlainCall::read(&parts.headers, &taken.bytes);
    let checked = match &plain {
        Some(PlainCall { id, tool, .. }) => {
            Ok(Message::Request { id: id.clone(), tool: Some(tool.clone()) })
        }
        None => envelope::check(&parts.headers, &taken.bytes),
    };
    if let Some(plain) = plain {
        parts.extensions.insert(plain);
    }
    let message = match checked {
        Ok(message) => message,
        Err(Malformed { refusal, tool }) => {
            let problem = refusal.message();
            debug!(request_id = from.request_id, tool, problem, "malformed request");
            if let (Some(tool), Some(visit)) = (tool, parts.extensions.get::<Arc<Visit>>()) {
                let tool = tools::audited_name(&tool);
                limits::refuse(&*intake.backend, &from, visit, tool, problem).await;
            }
            return Err(refusal);
        }
    };
    let principal = Arc::clone(&from.principal);
    let running = match message {
        Message::Request { id, tool: Some(tool) } => {
            let running = intake.running.begin(principal, id);
            parts.extensions.insert(running.cancel());
            Some((running, tool))
        }
        Message::Cancelled { id } => {
            let found = intake.running.cancel(principal, id);
            debug!(request_id = from.request_id, found, "cancelled by notification");
            None
        }
        Message::Request { .. } | Message::Notification => None,
    };
    let visit = parts.extensions.get::<Arc<Visit>>().cloned();
    let answer = next.run(Request::from_parts(parts, Body::from(taken.bytes.clone())));
    let response = match running {
        // In a task of its own, so that a call whose client has gone is cancelled, ends and is
        // recorded as any other, and rmcp finds no fault with an answer that nobody takes. The body
        // counts as long as it is held there.
        Some((_running, tool)) => tokio::spawn({
            let (backend, from) = (Arc::clone(&intake.backend), Arc::clone(&from));
            async move {
                let _taken = taken;
                let response = answer.await;
                if let Some(visit) = visit.filter(|visit| !visit.has_called()) {
                    let problem = "MCP's rules for calls were not kept, so no tool was called";
                    let tool = tools::audited_name(&tool);
                    limits::refuse(&*backend, &from, &visit, tool, problem).await;
                }
                response
            }
        })
        .await
        .map_err(|error| {
            error!(request_id = from.request_id, %error, "the call broke off");
            internal("the call broke off")
        })?,
        None => answer.await,
    };
    // Its type was right, so that is rmcp's word for a message that it cannot read.
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        let problem = "the message is none of JSON-RPC's: a member is there twice, or too much";
        return Err(Refusal::malformed(INVALID_REQUEST, problem));
    }
    Ok(response)
}

fn internal(problem: &str) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, REFUSED, problem)
}
