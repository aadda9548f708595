use std::collections::BTreeMap;

use jsonwebtoken::Algorithm;
use schemars::JsonSchema;
use serde::Deserialize;

use super::address::is_https_or_loopback;
use super::may_assert::MayAssert;
use super::policy_claims::PolicyClaim;
use super::roles::RoleMappings;
use crate::oauth_client::{ClientAuthentication, ClientKeyConfig, ClientSettings};
use crate::secret::Secret;
use crate::token_exchange::TokenExchangeConfig;
use crate::{ConfigError, OneOrMore, Visit};

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
    pub audience: OneOrMore,
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
    /// Which accounts its tokens may name. One issuer alone may name every account of the service's
    /// realm, if this is left out; of several, each has to have it.
    pub may_assert: Option<MayAssert>,
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

/// The `introspection` section of an identity provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IntrospectionConfig {
    /// Where the issuer says what its opaque tokens are (RFC 7662).
    pub endpoint: String,
    /// This server's client id there.
    pub client_id: String,
    /// How this server proves to be that client: `client_secret_basic` unless given,
    /// `client_secret_post` or `private_key_jwt`.
    #[serde(default = "in_the_header")]
    pub client_authentication: ClientAuthentication,
    /// The client's secret, unless `clientKey` is used.
    pub client_secret: Option<Secret>,
    /// The client's key, for `private_key_jwt`.
    pub client_key: Option<ClientKeyConfig>,
}

const fn in_the_header() -> ClientAuthentication {
    ClientAuthentication::ClientSecretBasic
}

impl IntrospectionConfig {
    /// This server as the issuer's client.
    pub(super) const fn client(&self) -> ClientSettings<'_> {
        ClientSettings {
            id: self.client_id.as_str(),
            authentication: self.client_authentication,
            secret: self.client_secret.as_ref(),
            key: self.client_key.as_ref(),
        }
    }
}

impl TrustedIdp {
    /// Shows each file that it names; `section` is where it stands.
    pub fn each_file(&mut self, section: &str, visit: &mut Visit<'_>) {
        if let Some(exchange) = &mut self.token_exchange {
            exchange.each_file(&format!("{section}.tokenExchange"), visit);
        }
        let introspection = self.introspection.as_mut();
        if let Some(key) = introspection.and_then(|one| one.client_key.as_mut()) {
            key.each_file(&format!("{section}.introspection"), visit);
        }
    }

    /// As the log calls it.
    pub(super) fn label(&self) -> String {
        match self.name.as_str() {
            "" => self.issuer.clone(),
            name => format!("{name} ({})", self.issuer),
        }
    }
}

/// The names of the claims that mean something to this server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClaimMappings {
    /// The claim with the account's sAMAccountName, read from the exchanged token only;
    /// `legacy_name` unless it or `upn` is given.
    pub legacy_username: Option<String>,
    /// In place of `legacyUsername`, the claim with the account's userPrincipalName, read from the
    /// exchanged token only and looked up as an enterprise name.
    pub upn: Option<String>,
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
    /// A claim that users of the directory have and nobody else, read from the exchanged token only: by
    /// `LDAP_ID`, which no user can write, Keycloak tells them from its own, who may have attributes
    /// of the same names. Where it is configured, a token without it is refused.
    pub directory_id: Option<String>,
    /// A Kerberos ticket of the user's, read from the exchanged token only, for
    /// `kerberos.deliveredTickets`: KRB-CRED, a credential cache (version 4), or Java's serialized
    /// `KerberosTicket` (Keycloak's `gss_delegation_credential`). It is the evidence then, and no other
    /// is asked for: where it is configured, a token without it is refused.
    pub kerberos_ticket: Option<String>,
    /// Further claims that policy may speak of, read from the exchanged token only: by the name that
    /// they have there (`principal.claims.NAME`), what they are. 16 at most.
    pub policy_claims: BTreeMap<String, PolicyClaim>,
}

/// The claim with a sAMAccountName, if no other one is configured.
const LEGACY_NAME: &str = "legacy_name";

/// Claims that usual providers let users write, or fill with what somebody else has had (OpenID
/// Connect Core section 5.1; `unique_name` and `username` are other providers' names for the like).
const USER_EDITABLE: [&str; 21] = [
    "address",
    "birthdate",
    "email",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "login",
    "login_hint",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "unique_name",
    "user_name",
    "username",
    "website",
    "zoneinfo",
];

