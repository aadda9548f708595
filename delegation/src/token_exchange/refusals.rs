//! What an identity provider's refusals mean: one table, of which the first row that fits counts.
//!
//! The same `error` stands for different causes, and different causes come with the same status, so
//! the description decides where there is one. Rows "of Keycloak" were seen at Keycloak 26.7.5 and
//! are tried again by tests/e2e/keycloak.rs; docs/token-exchange.md is the same for operators.

use std::ops::RangeInclusive;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::{Blame, Code};

/// RFC 6749 section 5.2.
#[derive(Deserialize, Default)]
struct Answer {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
    /// What a login must be asked for, as Entra has it: JSON as text.
    #[serde(default)]
    claims: Option<String>,
}

pub(super) struct Row {
    status: RangeInclusive<u16>,
    /// Empty: whatever it is.
    error: &'static str,
    /// How the description begins.
    description: &'static str,
    pub(super) code: Code,
    /// And so who reads the remedy.
    pub(super) blame: Blame,
    /// With what [`Settings::fill`](super::settings::Settings::fill) fills in.
    pub(super) remedy: &'static str,
}

impl Row {
    /// Whether the same request would be refused a moment later, too: the set-up is wrong, or the token
    /// has ended for certain.
    pub(super) fn is_definite(&self) -> bool {
        match self.code {
            TokenExchangeFailed => !self.error.is_empty(),
            SubjectTokenRefused => !self.is_doubtful(),
            _ => false,
        }
    }

    /// Whether a provider that cannot reach its directory says it, too.
    pub(super) fn is_doubtful(&self) -> bool {
        self.code == SubjectTokenRefused && self.error == "invalid_request"
    }
}

const ANY: RangeInclusive<u16> = 0..=u16::MAX;

const fn row(
    status: RangeInclusive<u16>,
    (error, description): (&'static str, &'static str),
    code: Code,
    blame: Blame,
    remedy: &'static str,
) -> Row {
    Row { status, error, description, code, blame, remedy }
}

use Blame::{Caller, Configuration, IdentityProvider};
use Code::{
    IdentityProviderUnreachable, InteractionRequired, SubjectTokenRefused, TokenExchangeFailed,
};

