use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::OneOrMore;
use crate::oauth_client::{ClientAuthentication, ClientKeyConfig, ClientSettings};
use crate::secret::Secret;

/// Of the token types of RFC 8693 section 3.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(super) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// How callers' tokens are exchanged: `delegation.tokenExchange`, or `tokenExchange` of one of
/// `auth.trustedIDPs`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenExchangeConfig {
    /// The `name` of the one of `auth.trustedIDPs` whose callers' tokens are exchanged here. It may be
    /// left out where the endpoint and one issuer only are of the same origin. A token goes nowhere
    /// but to its own issuer.
    pub idp_name: Option<String>,
    /// The identity provider's token endpoint.
    pub token_endpoint: String,
    /// This server's client id there.
    pub client_id: String,
    /// How this server proves to be that client: `client_secret_post`, `client_secret_basic` or
    /// `private_key_jwt` (recommended where the provider has it).
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// The client's secret, unless `clientKey` is used.
    pub client_secret: Option<Secret>,
    /// The client's key, for `private_key_jwt`.
    pub client_key: Option<ClientKeyConfig>,
    /// `token-exchange` (RFC 8693), or `jwt-bearer`: Entra's on-behalf-of, where `defaultScope` says
    /// what is asked for.
    #[serde(default)]
    pub grant: Grant,
    /// The audience to ask for, or several; the exchanged token must be for all of them.
    pub audience: OneOrMore,
    /// Resources to ask for (RFC 8707): absolute URIs.
    #[serde(default)]
    pub resource: Option<OneOrMore>,
    /// The scope to ask for; also called `scope`.
    #[serde(alias = "scope")]
    pub default_scope: Option<String>,
    /// What the caller's token is called: `access_token`, `jwt`, or a whole URN.
    #[serde(default)]
    pub subject_token_type: TokenType,
    /// What is asked for.
    #[serde(default)]
    pub requested_token_type: TokenType,
    /// A token that says who acts for the user (RFC 8693 section 2.1), for providers that want one.
    pub actor_token: Option<ActorTokenConfig>,
    /// Who may stand in `act` of an exchanged token beside `clientId`, by `act.sub`.
    #[serde(default)]
    pub actors: Vec<String>,
    /// Refuse exchanged tokens in which no actor stands. Keycloak writes none.
    #[serde(default)]
    pub require_actor: bool,
    /// Whether exchanged tokens are kept; off unless it is enabled.
    #[serde(default)]
    pub cache: CacheConfig,
}

/// What the provider is asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// RFC 8693.
    #[default]
    TokenExchange,
    /// RFC 7523 with `requested_token_use=on_behalf_of`.
    JwtBearer,
}

impl Grant {
    /// As a token endpoint knows it (`grant_type`).
    #[must_use]
    pub const fn urn(self) -> &'static str {
        match self {
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }
}

/// A token that says who acts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActorTokenConfig {
    /// The file it is in, such as a projected service account token; one that is replaced is used from
    /// then on.
    pub file: PathBuf,
    /// What it is called: `access_token`, `jwt`, or a whole URN.
    #[serde(default, rename = "type")]
    pub token_type: TokenType,
}

/// A token type, by its URN or by the last word of RFC 8693's own.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String")]
pub struct TokenType(pub(super) String);

impl From<String> for TokenType {
    fn from(text: String) -> Self {
        let is_word = !text.contains(':');
        Self(if is_word { format!("urn:ietf:params:oauth:token-type:{text}") } else { text })
    }
}

impl Default for TokenType {
    fn default() -> Self {
        Self(ACCESS_TOKEN.into())
    }
}

/// The `cache` section: exchanged tokens of a session, which is one token of a caller's. What is kept
/// is sealed, and cannot be opened without that token.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CacheConfig {
    /// Whether anything is kept. What an identity provider says of a user is then up to `ttlSeconds`
    /// old.
    pub enabled: bool,
    /// For how long at most, in seconds: 1 to 3600.
    pub ttl_seconds: u32,
    /// After how long without a call a session is dropped, in milliseconds: 1000 to 86400000.
    pub session_timeout_ms: u64,
    /// How many exchanged tokens (one for each module with settings of its own) a session has: 1 to 100.
    pub max_entries_per_session: u16,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            ttl_seconds: 60,
            session_timeout_ms: 900_000,
            max_entries_per_session: 10,
        }
    }
}

/// What is asked for differently where a kind of resource, or one target, is called.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModuleConfig {
    /// What differs.
    pub token_exchange: ModuleExchangeConfig,
}

/// What differs from the exchange of the caller's issuer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModuleExchangeConfig {
    /// Only for callers of this one of `auth.trustedIDPs`; left out: of each.
    pub idp_name: Option<String>,
    /// The audience, or several.
    pub audience: Option<OneOrMore>,
    /// The resources.
    pub resource: Option<OneOrMore>,
    /// The scope; also called `scope`.
    #[serde(alias = "scope")]
    pub default_scope: Option<String>,
}

impl ModuleExchangeConfig {
    /// The issuer's exchange with what differs.
    pub(super) fn over(&self, config: &TokenExchangeConfig) -> TokenExchangeConfig {
        let mut config = config.clone();
        if let Some(audience) = &self.audience {
            config.audience = audience.clone();
        }
        config.resource = self.resource.clone().or(config.resource);
        config.default_scope = self.default_scope.clone().or(config.default_scope);
        config
    }
}

impl TokenExchangeConfig {
    /// Finds a setting that would not do, and why not.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let error = |setting: &'static str, problem: &str| Err((setting, problem.to_owned()));
        if !crate::identity::is_https_or_loopback(&self.token_endpoint) {
            return error("tokenEndpoint", "must be an https URL (plain http only to loopback)");
        }
        self.client().check()?;
        if self.audience.as_slice().is_empty() || self.audience.as_slice().contains(&String::new())
        {
            return error("audience", "must hold at least one audience, and no empty one");
        }
        let is_resource =
            |text: &String| url::Url::parse(text).is_ok_and(|url| url.fragment().is_none());
        if !self.resources().iter().all(is_resource) {
            return error("resource", "must be absolute URIs without a fragment (RFC 8693 2.1)");
        }
        if self.grant == Grant::JwtBearer && self.default_scope.is_none() {
            return error("defaultScope", "is what a jwt-bearer grant asks by: it must be given");
        }
        if self.grant == Grant::JwtBearer && self.actor_token.is_some() {
            return error("actorToken", "is part of token-exchange, and not of a jwt-bearer grant");
        }
        let CacheConfig { ttl_seconds, session_timeout_ms, max_entries_per_session, .. } =
            self.cache;
        if !(1..=3600).contains(&ttl_seconds) {
            return error("cache.ttlSeconds", "must be 1 to 3600 seconds");
        }
        if !(1000..=86_400_000).contains(&session_timeout_ms) {
            return error(
                "cache.sessionTimeoutMs",
                "must be 1000 to 86400000 milliseconds (a day)",
            );
        }
        if !(1..=100).contains(&max_entries_per_session) {
            return error("cache.maxEntriesPerSession", "must be 1 to 100");
        }
        Ok(())
    }

    /// This server as the provider's client.
    pub(super) const fn client(&self) -> ClientSettings<'_> {
        ClientSettings {
            id: self.client_id.as_str(),
            authentication: self.client_authentication,
            secret: self.client_secret.as_ref(),
            key: self.client_key.as_ref(),
        }
    }

    pub(super) fn resources(&self) -> &[String] {
        self.resource.as_ref().map_or(&[], OneOrMore::as_slice)
    }
}