impl ClaimMappings {
    /// The claim that names the account: a userPrincipalName, or else a sAMAccountName.
    pub(super) fn account(&self) -> (&str, bool) {
        match &self.upn {
            Some(claim) => (claim, true),
            None => (self.legacy_username.as_deref().unwrap_or(LEGACY_NAME), false),
        }
    }

    /// A setting whose claim users can often write themselves, and the claim.
    pub(super) fn user_editable(&self) -> Option<(&'static str, &str)> {
        // A path leads through objects, a name may be a URL; neither changes who writes it.
        let steps = |claim: &str| {
            let claim = claim.to_ascii_lowercase();
            claim.split(['.', '/', ':', '#']).any(|step| USER_EDITABLE.contains(&step))
        };
        let (account, by_upn) = self.account();
        [
            (if by_upn { "upn" } else { "legacyUsername" }, account),
            ("sid", self.sid.as_deref().unwrap_or_default()),
            ("roles", &self.roles),
            ("scopes", &self.scopes),
            ("permissions", &self.permissions),
        ]
        .into_iter()
        .chain(self.user_id.0.iter().map(|claim| ("userId", claim.as_str())))
        .chain(
            self.policy_claims
                .iter()
                .map(|(name, one)| ("policyClaims", one.claim.as_deref().unwrap_or(name))),
        )
        .find(|(_, claim)| steps(claim))
    }
}

impl Default for ClaimMappings {
    fn default() -> Self {
        Self {
            legacy_username: None,
            upn: None,
            roles: "roles".into(),
            scopes: "scope".into(),
            permissions: "permissions".into(),
            user_id: UserId(vec!["sub".into()]),
            sid: None,
            directory_id: None,
            kerberos_ticket: None,
            policy_claims: BTreeMap::new(),
        }
    }
}

/// The claims that make a subject.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(from = "OneOrMore")]
#[schemars(with = "OneOrMore")]
pub struct UserId(pub Vec<String>);

impl From<OneOrMore> for UserId {
    fn from(written: OneOrMore) -> Self {
        Self(written.as_slice().to_vec())
    }
}

/// The largest `clockTolerance`.
pub(super) const MAX_CLOCK_TOLERANCE: i64 = 300;
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
    /// Take accounts, subjects, roles, scopes or permissions from claims that users can often write
    /// themselves: `preferred_username`, `email`, `name`, … Whoever does is who they please.
    pub danger_user_editable_claims: bool,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            clock_tolerance: 60,
            max_token_age: None,
            require_at_jwt: false,
            required_claims: Vec::new(),
            danger_names_as_subjects: false,
            danger_user_editable_claims: false,
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
        if self.audience.as_slice().is_empty() {
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
        // A subject is written behind its issuer, and policies name users so.
        if self.issuer.contains(|c: char| c == '|' || c.is_whitespace() || c.is_control()) {
            return error("issuer", "must hold neither | nor spaces");
        }
        let mappings = &self.claim_mappings;
        if mappings.legacy_username.is_some() && mappings.upn.is_some() {
            return error("claimMappings.upn", "stands in the place of legacyUsername: give one");
        }
        if let Some((setting, claim)) = mappings.user_editable()
            && !self.security.danger_user_editable_claims
        {
            let problem = format!(
                "must not be {claim}, which users can often change themselves; \
                 security.dangerUserEditableClaims takes it"
            );
            return error(&format!("claimMappings.{setting}"), &problem);
        }
        if let Some((list, problem)) =
            self.may_assert.as_ref().and_then(|may_assert| may_assert.check().err())
        {
            return error(&format!("mayAssert{list}"), &problem);
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
        if !(0..=MAX_CLOCK_TOLERANCE).contains(&self.security.clock_tolerance) {
            return error("security.clockTolerance", "must be 0 to 300 seconds");
        }
        if self.security.max_token_age.is_some_and(|age| !(1..=MAX_TOKEN_AGE).contains(&age)) {
            return error("security.maxTokenAge", "must be 1 to 31536000 seconds (a year)");
        }
        Ok(())
    }
}
