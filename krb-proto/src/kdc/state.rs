//! Whether an account may be used now (MS-KILE 3.3.5.6 and 3.3.5.7, MS-SFU 3.2.5), with the codes
//! that Samba's KDC was seen to give and the NTSTATUS that Windows puts beside them.

use super::account::Account;
use super::refusal::Refusal;
use crate::KerberosTime;
use crate::iana::{ErrorCode, NtStatus};

/// For what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// To log in.
    Login,
    /// To ask for a ticket with one.
    Ticket,
    /// To be named by a service that asks for a ticket to itself.
    Impersonated,
    /// To be named in evidence.
    Delegated,
}

/// Refuses what cannot be used at all, whatever its password is.
pub(super) fn check(account: &Account, wanted: Use, now: KerberosTime) -> Result<(), Refusal> {
    let named = matches!(wanted, Use::Impersonated | Use::Delegated);
    let refusal = |code, text, status| Err(Refusal::new(code, text).with_status(status));
    if account.disabled {
        let code = if named { ErrorCode::POLICY } else { ErrorCode::CLIENT_REVOKED };
        return refusal(code, "the account is disabled", NtStatus::ACCOUNT_DISABLED);
    }
    if account.locked {
        let text = "the account is locked out";
        return refusal(ErrorCode::CLIENT_REVOKED, text, NtStatus::ACCOUNT_LOCKED_OUT);
    }
    if account.expires.is_some_and(|expires| expires <= now) {
        let code = if named { ErrorCode::NAME_EXP } else { ErrorCode::CLIENT_REVOKED };
        return refusal(code, "the account has expired", NtStatus::ACCOUNT_EXPIRED);
    }
    match wanted {
        Use::Login => check_logon_hours(account, now),
        Use::Delegated => check_password(account, now),
        Use::Ticket | Use::Impersonated => Ok(()),
    }
}

/// Refuses an account whose password has to be changed first.
pub(super) fn check_password(account: &Account, now: KerberosTime) -> Result<(), Refusal> {
    let refusal =
        |text, status| Err(Refusal::new(ErrorCode::KEY_EXPIRED, text).with_status(status));
    if account.must_change_password {
        return refusal("the password must be changed first", NtStatus::PASSWORD_MUST_CHANGE);
    }
    if account.password_expires.is_some_and(|expires| expires <= now) {
        return refusal("the password has expired", NtStatus::PASSWORD_EXPIRED);
    }
    Ok(())
}

/// Refuses a logon outside of the account's hours.
pub(super) fn check_logon_hours(account: &Account, now: KerberosTime) -> Result<(), Refusal> {
    let Some(hours) = &account.logon_hours else { return Ok(()) };
    // 1970 began on a Thursday, the week begins on Sunday.
    let hour = (now.unix().div_euclid(3600) + 4 * 24).rem_euclid(7 * 24) as usize;
    let allowed = hours.get(hour / 8).is_some_and(|byte| byte >> (hour % 8) & 1 == 1);
    if allowed {
        return Ok(());
    }
    let text = "outside of the account's logon hours";
    Err(Refusal::new(ErrorCode::CLIENT_REVOKED, text).with_status(NtStatus::INVALID_LOGON_HOURS))
}
