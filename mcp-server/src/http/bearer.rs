//! Access tokens (RFC 6750, RFC 9449): the first thing that happens to a request.

mod certificate;
mod field;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use krb_delegation::Failure;
use krb_delegation::identity::{AuthenticationError, DPOP_ALGORITHMS, Presented};
use serde_json::json;
use tracing::{debug, warn};
use url::Url;
use uuid::Uuid;

use super::refusal::{INVALID_REQUEST, REFUSED, Refusal};
use super::{Metadata, Next, negotiate};
use crate::backend::{Backend, Principal};
use crate::config::ServerConfig;
use crate::serve::Peer;
use certificate::Certificates;
use field::{Scheme, Unusable};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A verified request, handed on in the request's extensions.
pub(crate) struct Authenticated<C> {
    pub(crate) caller: C,
    pub(crate) principal: Arc<Principal>,
    /// Names the request in the log and the audit log.
    pub(crate) request_id: String,
    /// What the identity provider wants of the user's next login, if a call of this request found
    /// that out: the answer is then a challenge.
    pub(crate) wanted: OnceLock<Failure>,
}

/// What [`require`] needs.
pub(super) struct Gate<B> {
    backend: Arc<B>,
    // What every challenge has: where the metadata is and which scope to ask for.
    pointer: String,
    // What clients call, whatever path we are behind.
    url: Url,
    certificates: Option<Certificates>,
    // For the whole request, with the time to read its body.
    time: Duration,
}

impl<B: Backend> Gate<B> {
    pub(super) fn new(
        backend: Arc<B>,
        config: &ServerConfig,
        metadata: &Metadata,
        time: Duration,
    ) -> Self {
        let scope =
            metadata.scope().map(|scope| format!(", scope=\"{scope}\"")).unwrap_or_default();
        let pointer = format!("resource_metadata=\"{}\"{scope}", metadata.url());
        let url = config.public_url.url().clone();
        let certificates = config.client_certificate_header.as_ref().and_then(Certificates::new);
        Self { backend, pointer, url, certificates, time }
    }

    /// Lets a request in as its caller's, who came by this scheme. What follows sees no credentials.
    async fn admit(
        &self,
        (caller, scheme): (B::Caller, Scheme),
        request_id: String,
        mut request: Request,
        next: impl Next,
    ) -> Response {
        let principal = Arc::new(self.backend.principal(&caller));
        let wanted = OnceLock::new();
        let authenticated = Arc::new(Authenticated { caller, principal, request_id, wanted });
        request.extensions_mut().insert(Arc::clone(&authenticated));
        request.headers_mut().remove(AUTHORIZATION);
        request.headers_mut().remove(DPOP);
        if let Some(certificates) = &self.certificates {
            certificates.remove_from(request.headers_mut());
        }
        let answered = tokio::time::timeout(self.time, next.run(request)).await;
        let answered = answered.unwrap_or_else(|_| {
            let problem = format!("the request did not end within {} s", self.time.as_secs());
            Refusal::new(StatusCode::REQUEST_TIMEOUT, INVALID_REQUEST, problem).into_response()
        });
        match authenticated.wanted.get() {
            Some(failure) => self.wanting(scheme, failure),
            None => self.with_nonce(scheme, answered),
        }
    }

    /// 401 without an error code: the request held no credentials that this server knows (RFC 6750
    /// section 3.1).
    fn missing(&self) -> Response {
        self.without_token("an access token is required: Authorization: Bearer TOKEN", &[])
    }

    /// 401 to a request that came with no token, but perhaps with a ticket, to which this server's
    /// Kerberos answers.
    fn without_token(&self, description: &str, answer: &[u8]) -> Response {
        let data = json!({"error_description": description});
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, REFUSED, description).with_data(data);
        self.challenge(Scheme::Bearer, "", refusal, answer)
    }

    fn refused(
        &self,
        status: StatusCode,
        scheme: Scheme,
        error: &str,
        description: &str,
    ) -> Response {
        let description: String = description.chars().map(quotable).collect();
        let attributes = format!("error=\"{error}\", error_description=\"{description}\", ");
        let data = json!({"error": error, "error_description": description});
        let refusal = Refusal::new(status, REFUSED, format!("{error}: {description}"));
        self.challenge(scheme, &attributes, refusal.with_data(data), &[])
    }

    /// 401 with what the identity provider wants of the next login, in the form that Entra's clients
    /// read.
    fn wanting(&self, scheme: Scheme, failure: &Failure) -> Response {
        let error = "insufficient_claims";
        let claims = failure.challenge().unwrap_or_default();
        let description: String = failure.message.chars().map(quotable).collect();
        let attributes = format!(
            "error=\"{error}\", error_description=\"{description}\", claims=\"{claims}\", "
        );
        let data = json!({
            "error": error, "error_description": description, "claims": failure.claims,
            "failure": failure
        });
        let message = format!("{error}: {}", failure.message);
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, REFUSED, message);
        self.challenge(scheme, &attributes, refusal.with_data(data), &[])
    }

    // What OAuth's readers look for in a body stands in the error's data.
    fn challenge(
        &self,
        tried: Scheme,
        attributes: &str,
        refusal: Refusal,
        answer: &[u8],
    ) -> Response {
        let algorithms = DPOP_ALGORITHMS.join(" ");
        // A field for each scheme, the one that was tried first: what many clients read is the first,
        // and of it what stands behind its first word.
        let challenges = match tried {
            Scheme::Bearer => [
                format!("Bearer {attributes}{}", self.pointer),
                format!("DPoP algs=\"{algorithms}\""),
            ],
            Scheme::Dpop => [
                format!("DPoP {attributes}algs=\"{algorithms}\", {}", self.pointer),
                format!("Bearer {}", self.pointer),
            ],
        };
        let mut response = refusal.into_response();
        for challenge in challenges {
            // Configuration and descriptions are printable ASCII, so this cannot fail.
            if let Ok(value) = HeaderValue::from_str(&challenge) {
                response.headers_mut().append(WWW_AUTHENTICATE, value);
            }
        }
        if response.status() == StatusCode::UNAUTHORIZED && self.backend.negotiates() {
            response = negotiate::with_token(response, answer);
        }
        self.with_nonce(tried, response)
    }

    /// Gives whoever came with a proof a nonce for the next one, if it has to have one (RFC 9449 sections
    /// 8.2 and 9).
    fn with_nonce(&self, came: Scheme, mut response: Response) -> Response {
        let nonce = if came == Scheme::Dpop { self.backend.nonce() } else { None };
        if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
            response.headers_mut().insert(DPOP_NONCE, nonce);
        }
        response
    }
}

