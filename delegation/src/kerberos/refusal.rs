//! What a KDC's refusal means, by the stage it came in, and which directory attribute to change.
//!
//! A KDC says little: one code stands for several causes. These texts say what the wire proves
//! and no more.

use krb_client::ClientError;
use krb_proto::exchange::{ExchangeError, Mismatch};
use krb_proto::iana::ErrorCode;

use super::account::Account;
use crate::{Code, Failure};

/// The service account could not log in (AS exchange).
fn login(account: &str, error: &ClientError) -> Failure {
    let Some(refusal) = error.refusal() else { return other(error) };
    let remedy = match refusal.code {
        ErrorCode::C_PRINCIPAL_UNKNOWN => {
            "Check kerberos.serviceAccount.username (it is the sAMAccountName, not an SPN) and \
             kerberos.realm."
        }
        ErrorCode::PREAUTH_FAILED | ErrorCode::BAD_INTEGRITY => {
            "The keytab or password is not the account's present one: export the keytab again. \
             Repeated attempts may lock the account."
        }
        ErrorCode::CLIENT_REVOKED => "Enable or unlock the service account in the directory.",
        ErrorCode::KEY_EXPIRED => {
            "Set a new password for the service account, and let it never expire."
        }
        ErrorCode::ETYPE_NOSUPP => {
            "Set msDS-SupportedEncryptionTypes of the service account to 24 (AES), set its \
             password anew so that AES keys exist, and export the keytab again."
        }
        ErrorCode::SKEW => "Correct this machine's clock: it is more than 30 minutes off.",
        _ => "Look at the KDC's log for this account.",
    };
    Failure::new(
        Code::ServiceNotTrusted,
        format!("the service account {account} cannot log in: {refusal}"),
        remedy,
    )
}

/// S4U2Self for a user was refused.
pub(super) fn evidence(user: &str, service: &str, error: &ClientError) -> Failure {
    if let ClientError::Login(error) = error {
        return login(service, error);
    }
    let Some(refusal) = error.refusal() else { return other(error) };
    let (code, what, remedy) = match refusal.code {
        ErrorCode::C_PRINCIPAL_UNKNOWN => (
            Code::UserUnknown,
            format!(
                "the KDC finds no account for {user:?}: it is unknown, or its UPN is not unique"
            ),
            "Check the user's sAMAccountName in the directory and what the identity provider maps \
             to legacy_name; give each account a userPrincipalName that no other account has."
                .to_owned(),
        ),
        ErrorCode::POLICY => (
            Code::UserNotUsable,
            format!("the KDC refuses {user}: the account is disabled, or refused by KDC policy"),
            "Check userAccountControl (ACCOUNTDISABLE) and any authentication policy or silo of \
             the account."
                .to_owned(),
        ),
        ErrorCode::NAME_EXP => (
            Code::UserNotUsable,
            format!("the account {user} has expired"),
            "Change accountExpires of the account.".to_owned(),
        ),
        ErrorCode::CLIENT_REVOKED => (
            Code::UserNotUsable,
            format!("the account {user} is locked out or disabled"),
            "Check lockoutTime and userAccountControl (ACCOUNTDISABLE) of the account.".to_owned(),
        ),
        ErrorCode::KEY_EXPIRED => must_change_password(user),
        ErrorCode::S_PRINCIPAL_UNKNOWN => (
            Code::ServiceNotTrusted,
            format!("the service account {service} cannot do S4U2Self: it has no SPN"),
            format!("Register one: servicePrincipalName of {service}."),
        ),
        ErrorCode::BADOPTION => (
            Code::ServiceNotTrusted,
            format!("the KDC gives {service} no forwardable ticket"),
            format!(
                "The account {service} may itself be marked \"sensitive and cannot be delegated\" \
                 (userAccountControl NOT_DELEGATED) or be one of the Protected Users."
            ),
        ),
        ErrorCode::SERVICE_REVOKED => (
            Code::ServiceNotTrusted,
            format!("the service account {service} is locked out"),
            format!("Unlock {service} (lockoutTime)."),
        ),
        _ if error.refuses_a_ticket() => refuses_new_tickets("S4U2Self"),
        _ => return unexpected("S4U2Self", refusal),
    };
    Failure::new(code, format!("{what} ({refusal})"), remedy)
}

