//! OAuth 2.0 Token Exchange (RFC 8693): the caller's token for one that names an account. One
//! exchange for every call; nothing is kept.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::identity::{AuthenticationError, BearerToken, Caller, Subject, Verifier};
use crate::secret::Secret;
use crate::{Code, ConfigError, Failure};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 256 * 1024;

/// The `delegation.tokenExchange` section of the configuration.
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, Deserialize)]
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
    http: reqwest::Client,
}

/// RFC 8693 section 2.2.1. What else stands in it is of no use here.
#[derive(Deserialize)]
struct Answer {
    access_token: Zeroizing<String>,
    issued_token_type: String,
    token_type: String,
}

/// RFC 6749 section 5.2.
#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl TokenExchanger {
    /// An exchanger whose tokens `verifier` verifies.
    ///
    /// # Errors
    /// If the endpoint is neither https nor loopback, or the secret is not there.
    pub fn new(
        config: TokenExchangeConfig,
        verifier: &Verifier,
        http: reqwest::Client,
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
        Ok(Self { config, client_secret, verifier: verifier.clone(), http })
    }

    /// Exchanges a caller's token, verifies what comes back like any other token, and reads from
    /// it which account the caller is.
    ///
    /// # Errors
    /// [`Failure`]; there is no falling back to the caller's own token.
    pub async fn exchange(&self, caller: &Caller) -> Result<Subject, Failure> {
        let token = self.request(caller).await?;
        let verified = self.verifier.verify_exchanged(&token, caller, &self.config.audience).await;
        let (claims, mappings) = verified.map_err(|error| match error {
            AuthenticationError::KeysUnavailable => unreachable(error.to_string()),
            AuthenticationError::Unauthorized(problem) => Failure::new(
                Code::ExchangedTokenRefused,
                format!(
                    "the token that the identity provider gave in exchange is refused: {problem}"
                ),
                format!(
                    "Look at the identity provider's client {}: its exchanged tokens must be of \
                     the same issuer and for the audience {} (in Keycloak an audience mapper on a \
                     scope of the client).",
                    self.config.client_id, self.config.audience,
                ),
            ),
        })?;
        if claims.client_id().is_some_and(|client| client != self.config.client_id) {
            return Err(Failure::new(
                Code::ExchangedTokenRefused,
                "the token that the identity provider gave in exchange is for another client",
                "Nothing was done. Look at the identity provider's token exchange: `azp` must be \
                 this server's client.",
            ));
        }
        Subject::new(caller, &claims, mappings)
    }

    async fn request(&self, caller: &Caller) -> Result<BearerToken, Failure> {
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
            let sent = self.http.post(endpoint).form(&form).send().await;
            let response = sent.map_err(|error| unreachable(crate::identity::chain(&error)))?;
            let status = response.status();
            let body = Zeroizing::new(
                crate::identity::bounded(response, MAX_ANSWER).await.map_err(unreachable)?,
            );
            if !status.is_success() {
                return Err(self.refused(status, &body));
            }
            serde_json::from_slice::<Answer>(&body).map_err(|_| {
                unreachable(format!("{endpoint} did not answer as RFC 8693 section 2.2.1 says"))
            })
        };
        let answer = tokio::time::timeout(TIMEOUT, request)
            .await
            .unwrap_or_else(|_| Err(unreachable(format!("{endpoint} did not answer in time"))))?;
        if answer.issued_token_type != ACCESS_TOKEN
            || !answer.token_type.eq_ignore_ascii_case("Bearer")
        {
            return Err(unreachable(format!(
                "{endpoint} gave something else than a bearer access token"
            )));
        }
        Ok(BearerToken::new(answer.access_token.as_str().to_owned()))
    }

    fn refused(&self, status: reqwest::StatusCode, body: &[u8]) -> Failure {
        let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
        // The identity provider's words, without what could not stand in a log line.
        let said: String = format!("{} {}", refusal.error, refusal.error_description)
            .chars()
            .filter(|c| !c.is_control())
            .take(300)
            .collect();
        let client = &self.config.client_id;
        let audience = &self.config.audience;
        let remedy = match refusal.error.as_str() {
            "invalid_client" => format!("Check clientId and clientSecret of the client {client}."),
            "unauthorized_client" | "access_denied" => {
                format!("Allow the client {client} to exchange tokens (Standard token exchange).")
            }
            _ if status.is_server_error() => {
                "Try again later; look at the identity provider's log.".into()
            }
            _ => format!(
                "The caller's token must list {client} in `aud`, and a scope of the client \
                 {client} must put the audience {audience} into exchanged tokens. Get a new \
                 token if the caller's session has ended."
            ),
        };
        Failure::new(
            Code::TokenExchangeFailed,
            format!("the identity provider did not exchange the token ({status}): {}", said.trim()),
            remedy,
        )
    }
}

fn unreachable(what: String) -> Failure {
    Failure::new(
        Code::TokenExchangeFailed,
        format!("the token exchange failed: {what}"),
        "Check delegation.tokenExchange.tokenEndpoint and that the identity provider runs.",
    )
}
