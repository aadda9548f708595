//! Opaque tokens: their issuer is asked what they are (RFC 7662).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::{Response, StatusCode};
use krb_client::{Clock, Flights, Moment};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::address::is_https_or_loopback;
use super::config::IntrospectionConfig;
use super::jwt::{Claims, Flaw};
use super::kept::{Fingerprint, Kept, Limits};
use super::strict_json;
use crate::network::Fetch;
use crate::oauth_client::{NoRequest, OauthClient};

/// What an issuer says of a token is believed for so long: whom it revokes gets no further.
pub(super) const BELIEVED: Duration = Duration::from_secs(60);
/// That it says no is believed for so long.
const REFUSED: Duration = Duration::from_secs(10);
/// For an answer, and for the turn to ask.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// After a failure nobody is asked for so long.
pub(super) const REST: Duration = Duration::from_secs(2);
/// Questions at once: strangers may come with as many texts as they like. Of tokens that were good when
/// they came last, so many more are asked about, so that nobody who is at work waits for strangers.
const AT_ONCE: usize = 16;
/// That a token was good is remembered for so long, for that alone.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// A text without a meaning of its own is short.
pub(super) const MAX_LENGTH: usize = 4 * 1024;
const MAX_ANSWER: usize = 64 * 1024;
const LIMITS: Limits = Limits { entries: 4096, bytes: 1 << 20 };
/// What is remembered of a token takes so much, besides its claims.
const BYTES: usize = 128;

const NOT_ACTIVE: Flaw = Flaw::Token("the token is not active");

impl IntrospectionConfig {
    /// The setting that does not do, and why not.
    pub(super) fn introspector(
        &self,
        issuer: &str,
        label: String,
        idp: &Arc<dyn Fetch>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Introspector, (&'static str, String)> {
        if !is_https_or_loopback(&self.endpoint) {
            let problem = "must be an https URL (plain http only to loopback)";
            return Err(("endpoint", problem.into()));
        }
        let client =
            OauthClient::new(&self.client(), issuer, &format!("introspection of {label}"))?;
        Ok(Introspector(Arc::new(Shared {
            issuer: label,
            endpoint: self.endpoint.clone(),
            client,
            idp: idp.clone(),
            clock: clock.clone(),
            turns: Semaphore::new(AT_ONCE),
            turns_of_known: Semaphore::new(AT_ONCE),
            refused: Mutex::new(Kept::new(LIMITS)),
            known: Mutex::new(Kept::new(LIMITS)),
            resting_until: Mutex::default(),
            flights: Arc::default(),
        })))
    }
}

/// Asks one issuer.
pub(super) struct Introspector(Arc<Shared>);

struct Shared {
    /// For the log.
    issuer: String,
    endpoint: String,
    client: OauthClient,
    idp: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    turns: Semaphore,
    turns_of_known: Semaphore,
    refused: Mutex<Kept<()>>,
    /// Those that were good.
    known: Mutex<Kept<()>>,
    /// After a failure.
    resting_until: Mutex<Option<Instant>>,
    flights: Arc<Flights<Fingerprint, Result<Arc<Claims>, Flaw>>>,
}

impl Introspector {
    /// What the issuer says of a token. Many who have the same one ask once, in a task that none of
    /// them takes along by leaving. Nothing else is checked of it yet.
    pub(super) async fn ask(
        &self,
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<Arc<Claims>, Flaw> {
        if token.len() > MAX_LENGTH {
            return Err(super::jwt::TOO_LONG);
        }
        let find = |token: &Fingerprint| {
            let now = Moment::now(&*self.0.clock);
            lock(&self.0.refused).get(token, now).map(|()| Err(NOT_ACTIVE))
        };
        let work = |fingerprint: &Fingerprint| {
            let (shared, token) = (Arc::clone(&self.0), Zeroizing::new(token.to_owned()));
            let now = Moment::now(&*shared.clock);
            let is_known = lock(&shared.known).get(fingerprint, now).is_some();
            async move { shared.ask(token, is_known).await }
        };
        let shared = Arc::clone(&self.0);
        let land = move |token, answer: &Result<Arc<Claims>, Flaw>| {
            let now = Moment::now(&*shared.clock);
            match answer {
                Ok(_) => lock(&shared.known).put(token, (), BYTES, REMEMBERED, now),
                Err(NOT_ACTIVE) => {
                    lock(&shared.refused).put(token, (), BYTES, REFUSED, now);
                }
                Err(_) => {}
            }
        };
        let answer = self.0.flights.find_or_join(fingerprint, find, work, land).await;
        answer.unwrap_or(Err(Flaw::Introspection))
    }
}

impl Introspector {
    /// The setting of this client's secret or key, and what is wrong with what stands there now, if
    /// that is not what is used.
    pub(super) async fn trouble(&self) -> (String, Option<String>) {
        self.0.client.trouble().await
    }
}

impl Shared {
    async fn ask(&self, token: Zeroizing<String>, is_known: bool) -> Result<Arc<Claims>, Flaw> {
        let is_resting = || lock(&self.resting_until).is_some_and(|until| Instant::now() < until);
        let turns = if is_known { &self.turns_of_known } else { &self.turns };
        let turn = timeout(WAIT, turns.acquire()).await;
        // Too many ask, or the one before got no answer.
        let Ok(Ok(_turn)) = turn else { return Err(Flaw::Introspection) };
        if is_resting() {
            return Err(Flaw::Introspection);
        }
        let answer = timeout(WAIT, self.request(&token)).await;
        let answer = answer.unwrap_or_else(|_| Err("it did not answer in time".to_owned()));
        let claims = answer.map_err(|error| {
            *lock(&self.resting_until) = Some(Instant::now() + REST);
            let issuer = &self.issuer;
            tracing::warn!(issuer, error, "the issuer does not say what a token is");
            Flaw::Introspection
        })?;
        match claims.get("active") {
            Some(Value::Bool(true)) => Ok(Arc::new(claims)),
            _ => Err(NOT_ACTIVE),
        }
    }

    /// The error is a text for the log.
    async fn request(&self, token: &str) -> Result<Claims, String> {
        let (mut response, of) = self.send(token).await?;
        // The secret may have been replaced a moment ago, here and there.
        if response.status() == StatusCode::UNAUTHORIZED && self.client.is_newer_than(of).await {
            (response, _) = self.send(token).await?;
        }
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                return Err("it takes this server for nobody: check introspection.clientId, its \
                            secret or key, and introspection.clientAuthentication"
                    .to_owned());
            }
            status => return Err(format!("it answered {status}")),
        }
        let claims = strict_json::object(response.body()).map(Claims);
        claims.ok_or_else(|| "its answer is no JSON object".to_owned())
    }

    /// The answer, and how often what this client proves itself with was replaced before.
    async fn send(&self, token: &str) -> Result<(Response<Zeroizing<Vec<u8>>>, u64), String> {
        let fields = [("token", token), ("token_type_hint", "access_token")];
        let now = self.clock.now().seconds.unix();
        let request = self.client.request(&self.endpoint, &fields, now).await;
        let (request, of) = request.map_err(|error| match error {
            NoRequest::NoProof(cause) | NoRequest::Malformed(cause) => cause,
        })?;
        Ok((self.idp.fetch(request, MAX_ANSWER).await?, of))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
