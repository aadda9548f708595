//! Bearer authentication (RFC 6750): the first thing that happens to a request.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use krb_delegation::identity::AuthenticationError;
use serde_json::{Value, json};
use tracing::{debug, warn};
use uuid::Uuid;

use super::Metadata;
use super::refusal::{INVALID_REQUEST, REFUSED, Refusal};
use crate::backend::{Backend, Principal};

/// A verified request, handed on in the request's extensions.
pub(crate) struct Authenticated<C> {
    pub(crate) caller: C,
    pub(crate) principal: Arc<Principal>,
    /// Names the request in the log and the audit log.
    pub(crate) request_id: String,
}

/// What [`require`] needs.
pub(super) struct Gate<B> {
    backend: Arc<B>,
    // What every challenge ends with: where the metadata is and which scope to ask for.
    pointer: String,
    // For the whole request, with the time to read its body.
    time: Duration,
}

impl<B: Backend> Gate<B> {
    pub(super) fn new(backend: Arc<B>, metadata: &Metadata, time: Duration) -> Self {
        let scope =
            metadata.scope().map(|scope| format!(", scope=\"{scope}\"")).unwrap_or_default();
        let pointer = format!("resource_metadata=\"{}\"{scope}", metadata.url());
        Self { backend, pointer, time }
    }

    /// 401 without an error code: the request held no credentials that this server knows (RFC 6750
    /// section 3.1).
    fn missing(&self) -> Response {
        let needed = "an access token is required: Authorization: Bearer TOKEN";
        let data = json!({"error_description": needed});
        self.challenge(StatusCode::UNAUTHORIZED, "", needed, data)
    }

    fn refused(&self, status: StatusCode, error: &str, description: &str) -> Response {
        let description: String = description.chars().map(quotable).collect();
        let attributes = format!("error=\"{error}\", error_description=\"{description}\", ");
        let data = json!({"error": error, "error_description": description});
        self.challenge(status, &attributes, &format!("{error}: {description}"), data)
    }

    // What OAuth's readers look for in a body stands in the error's data.
    fn challenge(
        &self,
        status: StatusCode,
        attributes: &str,
        message: &str,
        data: Value,
    ) -> Response {
        let challenge = format!("Bearer {attributes}{}", self.pointer);
        let mut response = Refusal::new(status, REFUSED, message).with_data(data).into_response();
        // Configuration and descriptions are printable ASCII, so this cannot fail.
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// Verifies the bearer token before anything else of the request is looked at. What follows sees
/// an [`Authenticated`] and no token.
pub(super) async fn require<B: Backend>(
    State(gate): State<Arc<Gate<B>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = Uuid::new_v4().simple().to_string();
    let token = match bearer(request.headers()) {
        Ok(token) => token,
        Err(Unusable::Missing) => {
            gate.backend.unauthorized("no_token");
            return gate.missing();
        }
        Err(Unusable::Malformed(problem)) => {
            gate.backend.unauthorized("malformed_authorization");
            return gate.refused(StatusCode::BAD_REQUEST, "invalid_request", problem);
        }
    };
    match gate.backend.authenticate(token).await {
        Ok(caller) => {
            let principal = Arc::new(gate.backend.principal(&caller));
            let authenticated = Authenticated { caller, principal, request_id };
            request.extensions_mut().insert(Arc::new(authenticated));
        }
        Err(AuthenticationError::Unauthorized(reason)) => {
            debug!(request_id, reason, "token refused");
            return gate.refused(StatusCode::UNAUTHORIZED, "invalid_token", reason);
        }
        Err(error @ AuthenticationError::KeysUnavailable) => {
            warn!(request_id, %error, "token not verified");
            let problem = "the token's issuer cannot be reached to verify it; try again";
            let data = json!({"error": "temporarily_unavailable", "error_description": problem});
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, REFUSED, problem);
            return refusal.with_data(data).into_response();
        }
    }
    request.headers_mut().remove(AUTHORIZATION);
    tokio::time::timeout(gate.time, next.run(request)).await.unwrap_or_else(|_| {
        let problem = format!("the request did not end within {} s", gate.time.as_secs());
        Refusal::new(StatusCode::REQUEST_TIMEOUT, INVALID_REQUEST, problem).into_response()
    })
}

#[derive(Debug, PartialEq)]
enum Unusable {
    Missing,
    Malformed(&'static str),
}

/// The token of the one `Authorization: Bearer TOKEN` field.
fn bearer(headers: &HeaderMap) -> Result<&str, Unusable> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let field = fields.next().ok_or(Unusable::Missing)?.as_bytes();
    if fields.next().is_some() {
        return Err(Unusable::Malformed("more than one Authorization field"));
    }
    let (scheme, token) = match field.iter().position(|byte| *byte == b' ') {
        Some(space) => field.split_at(space),
        None => (field, &b""[..]),
    };
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Err(Unusable::Missing);
    }
    // b64token, RFC 6750 section 2.1.
    let token = token.trim_ascii();
    if token.is_empty() {
        // From a client whose token is not set: it needs a login, not a lesson in syntax.
        return Err(Unusable::Missing);
    }
    let unpadded = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let is_token = unpadded > 0
        && token.iter().take(unpadded).all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(b));
    match std::str::from_utf8(token) {
        Ok(token) if is_token => Ok(token),
        _ => Err(Unusable::Malformed("Authorization must be: Bearer, one space, one token")),
    }
}

// RFC 6750 section 3: error_description may not hold quotes, backslashes or control characters.
fn quotable(c: char) -> char {
    match c {
        '"' | '\\' => '\'',
        ' '..='~' => c,
        _ => '?',
    }
}
