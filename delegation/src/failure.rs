//! What a caller is told when a call fails: a stable code, what happened, whose doing it is, and what
//! to change.
//!
//! Each stage has errors of its own, which say what happened and to whom; one explainer for each, a
//! file that is called `failure.rs`, makes a [`Failure`] of them. Nobody else makes one
//! (`tests/structure` looks).

use std::fmt::Display;

use base64ct::{Base64, Encoding};
use serde::{Serialize, Serializer};

/// Whose doing a failed call is: who can change something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Blame {
    /// What the caller sent or asked for.
    Caller,
    /// The user's account: what it is, what state it is in, what it may.
    Account,
    /// The operator's configuration of this server, its policy included.
    Configuration,
    /// The directory: how accounts, SPNs and delegation are set up.
    Directory,
    /// The identity provider.
    IdentityProvider,
    /// The KDC, or the way to it.
    Kdc,
    /// The resource, or the way to it.
    Resource,
    /// This server or its machine.
    Server,
}

impl Blame {
    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::Caller,
        Self::Account,
        Self::Configuration,
        Self::Directory,
        Self::IdentityProvider,
        Self::Kdc,
        Self::Resource,
        Self::Server,
    ];

    /// The stable text form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Account => "account",
            Self::Configuration => "configuration",
            Self::Directory => "directory",
            Self::IdentityProvider => "identity-provider",
            Self::Kdc => "kdc",
            Self::Resource => "resource",
            Self::Server => "server",
        }
    }
}

impl Serialize for Blame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $text:literal, $retryable:literal, [$($blame:ident),+];)*) => {
        /// Why a call failed. The text form is stable: clients and audit queries may rely on it.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable text form.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// Whose doing it may be, the likeliest first. A failure says which it is.
            #[must_use]
            pub const fn blame(self) -> &'static [Blame] {
                match self {
                    $(Self::$variant => &[$(Blame::$blame),+],)*
                }
            }

            /// Whether the same call, with the same token, may succeed later although nobody
            /// changes anything but what is broken at present. A failure says whether it may be made.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self {
                    $(Self::$variant => $retryable,)*
                }
            }
        }
    };
}