/// S4U2Proxy was refused.
pub(super) fn proxy(
    account: &Account,
    evidence_is_forwardable: bool,
    service: &str,
    spn: &str,
    error: &ClientError,
) -> Failure {
    if let ClientError::Login(error) = error {
        return login(service, error);
    }
    let Some(refusal) = error.refusal() else { return other(error) };
    let user = &account.name;
    let (code, what, remedy) = match refusal.code {
        // The same code for three causes; the evidence tells them apart.
        ErrorCode::BADOPTION if account.may_not_be_delegated() => (
            Code::UserNotDelegatable,
            format!("{user} may not be delegated"),
            format!(
                "{user} is marked \"sensitive and cannot be delegated\" (userAccountControl \
                 NOT_DELEGATED) or is one of the Protected Users. That is the directory's \
                 decision; change it there if it is not meant."
            ),
        ),
        ErrorCode::BADOPTION if !evidence_is_forwardable => (
            Code::ServiceNotTrusted,
            format!(
                "the service account {service} may not impersonate users by protocol transition"
            ),
            format!(
                "Set TRUSTED_TO_AUTH_FOR_DELEGATION in userAccountControl of {service} (\"Use any \
                 authentication protocol\"), or grant resource-based delegation on the target \
                 (msDS-AllowedToActOnBehalfOfOtherIdentity) where the KDC takes it."
            ),
        ),
        ErrorCode::BADOPTION => (
            Code::TargetNotAllowed,
            format!("the service account {service} may not delegate to {spn}"),
            format!("Add {spn} to msDS-AllowedToDelegateTo of {service}."),
        ),
        ErrorCode::S_PRINCIPAL_UNKNOWN => (
            Code::TargetUnknownToKdc,
            format!("the KDC knows no account with the SPN {spn}"),
            format!(
                "Check the target's spn in the configuration, or register it: \
                 servicePrincipalName of the account that runs the target must list {spn}."
            ),
        ),
        ErrorCode::POLICY => (
            Code::UserNotUsable,
            format!(
                "the KDC refuses {user} at {spn}: disabled meanwhile, or refused by KDC policy"
            ),
            "Check userAccountControl and any authentication policy or silo.".to_owned(),
        ),
        ErrorCode::NAME_EXP => (
            Code::UserNotUsable,
            format!("the account {user} has expired"),
            "Change accountExpires of the account.".to_owned(),
        ),
        ErrorCode::C_PRINCIPAL_UNKNOWN => (
            Code::UserUnknown,
            format!("the account {user} was deleted or renamed meanwhile"),
            "Check the user's account in the directory.".to_owned(),
        ),
        ErrorCode::CLIENT_REVOKED => (
            Code::UserNotUsable,
            format!("the account {user} is locked out or disabled"),
            "Check lockoutTime and userAccountControl (ACCOUNTDISABLE) of the account.".to_owned(),
        ),
        ErrorCode::KEY_EXPIRED => must_change_password(user),
        ErrorCode::TGT_REVOKED => (
            Code::EvidenceRefused,
            format!("the KDC has revoked the evidence for {user}"),
            "The account was probably deleted and created anew; try again.".to_owned(),
        ),
        _ if error.refuses_a_ticket() => refuses_new_tickets("S4U2Proxy"),
        _ => return unexpected("S4U2Proxy", refusal),
    };
    Failure::new(code, format!("{what} ({refusal})"), remedy)
}

fn must_change_password(user: &str) -> (Code, String, String) {
    (
        Code::UserNotUsable,
        format!("{user} must change the password first"),
        "The user has to log on once and change it (pwdLastSet), or an administrator resets it."
            .to_owned(),
    )
}

/// Refused with a fresh ticket-granting ticket and fresh evidence.
fn refuses_new_tickets(step: &str) -> (Code, String, String) {
    (
        Code::KdcRefused,
        format!("{step}: the KDC refuses a ticket that a KDC issued just now"),
        "The domain controllers may not agree on a key yet: look at whether the passwords of \
         krbtgt and of the service account have reached them all, and at the KDC's log for the \
         time of this call."
            .to_owned(),
    )
}

fn unexpected(step: &str, refusal: &krb_proto::exchange::KdcRefusal) -> Failure {
    Failure::new(
        Code::KdcRefused,
        format!("the KDC refused {step}: {refusal}"),
        "Look at the KDC's log for the time of this call.",
    )
}

/// Whatever is no refusal.
fn other(error: &ClientError) -> Failure {
    match error {
        ClientError::Unreachable(_) => Failure::new(
            Code::KdcUnreachable,
            error.to_string(),
            "Check that the domain controllers run and that this server reaches their port 88 \
             (kerberos.kdcs, or network.nameservers for DNS).",
        ),
        ClientError::Exchange(ExchangeError::Mismatch(Mismatch::S4uIgnored)) => Failure::new(
            Code::EvidenceRefused,
            error.to_string(),
            "This KDC does not do S4U; nothing was done. Name an AD-compatible KDC.",
        ),
        ClientError::Exchange(_) => Failure::new(
            Code::EvidenceRefused,
            error.to_string(),
            "The KDC's answer was not believed, so nothing was done. If it happens again, look \
             at the network between this server and the KDC.",
        ),
        _ => Failure::new(
            Code::Internal,
            error.to_string(),
            "Report this with the server's log of this call.",
        ),
    }
}
