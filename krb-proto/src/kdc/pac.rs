//! What a PAC says of an account (MS-PAC 2.5, 2.7, 2.10, 2.14, 2.15; MS-KILE 3.3.5.6.4).

use alloc::string::ToString;

use super::account::{Account, AccountKind};
use super::realm::Realm;
use super::refusal::Refusal;
use crate::iana::ErrorCode;
use crate::pac::{
    Attributes, ClientInfo, FileTime, GroupMembership, LogonInfo, PacBuilder, Requestor, Sid,
    SidAndAttributes, UpnDnsExtended, UpnDnsInfo,
};
use crate::{KerberosTime, Name};

/// How the KDC knows that it is the account's user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asserted {
    /// They proved it: AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY.
    ByAuthority = 1,
    /// A service says so: SERVICE_ASSERTED_IDENTITY.
    ByService = 2,
}

// USER_ACCOUNT codes (MS-SAMR 2.2.1.12).
const ACCOUNT_DISABLED: u32 = 0x1;
const NORMAL_ACCOUNT: u32 = 0x10;
const WORKSTATION_TRUST_ACCOUNT: u32 = 0x80;
const SERVER_TRUST_ACCOUNT: u32 = 0x100;
const SMARTCARD_REQUIRED: u32 = 0x1000;
const TRUSTED_FOR_DELEGATION: u32 = 0x2000;
const NOT_DELEGATED: u32 = 0x4000;
const DONT_REQUIRE_PREAUTH: u32 = 0x1_0000;
const TRUSTED_TO_AUTH: u32 = 0x4_0000;

const DOMAIN_COMPUTERS: u32 = 515;
const DOMAIN_CONTROLLERS: u32 = 516;

/// The buffers of a service ticket's PAC: LOGON_INFO, CLIENT_INFO, UPN_DNS_INFO.
pub(super) fn account_pac(
    realm: &Realm,
    account: &Account,
    asserted: Asserted,
    client: &Name,
    authtime: KerberosTime,
) -> Result<PacBuilder, Refusal> {
    let client_info = ClientInfo::new(client, authtime)
        .ok_or(Refusal::new(ErrorCode::C_PRINCIPAL_UNKNOWN, "the client's name is not UTF-8"))?;
    Ok(PacBuilder::new()
        .with(&logon_info(realm, account, asserted))?
        .with(&client_info)?
        .with(&upn_dns_info(realm, account)?)?)
}

/// With the two buffers by which the KDC recognises a ticket-granting ticket.
pub(super) fn for_tgt(
    pac: PacBuilder,
    realm: &Realm,
    account: &Account,
    requested: Option<bool>,
) -> Result<PacBuilder, Refusal> {
    let flags = match requested {
        Some(true) => Attributes::PAC_WAS_REQUESTED,
        Some(false) => 0,
        None => Attributes::PAC_WAS_GIVEN_IMPLICITLY,
    };
    Ok(pac.with(&Attributes { flags })?.with(&Requestor(account_sid(realm, account)?))?)
}

pub(super) fn account_sid(realm: &Realm, account: &Account) -> Result<Sid, Refusal> {
    let no_sid = Refusal::new(ErrorCode::GENERIC, "the realm's domain SID has no room for a RID");
    realm.sid(account).ok_or(no_sid)
}

fn logon_info(realm: &Realm, account: &Account, asserted: Asserted) -> LogonInfo {
    let rid = account.rid.unwrap_or_default();
    let domain = realm.domain_sid().clone();
    let mut info = LogonInfo::new(&account.name, realm.netbios_name(), domain, rid);
    let (code, group) = match account.kind {
        AccountKind::User => (NORMAL_ACCOUNT, info.primary_group_id),
        AccountKind::Computer => (WORKSTATION_TRUST_ACCOUNT, DOMAIN_COMPUTERS),
        AccountKind::DomainController => (SERVER_TRUST_ACCOUNT, DOMAIN_CONTROLLERS),
    };
    info.primary_group_id = group;
    info.group_ids.clear();
    info.group_ids.push(GroupMembership::enabled(group));
    let more = account.groups.iter().filter(|rid| **rid != group);
    info.group_ids.extend(more.map(|rid| GroupMembership::enabled(*rid)));
    if account.protected_user && !account.groups.contains(&Account::PROTECTED_USERS) {
        info.group_ids.push(GroupMembership::enabled(Account::PROTECTED_USERS));
    }
    info.user_account_control = [
        (account.disabled, ACCOUNT_DISABLED),
        (account.smartcard_required, SMARTCARD_REQUIRED),
        (account.trusted_for_delegation, TRUSTED_FOR_DELEGATION),
        (account.not_delegated, NOT_DELEGATED),
        (account.no_preauth, DONT_REQUIRE_PREAUTH),
        (account.trusted_to_auth_for_delegation, TRUSTED_TO_AUTH),
    ]
    .iter()
    .filter(|(is_set, _)| *is_set)
    .fold(code, |control, (_, bit)| control | bit);
    info.logon_server = "KDC".to_string();
    if let Some(expires) = account.password_expires {
        info.password_must_change = FileTime::from(expires);
    }
    // S-1-18 has room.
    let sid = Sid::new(18, [asserted as u32].into());
    info.extra_sids.extend(sid.map(SidAndAttributes::enabled));
    info
}

fn upn_dns_info(realm: &Realm, account: &Account) -> Result<UpnDnsInfo, Refusal> {
    let made = || [&account.name, "@", realm.domain()].concat();
    Ok(UpnDnsInfo {
        upn: account.upn.clone().unwrap_or_else(made),
        dns_domain_name: realm.name().to_string(),
        upn_is_constructed: account.upn.is_none(),
        extended: Some(UpnDnsExtended {
            sam_account_name: account.name.clone(),
            sid: account_sid(realm, account)?,
        }),
    })
}
