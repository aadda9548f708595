//! One exchange: what is asked for, of whom, and what comes back.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use krb_client::Clock;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::actor;
use super::breaker::{Became, Breaker, Change};
use super::cache::field;
use super::config::{ACCESS_TOKEN, Grant, JWT, TokenExchangeConfig};
use super::failure::ExchangeError;
use super::settings::Settings;
use crate::ConfigError;
use crate::followed::{Followed, Place};
use crate::identity::{BearerToken, Caller, Claims, Subject, Verifier};
use crate::network::Fetch;
use crate::oauth_client::{NoRequest, OauthClient};
use crate::sha256::finish;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 256 * 1024;

/// A token endpoint, and this server as its client.
pub(super) struct Endpoint {
    client: OauthClient,
    actor: Option<Followed<ActorToken>>,
    breaker: Breaker,
    idp: Arc<dyn Fetch>,
    verifier: Verifier,
    clock: Arc<dyn Clock>,
}

/// A token that says who acts.
pub(super) type ActorToken = Zeroizing<String>;

impl Endpoint {
    /// Reads what the settings name.
    pub(super) fn new(
        settings: &Settings,
        issuer: &str,
        verifier: &Verifier,
        idp: Arc<dyn Fetch>,
    ) -> Result<Self, ConfigError> {
        let read = |content: &str| match content.trim() {
            "" => Err("it is empty".to_owned()),
            token => Ok(Zeroizing::new(token.to_owned())),
        };
        let actor = settings.config.actor_token.as_ref();
        let actor = actor.map(|actor| {
            let setting = settings.name("actorToken.file");
            Followed::open(setting, Place::File(actor.file.clone()), read)
        });
        let actor =
            actor.transpose().map_err(|problem| settings.error("actorToken.file", problem))?;
        let client = OauthClient::new(&settings.config.client(), issuer, settings.section())
            .map_err(|(setting, problem)| settings.error(setting, problem))?;
        let (verifier, clock) = (verifier.clone(), verifier.clock().clone());
        Ok(Self { client, actor, breaker: Breaker::default(), idp, verifier, clock })
    }

    pub(super) async fn actor(&self) -> Option<Arc<ActorToken>> {
        match &self.actor {
            Some(actor) => Some(actor.current().await.0),
            None => None,
        }
    }

    /// Of each file and secret the setting, and what is wrong with what stands there now, if that is
    /// not what is used.
    pub(super) async fn troubles(&self) -> Vec<(String, Option<String>)> {
        let mut troubles = vec![self.client.trouble().await];
        if let Some(actor) = &self.actor {
            troubles.push(actor.trouble().await);
        }
        troubles
    }
}

/// What is asked of an endpoint.
pub(super) struct Exchange {
    pub(super) settings: Settings,
    endpoint: Arc<Endpoint>,
    /// Of all that is asked with and for but the tokens.
    pub(super) asked: [u8; 32],
}

/// A token that came back and proves what it should.
pub(super) struct Obtained {
    pub(super) claims: Claims,
    pub(super) subject: Subject,
    /// Its end in seconds since 1970, by whatever says the least, if its provider said how long it is
    /// good.
    pub(super) ends: Option<i64>,
}

/// RFC 6749 section 5.1, RFC 8693 section 2.2.1. What else stands in it is of no use here.
#[derive(Deserialize)]
struct Answer {
    access_token: Zeroizing<String>,
    issued_token_type: Option<String>,
    token_type: String,
    expires_in: Option<Seconds>,
}

