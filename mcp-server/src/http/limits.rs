//! How much of this server one user may take, so that enough is left for the others: requests at
//! once, calls at once, calls in a time. A user is an issuer's subject, whichever clients act for
//! them.
//!
//! Clients show the failure of a tool, and few show a refusal at HTTP's level (one closes its
//! session for it), so a call beyond the limits is a tool error. HTTP's 429 is for who floods
//! connections. Neither leaves a line for each in the audit log: they are counted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use krb_delegation::{Code, Failure};
use tokio::time::Instant;

use super::refusal::{REFUSED, Refusal};
use super::{Authenticated, Next};
use crate::backend::{Backend, Principal};
use crate::failure::NotBegun;
use crate::serve::Connection;

/// Requests of one user at once, from the verified token to the last byte of the answer that the
/// client takes: each holds a connection that does not give way to others. A tenth of all.
const MAX_REQUESTS: usize = 96;
/// Calls of one user at once.
const MAX_CALLS: usize = 64;
/// What a call costs: a user may make 100 in a second, for ever. Agents make one in a second.
const CALL: Duration = Duration::from_millis(10);
/// What one costs in addition that this server itself refuses: 5 in a second. It costs the user
/// nothing and us a line in the audit log.
const REFUSED_CALL: Duration = Duration::from_millis(200);
/// What a user may owe before calls are refused: 4,000 calls at one time, or some 190 refused ones.
const CREDIT: Duration = Duration::from_secs(40);
/// Users that are remembered. Beyond it those are forgotten who do nothing at the moment.
const MAX_USERS: usize = 10_000;

/// What [`enter`] needs.
pub(super) struct State<B> {
    backend: Arc<B>,
    limits: Arc<Limits>,
}

impl<B> State<B> {
    pub(super) fn new(backend: Arc<B>) -> Self {
        Self { backend, limits: Arc::default() }
    }
}

/// Lets a verified request in, or refuses it if its user has too many already. What follows sees a
/// [`Visit`].
pub(super) async fn enter<B: Backend>(
    state: &State<B>,
    mut request: Request,
    next: impl Next,
) -> Response {
    let extensions = request.extensions_mut();
    let Some(from) = extensions.get::<Arc<Authenticated<B::Caller>>>() else {
        let problem = "the request was not authenticated";
        return Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, REFUSED, problem).into_response();
    };
    let Some(visit) = state.limits.enter(&from.principal) else {
        state.backend.limited(&from.caller);
        let problem = format!(
            "more than {MAX_REQUESTS} requests of this user at once; wait for some to be answered, \
             and read their answers"
        );
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, REFUSED, problem);
        return ([(RETRY_AFTER, "1")], refusal).into_response();
    };
    let visit = Arc::new(visit);
    if let Some(connection) = extensions.get::<Arc<Connection>>() {
        connection.verified(visit.clone());
    }
    extensions.insert(Arc::clone(&visit));
    next.run(request).await
}

/// The users who are here.
#[derive(Default)]
struct Limits {
    users: Mutex<HashMap<Arc<User>, Usage>>,
}

#[derive(PartialEq, Eq, Hash)]
struct User {
    issuer: String,
    subject: String,
}

#[derive(Default)]
struct Usage {
    requests: usize,
    calls: usize,
    /// When all that was called is paid for.
    paid: Option<Instant>,
}

/// A request of a user, until dropped.
pub(crate) struct Visit {
    limits: Arc<Limits>,
    user: Arc<User>,
    /// Whether it began a call, or tried to.
    called: AtomicBool,
}

/// A call of a user, until dropped.
pub(crate) struct Turn<'a>(&'a Visit);

/// Records a call that is none, as far as the user's share of refused calls goes.
pub(crate) async fn refuse<B: Backend>(
    backend: &B,
    from: &Authenticated<B::Caller>,
    visit: &Visit,
    tool: &'static str,
    problem: &str,
) {
    let Ok(turn) = visit.begin() else {
        return backend.limited(&from.caller);
    };
    let failure = NotBegun::NoCall(problem.to_owned()).into();
    let failure = backend.refuse(&from.caller, &from.request_id, tool, failure).await;
    turn.ended::<()>(&Err(failure));
}

impl Limits {
    fn enter(self: &Arc<Self>, principal: &Principal) -> Option<Visit> {
        let user =
            Arc::new(User { issuer: principal.issuer.clone(), subject: principal.subject.clone() });
        let mut users = self.users();
        if users.len() >= MAX_USERS && !users.contains_key(&user) {
            let now = Instant::now();
            users.retain(|_, usage| usage.requests > 0 || usage.owes(now) > Duration::ZERO);
            if users.len() >= MAX_USERS {
                users.retain(|_, usage| usage.requests > 0);
            }
        }
        let usage = users.entry(Arc::clone(&user)).or_default();
        if usage.requests >= MAX_REQUESTS {
            return None;
        }
        usage.requests += 1;
        drop(users);
        Some(Visit { limits: Arc::clone(self), user, called: AtomicBool::new(false) })
    }