const ROWS: &[Row] = &[
    // Keycloak: the client that wants to exchange.
    row(
        403..=403,
        ("access_denied", "Client is not within the token audience"),
        TokenExchangeFailed,
        IdentityProvider,
        "The caller's token does not list {client} in `aud`. Put an audience mapper for {client} on a \
         scope of the client that users log in with; tokens that are issued from then on have it.",
    ),
    row(
        400..=400,
        ("invalid_request", "Standard token exchange is not enabled"),
        TokenExchangeFailed,
        IdentityProvider,
        "Switch on \"Standard token exchange\" for the client {client}, which must be a confidential \
         one (client authentication on).",
    ),
    row(
        400..=400,
        ("invalid_client", "Public client is not allowed"),
        TokenExchangeFailed,
        IdentityProvider,
        "Make {client} a confidential client (client authentication on) and configure its secret.",
    ),
    row(
        401..=401,
        ("unauthorized_client", ""),
        TokenExchangeFailed,
        Configuration,
        "The client {client} is known, its secret is another: check \
         {.clientSecret}.",
    ),
    row(
        401..=401,
        ("invalid_client", "Invalid client or Invalid client credentials"),
        TokenExchangeFailed,
        Configuration,
        "There is no client {client}, or it is disabled: check {.clientId} and \
         the realm in {.tokenEndpoint}.",
    ),
    // Keycloak: what is asked for.
    row(
        400..=400,
        ("invalid_client", "Audience not found"),
        TokenExchangeFailed,
        Configuration,
        "The identity provider has no client {audience}: check {.audience}, \
         which must be the id of a client.",
    ),
    row(
        400..=400,
        ("invalid_client", "Client disabled"),
        TokenExchangeFailed,
        IdentityProvider,
        "The client {audience}, the audience that is asked for, is disabled: enable it, or configure \
         another {.audience}.",
    ),
    row(
        400..=400,
        ("invalid_request", "Requested audience not available"),
        TokenExchangeFailed,
        IdentityProvider,
        "Nothing puts {audience} into tokens of the client {client}: put an audience mapper for \
         {audience} on a scope of {client}. Asking for an audience only picks from those.",
    ),
    row(
        400..=400,
        ("invalid_scope", "Missing consents"),
        TokenExchangeFailed,
        IdentityProvider,
        "The client {client} requires the user's consent, for which nobody can be asked here: switch \
         off \"Consent required\" for it.",
    ),
    row(
        ANY,
        ("invalid_scope", ""),
        TokenExchangeFailed,
        Configuration,
        "The client {client} may not have the scope \"{scope}\": check \
         {.defaultScope}, or add the scope to the client.",
    ),
    // Keycloak: the caller's token. Expired, logged out, disabled and deleted users and a user
    // directory that is down are all this.
    row(
        400..=400,
        ("invalid_request", "Invalid token"),
        SubjectTokenRefused,
        Caller,
        "It has expired, its session has ended, or the account was disabled or deleted; then a new \
         login gives a token that works, or is refused itself. If new tokens are refused as well, or \
         many callers' at once, the identity provider cannot reach its user directory (LDAP).",
    ),
    // Entra, on-behalf-of (by its documentation): the middle tier cannot ask the user, its client can.
    row(
        ANY,
        ("interaction_required", ""),
        InteractionRequired,
        Caller,
        "Log in again, with `claims` of this error as the parameter `claims` of the request for \
         authorization; whatever the provider asks for (a second factor, a managed device) is asked \
         for then. If new tokens are refused as well, look at the provider's conditional access.",
    ),
    row(
        ANY,
        ("invalid_grant", "AADSTS65001"),
        InteractionRequired,
        IdentityProvider,
        "Nobody has consented to the client {client} for \"{scope}\": grant an administrator's \
         consent, or list the users' application under knownClientApplications of {client}.",
    ),
    row(
        ANY,
        ("invalid_grant", "AADSTS500131"),
        TokenExchangeFailed,
        IdentityProvider,
        "The caller's token is for another audience: `aud` must be the client {client} itself for an \
         exchange on behalf of the user.",
    ),
    // npm's oidc-provider (9.13.3), where RFC 6749 has `unauthorized_client`.
    row(
        ANY,
        ("invalid_request", "requested grant type is not allowed for this client"),
        TokenExchangeFailed,
        IdentityProvider,
        "Allow the client {client} the grant type of the exchange (`grant_types` of the client).",
    ),
    // RFC 6749 section 5.2, RFC 8693 section 2.2.2: providers of any make.
    row(
        ANY,
        ("invalid_grant", ""),
        SubjectTokenRefused,
        Caller,
        "It has expired or was revoked, or the account may not be used; then a new login gives a \
         token that works, or is refused itself. If new tokens are refused as well, look at the \
         identity provider's log.",
    ),
    row(
        ANY,
        ("invalid_target", ""),
        TokenExchangeFailed,
        IdentityProvider,
        "The client {client} gets no tokens for {audience}: allow it, or check \
         {.audience}.",
    ),
    row(
        ANY,
        ("invalid_client", ""),
        TokenExchangeFailed,
        Configuration,
        "Check {.clientId} ({client}) and {.clientSecret}, or {.clientKey} and its audience; and \
         {.clientAuthentication}, which must be the one that the provider expects.",
    ),
    row(
        ANY,
        ("unauthorized_client", ""),
        TokenExchangeFailed,
        IdentityProvider,
        "Allow the client {client} to exchange tokens.",
    ),
    row(
        ANY,
        ("unsupported_grant_type", ""),
        TokenExchangeFailed,
        IdentityProvider,
        "The identity provider exchanges no tokens (RFC 8693), or not at this endpoint: switch it on, \
         or check {.tokenEndpoint}.",
    ),
    row(
        429..=429,
        ("", ""),
        IdentityProviderUnreachable,
        IdentityProvider,
        "Try again later; the identity provider limits how often it is asked.",
    ),
    row(
        ANY,
        ("temporarily_unavailable", ""),
        IdentityProviderUnreachable,
        IdentityProvider,
        "Try again later.",
    ),
    row(
        500..=599,
        ("", ""),
        IdentityProviderUnreachable,
        IdentityProvider,
        "Try again later; if it stays so, look at the identity provider's log.",
    ),
    row(
        404..=405,
        ("", ""),
        TokenExchangeFailed,
        Configuration,
        "There is no token endpoint at {.tokenEndpoint}: compare it with \
         `token_endpoint` in the identity provider's discovery document.",
    ),
    row(
        300..=399,
        ("", ""),
        TokenExchangeFailed,
        Configuration,
        "Redirects are not followed, since they would carry the secret elsewhere: configure \
         {.tokenEndpoint} as the discovery document has it.",
    ),
];

