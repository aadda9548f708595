//! What is said of each request.

use std::net::SocketAddr;

use krb_proto::iana::{ErrorCode, NtStatus};
use krb_proto::kdc::{Asked, Event, Outcome, Refusal};

/// Says who asked for what, what was granted, or why not and what would change that.
pub(super) fn write(event: &Event, peer: SocketAddr, transport: &'static str) {
    match &event.outcome {
        // The first legs of nearly every login.
        Outcome::Refused(Refusal {
            code: ErrorCode::PREAUTH_REQUIRED | ErrorCode::MORE_PREAUTH_DATA_REQUIRED,
            ..
        }) => {
            tracing::debug!(%peer, transport, "{event}");
        }
        Outcome::Refused(refusal) => match remedy(event.asked, refusal) {
            Some(remedy) => tracing::warn!(%peer, transport, remedy, "{event}"),
            None => tracing::warn!(%peer, transport, "{event}"),
        },
        Outcome::Ignored => tracing::debug!(%peer, transport, "{event}"),
        _ => tracing::info!(%peer, transport, "{event}"),
    }
}

/// What makes the request a good one: as AD names it, and in brackets the key of a realm file.
fn remedy(asked: Asked, refusal: &Refusal) -> Option<&'static str> {
    let by_status = match refusal.status {
        Some(NtStatus::ACCOUNT_DISABLED) => Some("enable the account (disabled = false)"),
        Some(NtStatus::ACCOUNT_LOCKED_OUT) => Some("unlock the account (locked = false)"),
        Some(NtStatus::ACCOUNT_EXPIRED) => Some("set a later accountExpires (expires)"),
        Some(NtStatus::PASSWORD_MUST_CHANGE) => {
            Some("let the user change the password (must_change_password = false)")
        }
        Some(NtStatus::PASSWORD_EXPIRED) => {
            Some("let the user change the password (password_expires)")
        }
        Some(NtStatus::SMARTCARD_LOGON_REQUIRED) => {
            Some("log in with a certificate, or clear SMARTCARD_REQUIRED (smartcard_required)")
        }
        Some(NtStatus::USER2USER_REQUIRED) => Some(
            "register an SPN on the account: setspn -S (spns); or ask for a user-to-user ticket",
        ),
        _ => None,
    };
    by_status.or(match (asked, refusal.code) {
        // The status does not say which: NO_MATCH stands for both, as MS-SFU has it.
        (Asked::S4uProxy, ErrorCode::BADOPTION) if refusal.text.contains("forwardable") => Some(
            "set TRUSTED_TO_AUTH_FOR_DELEGATION on the service (trusted_to_auth_for_delegation), and \
             look whether the user is NOT_DELEGATED or in Protected Users (not_delegated, \
             protected_user)",
        ),
        (Asked::S4uProxy, ErrorCode::BADOPTION) => Some(
            "put the target's SPN into the service's msDS-AllowedToDelegateTo \
             (allowed_to_delegate_to), or the service into the target's \
             msDS-AllowedToActOnBehalfOfOtherIdentity (allowed_to_act)",
        ),
        (_, ErrorCode::S_PRINCIPAL_UNKNOWN) => {
            Some("register the SPN on one account: setspn -S (spns)")
        }
        (_, ErrorCode::C_PRINCIPAL_UNKNOWN) => {
            Some("ask for a sAMAccountName or a userPrincipalName that one account has")
        }
        (Asked::Login, ErrorCode::PREAUTH_FAILED) => {
            Some("the password, or the keytab's key, is not the account's")
        }
        (_, ErrorCode::ETYPE_NOSUPP) => {
            Some("look at the account's msDS-SupportedEncryptionTypes (enctypes)")
        }
        (_, ErrorCode::SKEW) => Some("set the client's clock, or allow more (clock_skew)"),
        (_, ErrorCode::INAPP_CKSUM) => {
            Some("the client is one that only AD serves: compat = \"ad\" does")
        }
        _ => None,
    })
}
