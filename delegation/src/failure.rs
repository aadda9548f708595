//! What a caller is told when a call fails: a stable code, what happened, and what to change.

use serde::Serialize;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $text:literal;)*) => {
        /// Why a call failed. The text form is stable: clients and audit queries may rely on it.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// The stable text form.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

codes! {
    /// An argument of the call is missing or makes no sense.
    InvalidArgument => "INVALID_ARGUMENT";
    /// The identity provider did not exchange the caller's token: something is set up wrongly.
    TokenExchangeFailed => "TOKEN_EXCHANGE_FAILED";
    /// The identity provider does not take the caller's token any more.
    SubjectTokenRefused => "SUBJECT_TOKEN_REFUSED";
    /// The identity provider did not answer, or only that it cannot at present.
    IdentityProviderUnreachable => "IDENTITY_PROVIDER_UNREACHABLE";
    /// The exchanged token does not prove who the user is.
    ExchangedTokenRefused => "EXCHANGED_TOKEN_REFUSED";
    /// `legacy_name` is missing or not a bare sAMAccountName.
    LegacyNameRefused => "LEGACY_NAME_REFUSED";
    /// No policy rule allows it.
    PolicyDenied => "POLICY_DENIED";
    /// The path or URL names no configured target.
    UnknownTarget => "UNKNOWN_TARGET";
    /// The account is one that is never impersonated.
    NeverImpersonated => "NEVER_IMPERSONATED";
    /// The ticket's name and the PAC's account differ: a resource would take it for somebody else.
    NameMismatch => "NAME_MISMATCH";
    /// The account's SID is not the one meant for this subject.
    SidMismatch => "SID_MISMATCH";
    /// The KDC's evidence ticket cannot be believed.
    EvidenceRefused => "EVIDENCE_REFUSED";
    /// The KDC does not know the user, or the name is ambiguous.
    UserUnknown => "USER_UNKNOWN";
    /// The user's account is disabled, expired, locked, or refused by KDC policy.
    UserNotUsable => "USER_NOT_USABLE";
    /// The user may not be delegated.
    UserNotDelegatable => "USER_NOT_DELEGATABLE";
    /// The service account lacks a right or is itself not usable.
    ServiceNotTrusted => "SERVICE_NOT_TRUSTED";
    /// The service account may not delegate to this SPN.
    TargetNotAllowed => "TARGET_NOT_ALLOWED";
    /// The KDC does not know the SPN.
    TargetUnknownToKdc => "TARGET_UNKNOWN_TO_KDC";
    /// No KDC answered in time.
    KdcUnreachable => "KDC_UNREACHABLE";
    /// The KDC answered something else than expected.
    KdcRefused => "KDC_REFUSED";
    /// The resource itself denied access to the user.
    AccessDenied => "ACCESS_DENIED";
    /// The resource has no such object.
    NotFound => "NOT_FOUND";
    /// The object is larger than this server returns.
    TooLarge => "TOO_LARGE";
    /// The resource cannot be reached, or broke the connection.
    ResourceUnreachable => "RESOURCE_UNREACHABLE";
    /// The resource was reached and did not answer before the call's time was up.
    ResourceTimeout => "RESOURCE_TIMEOUT";
    /// The resource answered something that we do not accept (weak protocol, wrong identity proof).
    ResourceRefused => "RESOURCE_REFUSED";
    /// The audit record could not be written, so nothing was done.
    AuditUnavailable => "AUDIT_UNAVAILABLE";
    /// The call ran out of time.
    DeadlineExceeded => "DEADLINE_EXCEEDED";
    /// The caller gave up before the call was done.
    Cancelled => "CANCELLED";
    /// The caller makes too many calls.
    TooManyCalls => "TOO_MANY_CALLS";
    /// A defect of this server.
    Internal => "INTERNAL";
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed call, as the caller is told. Never holds a token, a key or a password.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// Why.
    pub code: Code,
    /// What happened, and whose doing it is.
    pub message: String,
    /// What to change, and who can.
    pub remedy: String,
}

impl Failure {
    /// A failure with its remedy.
    pub fn new(code: Code, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into() }
    }
}
