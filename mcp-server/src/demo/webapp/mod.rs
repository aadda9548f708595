//! A web application that asks for Kerberos (Negotiate, RFC 4559) and has documents, each with its
//! own readers. It knows users by the SIDs of the PAC in their ticket, and says whom it saw.
//!
//! It is a [`Router`] and knows no socket: serve it, or call it in memory. Its clock is given.
//!
//! It is for demonstrations and tests. A login is one round trip: it keeps no connection in mind, so
//! a client that does not send its ticket at once is refused. Below TLS it would ignore the channel.

#[cfg(test)]
mod tests;
mod visitor;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use krb_client::Clock;
use krb_client::accept::{Acceptor, AcceptorConfig, ServiceKeys};
use krb_client::proto::formats::Keytab;
use krb_client::proto::gss::ChannelPolicy;
use krb_client::proto::pac::Sid;
use krb_client::proto::spnego::http::{header_value, parse_header_value};
use serde::Serialize;
use serde_json::json;

pub use visitor::Visitor;

/// Visits that are remembered.
const MAX_VISITS: usize = 1000;

/// The application. Clones are the same one.
#[derive(Clone)]
pub struct WebApp(Arc<Shared>);

struct Shared {
    acceptor: Acceptor,
    documents: BTreeMap<String, Document>,
    visits: Mutex<Visits>,
}

/// What is to be read, and by whom.
#[derive(Clone, Debug)]
pub struct Document {
    /// The last part of its path, `/documents/NAME`.
    pub name: String,
    /// What it says.
    pub text: String,
    /// SIDs of users and groups.
    pub readers: Vec<Sid>,
}

/// A request as the application saw it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Visit {
    /// Counts all visits, from 0.
    pub number: u64,
    /// The method and the path.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
    /// Who came; nobody, if the login was refused or is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Visitor>,
    /// Why the visitor was not let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

#[derive(Default)]
struct Visits {
    all: VecDeque<Visit>,
    count: u64,
}

/// The application's refusal of a visitor whom it knows; in the answer for the log of visits.
#[derive(Clone)]
struct Refusal(String);

impl WebApp {
    /// With the keys that it opens tickets with: of each of its SPNs.
    #[must_use]
    pub fn new(
        keytab: Keytab,
        documents: impl IntoIterator<Item = Document>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut config = AcceptorConfig::new(ServiceKeys::keytab(keytab));
        config.demands_account = true;
        config.clock = clock;
        let documents = documents.into_iter();
        Self(Arc::new(Shared {
            acceptor: Acceptor::new(config),
            documents: documents.map(|document| (document.name.clone(), document)).collect(),
            visits: Mutex::default(),
        }))
    }

    /// `/whoami` and `/documents/NAME`, for those who log in.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/whoami", get(whoami))
            .route("/documents/{name}", get(document))
            .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") })
            .layer(middleware::from_fn_with_state(self.0.clone(), gate))
            .with_state(self.0.clone())
    }

    /// The visits from this number on, as far as they are remembered.
    #[must_use]
    pub fn visits_from(&self, number: u64) -> Vec<Visit> {
        lock(&self.0.visits).all.iter().filter(|visit| visit.number >= number).cloned().collect()
    }

    /// How many visits there were.
    #[must_use]
    pub fn visits(&self) -> u64 {
        lock(&self.0.visits).count
    }
}

impl Shared {
    fn saw(&self, request: String, status: StatusCode, who: Option<Visitor>, why: Option<String>) {
        let mut visits = lock(&self.visits);
        let number = visits.count;
        visits.count += 1;
        if visits.all.len() == MAX_VISITS {
            visits.all.pop_front();
        }
        let status = status.as_u16();
        visits.all.push_back(Visit { number, request, status, visitor: who, refusal: why });
    }
}

/// Nobody passes whose ticket is not verified; every answer behind it proves the application's own
/// identity.
async fn gate(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let what = format!("{} {}", request.method(), request.uri().path());
    let login = log_in(&shared.acceptor, request.headers()).await;
    match login {
        Ok((visitor, token)) => {
            request.extensions_mut().insert(visitor.clone());
            let mut response = next.run(request).await;
            let refusal = response.extensions_mut().remove().map(|Refusal(why)| why);
            shared.saw(what, response.status(), Some(visitor), refusal);
            with_token(response, &token)
        }
        Err(refused) => {
            let status = StatusCode::UNAUTHORIZED;
            let why = refused.why;
            let text = format!("{why}\n");
            shared.saw(what, status, None, Some(why));
            with_token((status, text).into_response(), &refused.token)
        }
    }
}

/// Why nobody is let in, and the token that says so; without one the login may begin anew.
struct Refused {
    why: String,
    token: Vec<u8>,
}

/// Who the client is, and the token that proves who we are.
async fn log_in(acceptor: &Acceptor, headers: &HeaderMap) -> Result<(Visitor, Vec<u8>), Refused> {
    let not = |why: String| Refused { why, token: Vec::new() };
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value,
        (None, _) => return Err(not("no Kerberos ticket was presented".into())),
        _ => return Err(not("there are two Authorization fields".into())),
    };
    let token = parse_header_value(value.as_bytes()).map_err(|error| not(error.to_string()))?;
    let token = token.ok_or_else(|| not("Authorization does not say Negotiate".into()))?;
    let accepted = acceptor.accept(&token, ChannelPolicy::Ignore).await;
    let accepted =
        accepted.map_err(|refused| Refused { why: refused.to_string(), token: refused.answer })?;
    let visitor = Visitor::of(&accepted.caller);
    let visitor = visitor.ok_or_else(|| not("the ticket proves no account".into()))?;
    Ok((visitor, accepted.answer))
}

/// `Negotiate`, and the token unless it is empty.
fn with_token(mut response: Response, token: &[u8]) -> Response {
    let value = if token.is_empty() { "Negotiate".to_owned() } else { header_value(token) };
    // Base64 is a value.
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}

async fn whoami(visitor: axum::Extension<Visitor>) -> Json<Visitor> {
    Json(visitor.0)
}

async fn document(
    State(shared): State<Arc<Shared>>,
    visitor: axum::Extension<Visitor>,
    Path(name): Path<String>,
) -> Response {
    let Some(document) = shared.documents.get(&name) else {
        return (StatusCode::NOT_FOUND, "There is no such document.\n").into_response();
    };
    if document.readers.iter().any(|reader| visitor.is(reader)) {
        return Json(json!({ "document": document.text, "readBy": visitor.0 })).into_response();
    }
    let why = format!("{} is not among the readers of {name}", visitor.account);
    let mut response = (StatusCode::FORBIDDEN, format!("{why}.\n")).into_response();
    response.extensions_mut().insert(Refusal(why));
    response
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