    fn users(&self) -> MutexGuard<'_, HashMap<Arc<User>, Usage>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    fn owes(&self, now: Instant) -> Duration {
        self.paid.map_or(Duration::ZERO, |paid| paid.saturating_duration_since(now))
    }

    fn pay(&mut self, cost: Duration, now: Instant) {
        self.paid = Some(now + self.owes(now) + cost);
    }

    fn begin(&mut self, now: Instant) -> Result<(), NotBegun> {
        let owes = self.owes(now);
        if self.calls >= MAX_CALLS {
            return Err(NotBegun::TooManyAtOnce(MAX_CALLS));
        }
        if owes >= CREDIT {
            return Err(NotBegun::TooOften);
        }
        self.calls += 1;
        self.pay(CALL, now);
        Ok(())
    }
}

impl Visit {
    /// Begins a call.
    ///
    /// # Errors
    /// [`Code::TooManyCalls`].
    pub(crate) fn begin(&self) -> Result<Turn<'_>, Failure> {
        self.called.store(true, Ordering::Relaxed);
        self.usage(|usage| usage.begin(Instant::now())).transpose()?;
        Ok(Turn(self))
    }

    /// Whether the call came as far as being begun, refused or counted, each of which is recorded.
    pub(super) fn has_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    /// Users with a visit are not forgotten, so there is one.
    fn usage<T>(&self, change: impl FnOnce(&mut Usage) -> T) -> Option<T> {
        self.limits.users().get_mut(&self.user).map(change)
    }
}

impl Turn<'_> {
    /// Takes note of how the call ended.
    pub(crate) fn ended<T>(self, result: &Result<T, Failure>) {
        if result.as_ref().is_err_and(|failure| is_refusal(failure.code)) {
            self.0.usage(|usage| usage.pay(REFUSED_CALL, Instant::now()));
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.usage(|usage| usage.calls = usage.calls.saturating_sub(1));
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.usage(|usage| usage.requests = usage.requests.saturating_sub(1));
    }
}

/// Refused by this server, not by a resource and not for a fault.
const fn is_refusal(code: Code) -> bool {
    use Code::{
        ExchangedTokenRefused, InvalidArgument, LegacyNameRefused, NameMismatch, NeverImpersonated,
        PolicyDenied, SidMismatch, TokenExchangeFailed, UnknownTarget, UserUnknown,
    };
    matches!(
        code,
        ExchangedTokenRefused
            | InvalidArgument
            | LegacyNameRefused
            | NameMismatch
            | NeverImpersonated
            | PolicyDenied
            | SidMismatch
            | TokenExchangeFailed
            | UnknownTarget
            | UserUnknown
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(subject: &str, client: &str) -> Principal {
        Principal {
            issuer: "https://idp.example.com".into(),
            subject: subject.into(),
            client_id: Some(client.into()),
        }
    }

    #[test]
    fn a_user_has_so_many_requests_at_once_by_whichever_client() {
        let limits = Arc::new(Limits::default());
        let enter = |subject: &str, client: &str| limits.enter(&principal(subject, client));
        let visits: Vec<_> =
            (0..MAX_REQUESTS).map(|number| enter("alice", &number.to_string()).unwrap()).collect();
        assert!(enter("alice", "another").is_none());
        assert!(enter("bob", "0").is_some(), "others are not concerned");
        drop(visits);
        assert!(enter("alice", "another").is_some());
    }

    #[test]
    fn a_user_has_so_many_calls_at_once() {
        let limits = Arc::new(Limits::default());
        let visit = limits.enter(&principal("alice", "a")).unwrap();
        let other = limits.enter(&principal("alice", "b")).unwrap();
        let calls: Vec<_> = (0..MAX_CALLS).map(|_| visit.begin().unwrap()).collect();
        let failure = other.begin().err().unwrap();
        assert_eq!(failure.code, Code::TooManyCalls);
        drop(calls);
        assert!(other.begin().is_ok());
    }

    /// How many calls pass that are made one after the other, at the same moment.
    fn burst(usage: &mut Usage, now: Instant, refused: bool) -> usize {
        let mut calls = 0;
        while usage.begin(now).is_ok() {
            usage.calls -= 1;
            if refused {
                usage.pay(REFUSED_CALL, now);
            }
            calls += 1;
        }
        calls
    }

    #[test]
    fn calls_have_a_rate_and_refused_ones_a_lower_one() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut usage = Usage::default();
        assert_eq!(burst(&mut usage, start, false), 4000);
        assert_eq!(burst(&mut usage, start + second, false), 100);
        let mut usage = Usage::default();
        assert_eq!(burst(&mut usage, start, true), 191);
        let more = burst(&mut usage, start + 20 * second, true);
        assert!((94..=96).contains(&more), "{more}");
        // Nothing is saved up beyond the credit.
        assert_eq!(burst(&mut Usage::default(), start + 10_000 * second, false), 4000);
    }

    #[test]
    fn users_are_forgotten_when_they_are_many_and_do_nothing() {
        let limits = Arc::new(Limits::default());
        let busy = limits.enter(&principal("busy", "a")).unwrap();
        let owing = limits.enter(&principal("owing", "a")).unwrap();
        drop(owing.begin().unwrap());
        owing.usage(|usage| usage.pay(2 * CREDIT, Instant::now()));
        drop(owing);
        for number in 0..MAX_USERS {
            drop(limits.enter(&principal(&number.to_string(), "a")).unwrap());
            assert!(limits.users().len() <= MAX_USERS);
        }
        assert!(limits.enter(&principal("owing", "b")).unwrap().begin().is_err());
        assert_eq!(busy.usage(|usage| usage.requests), Some(1));
    }
}