/// Verifies the token, and what it is bound to, before anything else of the request is looked at.
/// What follows sees an [`Authenticated`] and nothing that it was made of.
pub(super) async fn require<B: Backend>(
    gate: &Gate<B>,
    request: Request,
    next: impl Next,
) -> Response {
    let request_id = Uuid::new_v4().simple().to_string();
    if let Some(value) = negotiate::field(request.headers()).filter(|_| gate.backend.negotiates()) {
        return match negotiate::accept(&*gate.backend, value).await {
            Ok((caller, answer)) => {
                // Whoever has to log in again gets a token for it.
                let came = (caller, Scheme::Bearer);
                let response = gate.admit(came, request_id, request, next).await;
                negotiate::with_token(response, &answer)
            }
            Err(refused) => {
                debug!(request_id, reason = refused.reason, "ticket refused");
                gate.without_token(refused.reason, &refused.answer)
            }
        };
    }
    let peer = request.extensions().get::<Peer>().copied();
    match gate.caller(request.headers(), request.method(), peer, &request_id).await {
        Ok(came) => gate.admit(came, request_id, request, next).await,
        Err(refusal) => *refusal,
    }
}

impl<B: Backend> Gate<B> {
    async fn caller(
        &self,
        headers: &HeaderMap,
        method: &Method,
        peer: Option<Peer>,
        request_id: &str,
    ) -> Result<(B::Caller, Scheme), Box<Response>> {
        let unusable = |scheme, why| {
            Box::new(match why {
                Unusable::Missing => {
                    self.backend.unauthorized("no_token");
                    self.missing()
                }
                Unusable::Malformed(problem) => {
                    self.backend.unauthorized("malformed_authorization");
                    self.refused(StatusCode::BAD_REQUEST, scheme, "invalid_request", problem)
                }
                Unusable::NoProof(problem) => {
                    self.backend.unauthorized("no_proof");
                    self.refused(StatusCode::UNAUTHORIZED, scheme, "invalid_dpop_proof", problem)
                }
            })
        };
        let (scheme, token) =
            field::token(headers).map_err(|(scheme, why)| unusable(scheme, why))?;
        let presented = match scheme {
            Scheme::Bearer => Presented::bearer(token),
            Scheme::Dpop => {
                let proof = field::proof(headers).map_err(|why| unusable(scheme, why))?;
                Presented::dpop(token, proof, method.as_str(), &self.url)
            }
        };
        let certificate = match &self.certificates {
            Some(certificates) => {
                certificates.read(headers, peer).map_err(|why| unusable(scheme, why))?
            }
            None => None,
        };
        let presented = presented.with_certificate(certificate.as_deref());
        let caller = self.backend.authenticate(&presented).await.map_err(|error| {
            Box::new(match error {
                AuthenticationError::Unauthorized(reason) => {
                    debug!(request_id, reason, "token refused");
                    self.refused(StatusCode::UNAUTHORIZED, scheme, "invalid_token", reason)
                }
                AuthenticationError::Proof(reason) => {
                    debug!(request_id, reason, "proof refused");
                    self.refused(StatusCode::UNAUTHORIZED, scheme, "invalid_dpop_proof", reason)
                }
                AuthenticationError::Nonce(reason) => {
                    debug!(request_id, reason, "proof without a nonce");
                    self.refused(StatusCode::UNAUTHORIZED, scheme, "use_dpop_nonce", reason)
                }
                AuthenticationError::Unavailable(reason) => {
                    warn!(request_id, reason, "token not verified");
                    let problem = "the token cannot be verified at present; try again";
                    let data =
                        json!({"error": "temporarily_unavailable", "error_description": problem});
                    let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, REFUSED, problem);
                    refusal.with_data(data).into_response()
                }
            })
        })?;
        Ok((caller, scheme))
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