/// Fits everything.
const OTHER: Row = row(
    ANY,
    ("", ""),
    TokenExchangeFailed,
    IdentityProvider,
    "The identity provider's words and its log say why it refused the client {client} a token \
     for {audience}.",
);

/// What a refusal is.
pub(super) struct Found {
    pub(super) row: &'static Row,
    /// What the identity provider said.
    pub(super) said: String,
    /// What it wants of the next login.
    pub(super) claims: Option<String>,
}

/// Longer than any that says what a login needs.
const MAX_CLAIMS: usize = 4096;

/// Finds the row of a refusal.
pub(super) fn find(status: StatusCode, body: &[u8]) -> Found {
    let answer: Answer = serde_json::from_slice(body).unwrap_or_default();
    let claims = answer.claims.as_ref().filter(|claims| {
        let is_object = |text| serde_json::from_str(text).is_ok_and(|json: Value| json.is_object());
        claims.len() <= MAX_CLAIMS && is_object(claims)
    });
    // Whatever the error is called that comes with them.
    let error = if claims.is_some() { "interaction_required" } else { &*answer.error };
    let fits = |row: &&Row| {
        row.status.contains(&status.as_u16())
            && (row.error.is_empty() || row.error == error)
            && answer.error_description.starts_with(row.description)
    };
    let row = ROWS.iter().find(fits).unwrap_or(&OTHER);
    Found { row, said: said(&answer), claims: claims.cloned() }
}

