use jsonwebtoken::Algorithm;
use schemars::JsonSchema;
use serde::Deserialize;

use super::IntrospectionConfig;
use super::roles::RoleMappings;
use crate::ConfigError;
use crate::token_exchange::TokenExchangeConfig;

/// An identity provider whose tokens are believed: one entry of `auth.trustedIDPs`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustedIdp {
    /// A name for people, in the server's log beside the issuer.
    #[serde(default)]
    pub name: String,
    /// The exact `iss` of its tokens.
    pub issuer: String,
    /// Its discovery document; `ISSUER/.well-known/openid-configuration` unless given.
    pub discovery_url: Option<String>,
    /// Its keys; from the discovery document unless given.
    pub jwks_uri: Option<String>,
    /// What `aud` must contain: one of these.
    pub audience: Audience,
    /// How its opaque tokens are verified, if it issues any. One identity provider can have this: an
    /// opaque token does not say whose it is.
    pub introspection: Option<IntrospectionConfig>,
    /// Signature algorithms that are accepted.
    #[serde(default = "default_algorithms")]
    #[schemars(with = "Vec<String>")]
    pub algorithms: Vec<Algorithm>,
    /// Which claims mean what.
    #[serde(default)]
    pub claim_mappings: ClaimMappings,
    /// What its roles are called here; left out, as the issuer calls them.
    pub role_mappings: Option<RoleMappings>,
    /// Limits.
    #[serde(default)]
    pub security: Security,
    /// How its callers' tokens are exchanged, if not by `delegation.tokenExchange`. A token is
    /// exchanged at its own issuer only.
    pub token_exchange: Option<TokenExchangeConfig>,
}

fn default_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::ES256]
}

impl TrustedIdp {
    /// As the log calls it.
    pub(super) fn label(&self) -> String {
        match self.name.as_str() {
            "" => self.issuer.clone(),
            name => format!("{name} ({})", self.issuer),
        }
    }
}

/// One audience or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

impl Audience {
    pub(super) fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Any(any) => any.iter().any(|one| one == audience),
        }
    }
}

/// The names of the claims that mean something to this server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClaimMappings {
    /// The sAMAccountName, read from the exchanged token only.
    pub legacy_username: String,
    /// A list of roles. A dot leads into an object: `realm_access.roles`. Names that hold dots
    /// themselves need nothing special, `resource_access.my.client.roles`: at each step the longest
    /// name counts that the path goes on with and that the token has.
    pub roles: String,
    /// Scopes: a list, or a text with spaces between them.
    pub scopes: String,
    /// Permissions, such as `sql:read`: a list, or a text with spaces between them; a path as for
    /// roles. They reach the policy as they are.
    pub permissions: String,
    /// Who somebody is, in both tokens: this claim, or these together; `sub` if left out. For Entra `["tid", "oid"]`,
    /// since its `sub` is another one for each application. Never a name or an address, which can be
    /// given to somebody else.
    pub user_id: UserId,
    /// The account's SID, read from the exchanged token only: `S-1-…`, or its octets in base64, as
    /// Keycloak's LDAP mapper gives objectSid. Where it is configured, a token without it is
    /// refused. The claim `sid` is OpenID Connect's session id and never it.
    pub sid: Option<String>,
    /// A Kerberos ticket of the user's, read from the exchanged token only, for
    /// `kerberos.deliveredTickets`: KRB-CRED, a credential cache (version 4), or Java's serialized
    /// `KerberosTicket` (Keycloak's `gss_delegation_credential`). It is the evidence then, and no other
    /// is asked for: where it is configured, a token without it is refused.
    pub kerberos_ticket: Option<String>,
}

impl Default for ClaimMappings {
    fn default() -> Self {
        Self {
            legacy_username: "legacy_name".into(),
            roles: "roles".into(),
            scopes: "scope".into(),
            permissions: "permissions".into(),
            user_id: UserId(vec!["sub".into()]),
            sid: None,
            kerberos_ticket: None,
        }
    }
}

/// The claims that make a subject.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(from = "OneOrMore")]
#[schemars(with = "OneOrMore")]
pub struct UserId(pub Vec<String>);

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for UserId {
    fn from(written: OneOrMore) -> Self {
        Self(match written {
            OneOrMore::One(claim) => vec![claim],
            OneOrMore::More(claims) => claims,
        })
    }
}

/// The largest `maxTokenAge`.
const MAX_TOKEN_AGE: i64 = 365 * 24 * 3600;

/// Limits on tokens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Security {
    /// How far the issuer's clock may be from ours, in seconds; 300 at most.
    pub clock_tolerance: i64,
    /// How old a token may be by its `iat`, in seconds, however long it is valid; a year at most.
    pub max_token_age: Option<i64>,
    /// Take only tokens whose header says `typ: at+jwt` (RFC 9068). Many issuers write `JWT`, or
    /// nothing; what is called something else is never taken.
    pub require_at_jwt: bool,
    /// Claims without which no token is taken, beside `iss`, `sub`, `aud` and `exp`: `jti`, `iat`.
    pub required_claims: Vec<String>,
    /// Take Keycloak's subjects of users that it does not import (`f:COMPONENT:NAME`). They are
    /// names: who gets the name of somebody else is that person for tokens and for pins.
    pub danger_names_as_subjects: bool,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            clock_tolerance: 60,
            max_token_age: None,
            require_at_jwt: false,
            required_claims: Vec::new(),
            danger_names_as_subjects: false,
        }
    }
}

impl TrustedIdp {
    pub(super) fn check(&self, index: usize) -> Result<(), ConfigError> {
        let error = |setting: &str, problem: &str| {
            Err(ConfigError::new(format!("auth.trustedIDPs[{index}].{setting}"), problem))
        };
        for (setting, url) in [
            ("issuer", Some(&self.issuer)),
            ("discoveryUrl", self.discovery_url.as_ref()),
            ("jwksUri", self.jwks_uri.as_ref()),
        ] {
            if url.is_some_and(|url| !is_https_or_loopback(url)) {
                return error(setting, "must be an https URL (plain http only to loopback)");
            }
        }
        if matches!(&self.audience, Audience::Any(any) if any.is_empty()) {
            return error("audience", "must hold at least one audience");
        }
        let symmetric =
            |a: &Algorithm| matches!(a, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
        if self.algorithms.is_empty() || self.algorithms.iter().any(symmetric) {
            return error("algorithms", "must list public-key algorithms, such as RS256 and ES256");
        }
        if self.claim_mappings.sid.as_deref() == Some("sid") {
            return error(
                "claimMappings.sid",
                "must not be the claim `sid`: that is OpenID Connect's session id",
            );
        }
        let user_id = &self.claim_mappings.user_id.0;
        if user_id.is_empty() || user_id.iter().any(String::is_empty) {
            return error("claimMappings.userId", "must name at least one claim");
        }
        if let Some((setting, problem)) =
            self.role_mappings.as_ref().and_then(|mappings| mappings.check().err())
        {
            return error(&format!("roleMappings.{setting}"), problem);
        }
        if !(0..=300).contains(&self.security.clock_tolerance) {
            return error("security.clockTolerance", "must be 0 to 300 seconds");
        }
        if self.security.max_token_age.is_some_and(|age| !(1..=MAX_TOKEN_AGE).contains(&age)) {
            return error("security.maxTokenAge", "must be 1 to 31536000 seconds (a year)");
        }
        Ok(())
    }
}

/// Tokens and keys travel encrypted, except on this very machine.
pub(crate) fn is_https_or_loopback(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && loopback
}