// docs/errors.md is the same for operators; a test compares.
codes! {
    /// An argument of the call is missing or makes no sense.
    InvalidArgument => "INVALID_ARGUMENT", false, [Caller];
    /// The identity provider did not exchange the caller's token: something is set up wrongly.
    TokenExchangeFailed => "TOKEN_EXCHANGE_FAILED", false, [IdentityProvider, Configuration];
    /// The identity provider does not take the caller's token any more.
    SubjectTokenRefused => "SUBJECT_TOKEN_REFUSED", false, [Caller, IdentityProvider];
    /// The identity provider wants the user to do something first: a second factor, consent.
    InteractionRequired => "INTERACTION_REQUIRED", false, [Caller, IdentityProvider];
    /// The identity provider did not answer, or only that it cannot at present.
    IdentityProviderUnreachable => "IDENTITY_PROVIDER_UNREACHABLE", true,
        [IdentityProvider, Configuration];
    /// The exchanged token does not prove who the user is.
    ExchangedTokenRefused => "EXCHANGED_TOKEN_REFUSED", false, [IdentityProvider, Configuration];
    /// `legacy_name` is missing or not a bare sAMAccountName.
    LegacyNameRefused => "LEGACY_NAME_REFUSED", false, [IdentityProvider];
    /// An operator ended the user's access.
    Revoked => "REVOKED", false, [Account];
    /// The issuer of the user's token may not name that account.
    IssuerMayNotAssert => "ISSUER_MAY_NOT_ASSERT", false, [IdentityProvider, Configuration];
    /// No policy rule allows it.
    PolicyDenied => "POLICY_DENIED", false, [Caller, Configuration];
    /// The path or URL names no configured target.
    UnknownTarget => "UNKNOWN_TARGET", false, [Caller, Configuration];
    /// The account is one that is never impersonated.
    NeverImpersonated => "NEVER_IMPERSONATED", false, [Account, Configuration];
    /// The ticket's name and the PAC's account differ: a resource would take it for somebody else.
    NameMismatch => "NAME_MISMATCH", false, [Directory, IdentityProvider];
    /// The account's SID is not the one meant for this subject.
    SidMismatch => "SID_MISMATCH", false, [Account, IdentityProvider, Configuration];
    /// The KDC's evidence ticket cannot be believed.
    EvidenceRefused => "EVIDENCE_REFUSED", false, [Configuration, Kdc, Caller,
        IdentityProvider];
    /// The KDC does not know the user, or the name is ambiguous.
    UserUnknown => "USER_UNKNOWN", false, [IdentityProvider, Directory];
    /// The user's account is disabled, expired, locked, or refused by KDC policy.
    UserNotUsable => "USER_NOT_USABLE", false, [Account];
    /// The user may not be delegated.
    UserNotDelegatable => "USER_NOT_DELEGATABLE", false, [Account];
    /// The service account lacks a right or is itself not usable.
    ServiceNotTrusted => "SERVICE_NOT_TRUSTED", false, [Directory, Configuration];
    /// The service account may not delegate to this SPN.
    TargetNotAllowed => "TARGET_NOT_ALLOWED", false, [Directory];
    /// The KDC does not know the SPN.
    TargetUnknownToKdc => "TARGET_UNKNOWN_TO_KDC", false, [Configuration, Directory];
    /// No KDC answered in time.
    KdcUnreachable => "KDC_UNREACHABLE", true, [Kdc, Configuration];
    /// The KDC answered something else than expected.
    KdcRefused => "KDC_REFUSED", true, [Kdc];
    /// The resource itself denied access to the user.
    AccessDenied => "ACCESS_DENIED", false, [Resource, Account];
    /// The resource has no such object.
    NotFound => "NOT_FOUND", false, [Caller];
    /// The database refused the statement or its values.
    StatementFailed => "STATEMENT_FAILED", false, [Caller];
    /// The object is larger than this server returns.
    TooLarge => "TOO_LARGE", false, [Caller];
    /// The resource cannot be reached, or broke the connection.
    ResourceUnreachable => "RESOURCE_UNREACHABLE", true, [Resource, Configuration];
    /// The resource was reached and did not answer before the call's time was up.
    ResourceTimeout => "RESOURCE_TIMEOUT", true, [Resource];
    /// Somebody else holds the object so that it cannot be opened at present.
    ResourceBusy => "RESOURCE_BUSY", true, [Resource];
    /// The resource answered something that we do not accept (weak protocol, wrong identity proof).
    ResourceRefused => "RESOURCE_REFUSED", false, [Resource, Directory, Configuration];
    /// The audit record could not be written, so nothing was done.
    AuditUnavailable => "AUDIT_UNAVAILABLE", true, [Server];
    /// It cannot be read what must be known of the user, so nothing was done.
    StateUnavailable => "STATE_UNAVAILABLE", true, [Server];
    /// The call ran out of time.
    DeadlineExceeded => "DEADLINE_EXCEEDED", true, [Kdc, IdentityProvider, Server];
    /// The caller gave up before the call was done.
    Cancelled => "CANCELLED", true, [Caller];
    /// The caller makes too many calls.
    TooManyCalls => "TOO_MANY_CALLS", true, [Caller];
    /// A defect of this server.
    Internal => "INTERNAL", false, [Server];
}

impl Code {
    /// Whether it means that the account which an exchanged token names is not, or not any more, the
    /// user's: what the token said is then not to be used again.
    pub(crate) const fn is_of_a_wrong_account(self) -> bool {
        matches!(self, Self::NameMismatch | Self::SidMismatch | Self::UserUnknown)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Before what a resource says, at the end of a message.
const SAYS: &str = ". It says: \"";

/// A failed call, as the caller is told. Never holds a token, a key or a password.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// Why.
    pub code: Code,
    /// Whose doing it is.
    pub blame: Blame,
    /// What happened.
    pub message: String,
    /// What to change, and who can.
    pub remedy: String,
    /// What the identity provider wants in the next login's request for authorization (OpenID Connect
    /// Core section 5.5): a JSON object as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Box<String>>,
    /// Whether the same call may be made again, and may succeed then.
    pub retryable: bool,
    /// Whether it may have been done, and nobody knows.
    #[serde(skip)]
    pub in_doubt: bool,
    /// What a library or a system said of it: for this server's log, never for the caller.
    #[serde(skip)]
    pub cause: Option<Box<str>>,
}

impl Failure {
    /// A failure with its remedy, laid to whom it is the likeliest doing of.
    pub fn new(code: Code, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (message, remedy, blame) = (message.into(), remedy.into(), code.blame()[0]);
        let retryable = code.is_retryable();
        Self { code, blame, message, remedy, claims: None, retryable, in_doubt: false, cause: None }
    }

    /// Lays it to somebody else, who is one of those whose doing the code may be.
    #[must_use]
    pub fn blamed_on(self, blame: Blame) -> Self {
        debug_assert!(self.code.blame().contains(&blame), "{}: {blame:?}", self.code);
        Self { blame, ..self }
    }

