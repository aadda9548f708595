//! What a ticket is for: whose key seals it, and which enctypes that service has.

use super::account::Account;
use super::realm::Realm;
use super::refusal::Refusal;
use super::trust::Trust;
use crate::crypto::Key;
use crate::iana::{EncType, ErrorCode, NtStatus};

/// The key that seals a ticket, and the account that the ticket is for.
#[derive(Clone, Copy)]
pub(super) struct Target<'r> {
    /// What the ticket is sealed with.
    pub(super) key: &'r Key,
    /// That key's version.
    pub(super) kvno: Option<u32>,
    /// The enctypes of session keys with this service.
    pub(super) enctypes: &'r [EncType],
    /// The account, where it is none of the KDC's own services.
    pub(super) account: Option<&'r Account>,
}

impl<'r> Target<'r> {
    /// The KDC itself.
    pub(super) fn krbtgt(realm: &'r Realm) -> Result<Self, Refusal> {
        Ok(Self {
            key: krbtgt_key(realm)?,
            kvno: realm.krbtgt_keys().current_kvno(),
            enctypes: realm.krbtgt_enctypes(),
            account: None,
        })
    }

    /// A service.
    pub(super) fn account(realm: &'r Realm, account: &'r Account) -> Result<Self, Refusal> {
        let text = "the service's account has no key of its enctypes";
        let no_key = Refusal::new(ErrorCode::ETYPE_NOSUPP, text);
        Ok(Self {
            key: realm.ticket_key(account).ok_or(no_key)?,
            kvno: account.keys.current_kvno(),
            enctypes: realm.enctypes(account),
            account: Some(account),
        })
    }

    /// The KDC of another realm.
    pub(super) fn trust(trust: &'r Trust) -> Result<Self, Refusal> {
        let no_key = Refusal::new(ErrorCode::ETYPE_NOSUPP, "the trust has no key of its enctypes");
        Ok(Self {
            key: trust.outgoing.preferred(&trust.enctypes).ok_or(no_key)?,
            kvno: trust.outgoing.current_kvno(),
            enctypes: &trust.enctypes,
            account: None,
        })
    }
}

/// What signs PACs.
pub(super) fn krbtgt_key(realm: &Realm) -> Result<&Key, Refusal> {
    realm.krbtgt_key().ok_or(Refusal::new(ErrorCode::NULL_KEY, "krbtgt has no key"))
}

/// The name leads to nothing.
pub(super) fn no_service() -> Refusal {
    Refusal::new(ErrorCode::S_PRINCIPAL_UNKNOWN, "no such service")
}

/// AD's way to say KDC_ERR_MUST_USE_USER2USER.
pub(super) fn user_to_user_only() -> Refusal {
    let text = "the account has no SPN: only user-to-user tickets are made for it";
    Refusal::new(ErrorCode::S_PRINCIPAL_UNKNOWN, text).with_status(NtStatus::USER2USER_REQUIRED)
}