/// The identity provider's words, without what could not stand in a log line.
fn said(answer: &Answer) -> String {
    let separator = if answer.error_description.is_empty() { "" } else { ": " };
    format!("{}{separator}{}", answer.error, answer.error_description)
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::failure::refused as explain;
    use super::super::settings::{NAMES, Settings};
    use super::*;

    fn settings() -> Settings {
        let config = serde_json::from_value(serde_json::json!({
            "tokenEndpoint": "https://idp.example/token", "clientId": "the-client",
            "clientSecret": "s", "audience": "the-audience", "defaultScope": "the-scope"
        }))
        .unwrap();
        let section = "auth.trustedIDPs[1].tokenExchange";
        Settings::new(config, section, "auth.trustedIDPs[1]".into())
    }

    /// Status, error and description as providers write them, with code, and a word of the remedy.
    const SEEN: &[(u16, &str, &str, Code, &str)] = &[
        (
            403,
            "access_denied",
            "Client is not within the token audience",
            TokenExchangeFailed,
            "does not list the-client in `aud`",
        ),
        (
            400,
            "invalid_request",
            "Standard token exchange is not enabled for the requested client",
            TokenExchangeFailed,
            "Switch on \"Standard token exchange\"",
        ),
        (
            400,
            "invalid_client",
            "Public client is not allowed to exchange token",
            TokenExchangeFailed,
            "confidential",
        ),
        (
            401,
            "unauthorized_client",
            "Invalid client or Invalid client credentials",
            TokenExchangeFailed,
            "clientSecret",
        ),
        (
            401,
            "invalid_client",
            "Invalid client or Invalid client credentials",
            TokenExchangeFailed,
            "no client the-client",
        ),
        (
            400,
            "invalid_client",
            "Audience not found",
            TokenExchangeFailed,
            "no client the-audience",
        ),
        (400, "invalid_client", "Client disabled", TokenExchangeFailed, "the-audience"),
        (
            400,
            "invalid_request",
            "Requested audience not available: the-audience",
            TokenExchangeFailed,
            "audience mapper",
        ),
        (
            400,
            "invalid_scope",
            "Missing consents for Token Exchange in client the-client",
            TokenExchangeFailed,
            "Consent required",
        ),
        (400, "invalid_scope", "Invalid scopes: the-scope", TokenExchangeFailed, "\"the-scope\""),
        (400, "invalid_request", "Invalid token", SubjectTokenRefused, "user directory"),
        (400, "interaction_required", "AADSTS50076: ...", InteractionRequired, "`claims`"),
        (400, "invalid_grant", "AADSTS65001: ...", InteractionRequired, "consent"),
        (400, "invalid_grant", "AADSTS500131: ...", TokenExchangeFailed, "`aud`"),
        (
            400,
            "invalid_request",
            "requested grant type is not allowed for this client",
            TokenExchangeFailed,
            "grant_types",
        ),
        (400, "invalid_grant", "", SubjectTokenRefused, "log"),
        (400, "invalid_target", "", TokenExchangeFailed, "the-audience"),
        (401, "invalid_client", "", TokenExchangeFailed, "clientId"),
        (400, "unauthorized_client", "", TokenExchangeFailed, "Allow"),
        (400, "unsupported_grant_type", "Unsupported grant_type", TokenExchangeFailed, "RFC 8693"),
        (429, "slow_down", "", IdentityProviderUnreachable, "later"),
        (400, "temporarily_unavailable", "", IdentityProviderUnreachable, "later"),
        (503, "", "", IdentityProviderUnreachable, "later"),
        (404, "Realm does not exist", "", TokenExchangeFailed, "token_endpoint"),
        (302, "", "", TokenExchangeFailed, "Redirects"),
        (400, "invalid_request", "anything else", TokenExchangeFailed, "log"),
    ];

    #[test]
    fn every_row_is_reached_and_has_its_own_remedy() {
        let settings = settings();
        let mut remedies = HashSet::new();
        for (status, error, description, code, remedy) in SEEN {
            let status = reqwest::StatusCode::from_u16(*status).unwrap();
            let body = serde_json::json!({ "error": error, "error_description": description });
            let failure = explain(&settings, status, body.to_string().as_bytes());
            assert_eq!(failure.code, *code, "{error} {description}");
            assert!(failure.remedy.contains(remedy), "{error} {description}: {failure:?}");
            assert!(failure.message.contains(description), "{failure:?}");
            assert!(!failure.remedy.contains(['{', '}']), "{failure:?}");
            assert!(remedies.insert(failure.remedy), "{error} {description}");
        }
        assert_eq!(remedies.len(), ROWS.len() + 1, "a row that nothing reaches");
    }

    #[test]
    fn a_setting_is_named_where_the_one_that_was_used_stands() {
        let settings = settings();
        let module = serde_json::from_value(serde_json::json!({ "audience": "files" })).unwrap();
        let of_module =
            settings.with_module("delegation.modules.smb.tokenExchange".into(), &module);
        for Row { remedy, .. } in ROWS.iter().chain([&OTHER]) {
            for (settings, audience) in
                [(&settings, "auth.trustedIDPs[1]"), (&of_module, "delegation.modules.smb")]
            {
                let filled = settings.fill(remedy);
                for name in NAMES.iter().filter(|name| remedy.contains(&format!("{{.{name}}}"))) {
                    let of = if *name == "audience" { audience } else { "auth.trustedIDPs[1]" };
                    assert!(filled.contains(&format!("{of}.tokenExchange.{name}")), "{filled}");
                }
                assert!(!filled.contains("delegation.tokenExchange"), "{filled}");
                assert!(!filled.contains(['{', '}']), "{filled}");
            }
        }
    }

    #[test]
    fn the_operators_page_has_every_row() {
        let page = include_str!("../../../docs/token-exchange.md");
        for row in ROWS {
            assert!(page.contains(row.error), "{}", row.error);
            assert!(page.contains(row.description), "{}", row.description);
            assert!(page.contains(row.code.as_str()), "{}", row.code);
        }
    }

    #[test]
    fn nobody_whose_token_is_refused_is_told_to_log_in_and_no_more() {
        for row in ROWS.iter().filter(|row| row.blame == Caller) {
            assert!(row.remedy.contains("new tokens are refused"), "{}", row.remedy);
        }
    }

    #[test]
    fn answers_that_are_no_oauth_error_are_explained_by_their_status() {
        for body in ["", "<html>", "[]", "7", r#"{"error": 7}"#] {
            let failure = explain(&settings(), reqwest::StatusCode::BAD_GATEWAY, body.as_bytes());
            assert_eq!(failure.code, IdentityProviderUnreachable);
            assert!(failure.message.ends_with("(502 Bad Gateway)"), "{failure}");
        }
    }

    #[test]
    fn what_a_provider_says_is_short_and_printable() {
        let body =
            serde_json::json!({ "error": "e\u{1b}[2J\n", "error_description": "x".repeat(9999) });
        let failure =
            explain(&settings(), reqwest::StatusCode::BAD_REQUEST, body.to_string().as_bytes());
        assert!(!failure.message.contains(['\u{1b}', '\n']) && failure.message.len() < 500);
    }
}