    /// Says who came, where that was not the user.
    #[must_use]
    pub(crate) fn by(self, actual: Option<&str>) -> Self {
        let Some(actual) = actual else { return self };
        let message =
            format!("{} (done as the service account {actual}, not as the user)", self.message);
        Self { message, ..self }
    }

    /// Says that it may have been done, and what that means to who would do it again: nothing, if done
    /// twice is done once.
    #[must_use]
    pub(crate) fn in_doubt(self, is_once: bool) -> Self {
        let own = self.own_words().len();
        let (own, quoted) = self.message.split_at(own);
        let what = match is_once {
            true => "The very same may be done again: done twice is done once.",
            false => "It may have been done: look before it is done again.",
        };
        Self {
            message: format!("{own}; it may have been done{quoted}"),
            remedy: format!("{what} {}", self.remedy),
            retryable: self.retryable && is_once,
            in_doubt: true,
            ..self
        }
    }

    /// With what the identity provider wants of the next login.
    #[must_use]
    pub fn wanting(self, claims: Option<String>) -> Self {
        Self { claims: claims.map(Box::new), ..self }
    }

    /// What the next login must ask for, as it stands in a challenge: in base64.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        let claims = self.claims.as_deref()?;
        Some(Base64::encode_string(claims.as_bytes()))
    }

    /// Tells the caller what the resource says of it. That may be anything, so records do not have it.
    #[must_use]
    pub fn quoting(self, said: &str) -> Self {
        Self { message: format!("{}{SAYS}{said}\"", self.message), ..self }
    }

    /// What happened, in this server's words.
    #[must_use]
    pub fn own_words(&self) -> &str {
        self.message.split(SAYS).next().unwrap_or_default()
    }

    /// Notes for the log what caused it.
    #[must_use]
    pub fn caused_by(self, cause: impl Display) -> Self {
        Self { cause: Some(cause.to_string().into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the page names them.
    const fn name(blame: Blame) -> &'static str {
        match blame {
            Blame::Caller => "caller",
            Blame::Account => "user's account",
            Blame::Configuration => "configuration",
            Blame::Directory => "directory",
            Blame::IdentityProvider => "identity provider",
            Blame::Kdc => "KDC",
            Blame::Resource => "resource",
            Blame::Server => "this server",
        }
    }

    #[test]
    fn the_operators_page_has_every_code_with_blame_and_whether_to_try_again() {
        let page = include_str!("../../docs/errors.md");
        // | `CODE` | what happened | whose doing | try again? | remedy |
        let rows: Vec<Vec<&str>> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let listed: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
        for code in Code::ALL {
            let row = listed.iter().position(|listed| *listed == code.as_str());
            let row = &rows[row.unwrap_or_else(|| panic!("the page has no {code}"))];
            assert_eq!(row.len(), 5, "{code}: a cell too many or too few");
            let blame: Vec<_> = code.blame().iter().map(|blame| name(*blame)).collect();
            assert_eq!(row[2], blame.join(", "), "{code}: whose doing");
            let again = row[3].starts_with("yes");
            assert!(again || row[3].starts_with("no"), "{code}: {}", row[3]);
            assert_eq!(again, code.is_retryable(), "{code}: whether to try again");
            assert!(!row[1].is_empty() && row[4].len() > 10, "{code}: what happened, remedy");
        }
        assert_eq!(listed.len(), Code::ALL.len(), "a code that is none, or one twice: {listed:?}");
    }

    #[test]
    fn the_page_of_refused_exchanges_has_every_code_that_an_exchange_fails_with() {
        let sources = [
            include_str!("token_exchange/failure.rs"),
            include_str!("token_exchange/refusals.rs"),
            include_str!("identity/failure.rs"),
        ];
        let words: std::collections::HashSet<&str> = sources
            .iter()
            .flat_map(|source| source.split("#[cfg(test)]").next())
            .flat_map(|source| source.split(|c: char| !c.is_alphanumeric()))
            .collect();
        let page = include_str!("../../docs/token-exchange.md");
        for code in Code::ALL {
            let is_given = words.contains(&*format!("{code:?}"));
            assert_eq!(page.contains(&format!("| `{code}` |")), is_given, "{code}");
        }
    }

    #[test]
    fn the_page_of_refused_exchanges_says_the_same_of_trying_again() {
        let page = include_str!("../../docs/token-exchange.md");
        for code in Code::ALL {
            let start = format!("| `{code}` |");
            if let Some(row) = page.lines().find(|line| line.starts_with(&start)) {
                let again = row.split('|').nth(3).unwrap_or_default().trim();
                assert_eq!(again == "yes", code.is_retryable(), "{row}");
            }
        }
    }
}