/// A number, or as some write it, a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Exchange {
    pub(super) fn new(settings: Settings, issuer: &str, endpoint: Arc<Endpoint>) -> Self {
        let asked = asked(&settings.config, issuer);
        Self { settings, endpoint, asked }
    }

    fn config(&self) -> &TokenExchangeConfig {
        &self.settings.config
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Does the caller's token let this server act? To be asked each time: of an opaque token its
    /// issuer may say something else by now.
    pub(super) fn allows(&self, caller: &Caller) -> Result<(), ExchangeError> {
        actor::check_may_act(caller, self.config()).map_err(ExchangeError::Actor)
    }

    /// Exchanges a caller's token, verifies what comes back like any other token, by the time that
    /// it is then, and reads from it which account the caller is.
    pub(super) async fn obtain(
        &self,
        caller: &Caller,
        actor: Option<&ActorToken>,
    ) -> Result<Obtained, ExchangeError> {
        let asked_at = self.endpoint.clock.now().seconds.unix();
        let (token, good_for) = self.ask(caller, actor).await?;
        let audiences = self.config().audience.as_slice();
        let verifier = &self.endpoint.verifier;
        let verified = verifier.verify_exchanged(&token, caller, audiences).await;
        let (claims, idp) = verified.map_err(ExchangeError::Flawed)?;
        // An issuer need not name the client: the token came from its token endpoint in answer to
        // our own proof, for our audience and the caller's subject. If it does, it must be us.
        if claims.client_id().is_some_and(|client| client != self.config().client_id) {
            return Err(ExchangeError::AnotherClient);
        }
        actor::check(&claims, caller, self.config()).map_err(ExchangeError::Actor)?;
        let subject = Subject::new(caller, &claims, idp).map_err(ExchangeError::NoSubject)?;
        let ends = good_for.and_then(|seconds| {
            claims.expires_at().map(|end| end.min(asked_at.saturating_add(seconds)))
        });
        Ok(Obtained { claims, subject, ends })
    }

    /// What was obtained a while ago, judged by the time that it is now.
    pub(super) fn again(&self, caller: &Caller, claims: &Claims) -> Result<Subject, ExchangeError> {
        let audiences = self.config().audience.as_slice();
        let idp = self.endpoint.verifier.judge_exchanged(claims, caller, audiences);
        Subject::new(caller, claims, idp.map_err(ExchangeError::Flawed)?)
            .map_err(ExchangeError::NoSubject)
    }

    /// Asks, unless the endpoint is left alone at present.
    async fn ask(
        &self,
        caller: &Caller,
        actor: Option<&ActorToken>,
    ) -> Result<(BearerToken, Option<i64>), ExchangeError> {
        let leave = self.endpoint.breaker.enter().map_err(ExchangeError::LeftAlone)?;
        let answered = self.request(caller, actor).await;
        let became = match &answered {
            Ok(_) => Became::Answered,
            Err(error) if error.is_the_providers() => Became::Failed,
            Err(error) if error.is_doubtful() => Became::Doubtful(user(caller)),
            Err(_) => Became::Answered,
        };
        let endpoint = &self.config().token_endpoint;
        match leave.became(became) {
            Some(Change::Opened(time)) => {
                let seconds = time.as_secs();
                tracing::warn!(endpoint, seconds, "a token endpoint fails and is left alone");
            }
            Some(Change::Closed) => tracing::info!(endpoint, "a token endpoint is asked again"),
            None => {}
        }
        self.read(&answered?)
    }

    async fn request(
        &self,
        caller: &Caller,
        actor: Option<&ActorToken>,
    ) -> Result<Zeroizing<Vec<u8>>, ExchangeError> {
        let (answered, of) = self.send(caller, actor).await?;
        match answered {
            // The secret may have been replaced a moment ago, here and there.
            Err(error)
                if error.refuses_the_client() && self.endpoint.client.is_newer_than(of).await =>
            {
                self.send(caller, actor).await?.0
            }
            answered => answered,
        }
    }

    /// What is answered, and how often what this client proves itself with was replaced before.
    async fn send(
        &self,
        caller: &Caller,
        actor: Option<&ActorToken>,
    ) -> Result<(Result<Zeroizing<Vec<u8>>, ExchangeError>, u64), ExchangeError> {
        let form = self.form(caller, actor);
        let now = self.endpoint.clock.now().seconds.unix();
        let request = self.endpoint.client.request(&self.config().token_endpoint, &form, now).await;
        let (request, of) = request.map_err(|error| match error {
            NoRequest::NoProof(cause) => ExchangeError::NoProof(cause),
            NoRequest::Malformed(cause) => ExchangeError::Unreachable(cause),
        })?;
        let answer = async {
            let response = self.endpoint.idp.fetch(request, MAX_ANSWER).await;
            let (head, body) = response.map_err(ExchangeError::Unreachable)?.into_parts();
            match head.status {
                status if status.is_success() => Ok(body),
                status => Err(ExchangeError::Refused(status, body)),
            }
        };
        let answer = tokio::time::timeout(TIMEOUT, answer).await;
        Ok((answer.unwrap_or(Err(ExchangeError::Silent)), of))
    }

    fn form<'a>(
        &'a self,
        caller: &'a Caller,
        actor: Option<&'a ActorToken>,
    ) -> Vec<(&'static str, &'a str)> {
        let config = self.config();
        let mut form = Vec::new();
        let token = caller.token().as_str();
        form.push(("grant_type", config.grant.urn()));
        match config.grant {
            Grant::TokenExchange => {
                form.extend([
                    ("subject_token", token),
                    ("subject_token_type", &*config.subject_token_type.0),
                    ("requested_token_type", &*config.requested_token_type.0),
                ]);
                form.extend(config.audience.as_slice().iter().map(|one| ("audience", &**one)));
            }
            Grant::JwtBearer => {
                form.extend([("assertion", token), ("requested_token_use", "on_behalf_of")])
            }
        }
        form.extend(config.resources().iter().map(|one| ("resource", &**one)));
        if let (Some(actor), Some(settings)) = (actor, &config.actor_token) {
            form.extend([
                ("actor_token", &***actor),
                ("actor_token_type", &*settings.token_type.0),
            ]);
        }
        if let Some(scope) = &config.default_scope {
            form.push(("scope", scope));
        }
        form
    }

    /// The token, and for how many seconds it is said to be good.
    fn read(&self, body: &[u8]) -> Result<(BearerToken, Option<i64>), ExchangeError> {
        let answer: Answer = serde_json::from_slice(body)
            .map_err(|error| ExchangeError::NoAnswer(error.classify()))?;
        // What is called a JWT is verified like an access token; what is called an ID token or a
        // refresh token is none, though Keycloak would give it the same audience and key.
        let is_access_token = match &answer.issued_token_type {
            Some(issued) => matches!(issued.as_str(), ACCESS_TOKEN | JWT),
            // RFC 7523 knows no other.
            None => self.config().grant == Grant::JwtBearer,
        };
        if !is_access_token || !answer.token_type.eq_ignore_ascii_case("Bearer") {
            return Err(ExchangeError::NoBearer);
        }
        let seconds = match answer.expires_in {
            None => None,
            Some(Seconds::Number(seconds)) => Some(seconds),
            Some(Seconds::Text(text)) => match text.parse() {
                Ok(seconds) => Some(seconds),
                Err(_) => return Err(ExchangeError::NoAnswer(serde_json::error::Category::Data)),
            },
        };
        // Keycloak has said less than 0 of tokens of offline sessions.
        if seconds.is_some_and(|seconds: f64| seconds < 1.0 || seconds.is_nan()) {
            return Err(ExchangeError::Over);
        }
        // The cast saturates.
        Ok((BearerToken::from(answer.access_token), seconds.map(|seconds| seconds as i64)))
    }
}

fn user(caller: &Caller) -> [u8; 32] {
    let mut user = Context::new(&SHA256);
    field(&mut user, Some(caller.issuer()));
    field(&mut user, Some(caller.subject()));
    finish(user)
}

/// Everything that the answer depends on beside the tokens.
fn asked(config: &TokenExchangeConfig, issuer: &str) -> [u8; 32] {
    let mut asked = Context::new(&SHA256);
    for part in [
        Some(issuer),
        Some(&*config.token_endpoint),
        Some(&*config.client_id),
        Some(config.grant.urn()),
        Some(&*config.subject_token_type.0),
        Some(&*config.requested_token_type.0),
        config.actor_token.as_ref().map(|actor| &*actor.token_type.0),
        config.default_scope.as_deref(),
    ] {
        field(&mut asked, part);
    }
    for list in [config.audience.as_slice(), config.resources()] {
        asked.update(&(list.len() as u64).to_be_bytes());
        list.iter().for_each(|one| field(&mut asked, Some(one)));
    }
    finish(asked)
}
