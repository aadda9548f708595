//! OAuth 2.0 Token Exchange (RFC 8693): the caller's token for one that names an account. One
//! exchange for every call; nothing is kept.

mod failure;
mod refusals;
mod secret_form;

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::identity::{BearerToken, Caller, Subject, Verifier};
use crate::network::Fetch;
use crate::secret::Secret;
use crate::{ConfigError, Failure};
use failure::ExchangeError;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 256 * 1024;

/// The `delegation.tokenExchange` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenExchangeConfig {
    /// The identity provider's token endpoint.
    pub token_endpoint: String,
    /// This server's client id there.
    pub client_id: String,
    /// And its secret (`client_secret_post`).
    pub client_secret: Secret,
    /// The audience to ask for; the exchanged token must be for it.
    pub audience: String,
    /// The scope to ask for.
    pub default_scope: Option<String>,
    /// Must not be enabled.
    #[serde(default)]
    pub cache: CacheConfig,
}

/// The `cache` section: exchanged tokens are not kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CacheConfig {
    /// Only `false` is taken.
    pub enabled: bool,
}

/// Exchanges callers' tokens.
pub struct TokenExchanger {
    config: TokenExchangeConfig,
    client_secret: Zeroizing<String>,
    verifier: Verifier,
    idp: Arc<dyn Fetch>,
}

/// RFC 8693 section 2.2.1. What else stands in it is of no use here.
#[derive(Deserialize)]
struct Answer {
    access_token: Zeroizing<String>,
    issued_token_type: String,
    token_type: String,
}

impl TokenExchanger {
    /// An exchanger whose tokens `verifier` verifies.
    ///
    /// # Errors
    /// If the endpoint is neither https nor loopback, or the secret is not there.
    pub fn new(
        config: TokenExchangeConfig,
        verifier: &Verifier,
        idp: Arc<dyn Fetch>,
    ) -> Result<Self, ConfigError> {
        let error = |setting: &str, problem: String| {
            ConfigError::new(format!("delegation.tokenExchange.{setting}"), problem)
        };
        if !crate::identity::is_https_or_loopback(&config.token_endpoint) {
            let problem = "must be an https URL (plain http only to loopback)".into();
            return Err(error("tokenEndpoint", problem));
        }
        if config.cache.enabled {
            let problem = "exchanged tokens are not cached by this version; set it to false".into();
            return Err(error("cache.enabled", problem));
        }
        let client_secret =
            config.client_secret.resolve().map_err(|e| error("clientSecret", e.to_string()))?;
        // Such as an environment variable that is set to nothing.
        if client_secret.is_empty() {
            return Err(error("clientSecret", "is empty".into()));
        }
        Ok(Self { config, client_secret, verifier: verifier.clone(), idp })
    }

    /// Exchanges a caller's token, verifies what comes back like any other token, by the time that
    /// it is then, and reads from it which account the caller is.
    ///
    /// # Errors
    /// [`Failure`]; there is no falling back to the caller's own token.
    pub async fn exchange(&self, caller: &Caller) -> Result<Subject, Failure> {
        self.subject(caller).await.map_err(|error| error.explain(&self.config))
    }

    async fn subject(&self, caller: &Caller) -> Result<Subject, ExchangeError> {
        let token = self.request(caller).await?;
        let verified = self.verifier.verify_exchanged(&token, caller, &self.config.audience).await;
        let (claims, idp) = verified.map_err(ExchangeError::Flawed)?;
        // An issuer need not name the client: the token came from its token endpoint in answer to
        // our own secret, for our audience and the caller's subject. If it does, it must be us.
        if claims.client_id().is_some_and(|client| client != self.config.client_id) {
            return Err(ExchangeError::AnotherClient);
        }
        Subject::new(caller, &claims, idp).map_err(ExchangeError::NoSubject)
    }

    async fn request(&self, caller: &Caller) -> Result<BearerToken, ExchangeError> {
        let mut form = vec![
            ("grant_type", GRANT_TYPE),
            ("client_id", &self.config.client_id),
            ("client_secret", &self.client_secret),
            ("subject_token", caller.token().as_str()),
            ("subject_token_type", ACCESS_TOKEN),
            ("requested_token_type", ACCESS_TOKEN),
            ("audience", &self.config.audience),
        ];
        if let Some(scope) = &self.config.default_scope {
            form.push(("scope", scope));
        }
        let endpoint = &self.config.token_endpoint;
        let request = async {
            let request = Request::post(endpoint)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(secret_form::encode(&form))
                .map_err(|error| ExchangeError::Unreachable(error.to_string()))?;
            let response = self.idp.fetch(request, MAX_ANSWER).await;
            let (head, body) = response.map_err(ExchangeError::Unreachable)?.into_parts();
            match head.status {
                status if status.is_success() => Ok(body),
                status => Err(ExchangeError::Refused(status, body)),
            }
        };
        let body = tokio::time::timeout(TIMEOUT, request).await;
        let body = body.unwrap_or(Err(ExchangeError::Silent))?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| ExchangeError::NoAnswer(error.classify()))?;
        // What is called a JWT is verified like an access token; what is called an ID token or a
        // refresh token is none, though Keycloak would give it the same audience and key.
        if !matches!(answer.issued_token_type.as_str(), ACCESS_TOKEN | JWT)
            || !answer.token_type.eq_ignore_ascii_case("Bearer")
        {
            return Err(ExchangeError::NoBearer);
        }
        Ok(BearerToken::from(answer.access_token))
    }
}
