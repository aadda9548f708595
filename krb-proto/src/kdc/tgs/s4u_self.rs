//! S4U2Self (MS-SFU 3.2.5.1): a ticket for the service that asks, in the name of a user that it
//! names.
//!
//! The user's realm and the service's may differ (MS-SFU 3.2.5.1.1). Then the service asks in the
//! user's realm first, and what it gets is a ticket-granting ticket of its own for the way back, with
//! the user's PAC in it; its own realm makes the ticket of that.

use super::client::Client;
use super::header::{Header, Origin};
use super::issue::{Plan, derived_flags, issue};
use super::referral;
use super::s4u_user::Named;
use super::user_to_user;
use super::{Request, refuse};
use crate::crypto::Key;
use crate::iana::{ErrorCode, KdcOptions, NtStatus, S4uOptions};
use crate::kdc::account::Account;
use crate::kdc::event::{Asked, Event};
use crate::kdc::granted::Granted;
use crate::kdc::lookup::Service;
use crate::kdc::pac::{Asserted, account_pac, account_sid};
use crate::kdc::realm::Realm;
use crate::kdc::refusal::Refusal;
use crate::kdc::state::{self, Use};
use crate::kdc::target::{Target, user_to_user_only};
use crate::kdc::times::Wanted;
use crate::kdc::trust::Trust;
use crate::pac::{ClientInfo, PacBuilder, Requestor};
use crate::{Context, Name, Principal};

pub(super) fn grant(
    request: &Request<'_>,
    header: &Header<'_>,
    service: Name,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::S4uSelf;
    let other = [
        KdcOptions::FORWARDED,
        KdcOptions::PROXY,
        KdcOptions::RENEW,
        KdcOptions::CNAME_IN_ADDL_TKT,
    ];
    if other.iter().any(|option| request.options().contains(*option)) {
        return refuse(ErrorCode::BADOPTION, "S4U2Self is asked for, and something else with it");
    }
    let (realm, tgt) = (request.realm, &header.tgt);
    let named = Named::read(request, header)?;
    if let Some(name) = &named.name {
        event.user = Some(Principal::new(name.clone(), &named.realm));
    }
    let (service_is_ours, user_is_ours) =
        (realm.is_named(&tgt.client.realm), realm.is_named(&named.realm));
    match tgt.origin {
        Origin::Here if service_is_ours && user_is_ours => {
            let client = Client::of(realm, tgt)?;
            let service = own_service(request, &client, service)?;
            let (account, user) = user(realm, &named)?;
            check_user(request, account, &named)?;
            let pac =
                account_pac(realm, account, Asserted::ByService, &user.name, tgt.times.authtime)?;
            let sensitive = account.is_sensitive();
            finish(request, header, service, &named, user, pac, sensitive, cx)
        }
        Origin::Here if service_is_ours => {
            let trusted = realm.trusts().any(|trust| trust.realm().as_bytes() == named.realm);
            if trusted {
                refuse(ErrorCode::POLICY, "the user's own realm is to be asked first")
            } else {
                refuse(ErrorCode::C_PRINCIPAL_UNKNOWN, "no such realm")
            }
        }
        Origin::Trust(_) if !service_is_ours && user_is_ours => {
            Client::of(realm, tgt)?;
            not_a_kdc(realm, &service)?;
            let (account, user) = user(realm, &named)?;
            check_user(request, account, &named)?;
            let authtime = tgt.times.authtime;
            let pac = account_pac(realm, account, Asserted::ByService, &user.name, authtime)?;
            let info = ClientInfo::with_realm(&user, authtime).ok_or_else(not_text)?;
            let pac = pac.with(&info)?.with(&Requestor(account_sid(realm, account)?))?;
            back(request, header, &named, &user, pac, !account.is_sensitive(), cx)
        }
        Origin::Trust(trust) if service_is_ours => {
            let client = Client::returned(realm, tgt, trust)?;
            let user = returned_user(realm, &client, &named, trust, header)?;
            let service = own_service(request, &client, service)?;
            let info = ClientInfo::new(&user.name, tgt.times.authtime).ok_or_else(not_text)?;
            let pac = client.pac.clone().with(&info)?;
            finish(request, header, service, &named, user, pac, false, cx)
        }
        Origin::Trust(trust) if trust.transitive => {
            let client = Client::in_transit(tgt, trust)?;
            let user = returned_user(realm, &client, &named, trust, header)?;
            back(request, header, &named, &user, client.tgt_pac(), true, cx)
        }
        _ => refuse(ErrorCode::POLICY, "neither the user nor the service is of this realm"),
    }
}

fn not_text() -> Refusal {
    Refusal::new(ErrorCode::C_PRINCIPAL_UNKNOWN, "the user's name is not UTF-8")
}

/// The service itself, by one of its names.
struct OwnService<'r> {
    account: &'r Account,
    name: Name,
    /// The session key of its own ticket-granting ticket, if it wants the ticket under that.
    user_to_user: Option<Key>,
}

fn own_service<'r>(
    request: &Request<'r>,
    client: &Client<'r>,
    name: Name,
) -> Result<OwnService<'r>, Refusal> {
    let user_to_user = request.options().contains(KdcOptions::ENC_TKT_IN_SKEY);
    let account = match request.realm.service(&name) {
        Service::Account(account) => account,
        Service::WithoutSpn(account) if user_to_user => account,
        Service::WithoutSpn(account) if Some(account.rid) == client.account.map(|it| it.rid) => {
            return Err(user_to_user_only());
        }
        _ => return another(),
    };
    if Some(account.rid) != client.account.map(|asks| asks.rid) {
        return another();
    }
    state::check(account, Use::Ticket, request.now)?;
    let key = user_to_user.then(|| user_to_user::session_key(request, account)).transpose()?;
    Ok(OwnService { account, name, user_to_user: key })
}

fn another<T>() -> Result<T, Refusal> {
    refuse(ErrorCode::BADMATCH, "S4U2Self is for the service that asks, and for no other")
}

/// The service of another realm is named, not the KDC of its realm.
fn not_a_kdc(realm: &Realm, service: &Name) -> Result<(), Refusal> {
    if service.is_krbtgt() || matches!(realm.service(service), Service::Account(_)) {
        return another();
    }
    Ok(())
}

/// The account of a user of this realm, and the name that the ticket gets: the sent one, to the
/// letter; by certificate alone the account's.
fn user<'r>(realm: &'r Realm, named: &Named) -> Result<(&'r Account, Principal), Refusal> {
    let unknown = || {
        Refusal::new(ErrorCode::C_PRINCIPAL_UNKNOWN, "no such user")
            .with_status(NtStatus::NO_SUCH_USER)
    };
    if realm.policy.compat.is_strict() && named.realm != realm.name().as_bytes() {
        return refuse(ErrorCode::POLICY, "the user's realm is written in another case");
    }
    let by_name = named.name.as_ref().map(|name| realm.client(name).ok_or_else(unknown));
    let by_name = by_name.transpose()?;
    let certificate = named.certificate.as_ref();
    let certified = certificate.map(|der| realm.by_certificate(der).ok_or_else(unknown));
    let account = match (by_name, certified.transpose()?) {
        (Some(one), Some(other)) if one.rid != other.rid => {
            let text = "the certificate is another user's";
            return refuse(ErrorCode::C_PRINCIPAL_UNKNOWN, text);
        }
        (Some(account), _) | (None, Some(account)) => account,
        (None, None) => return Err(unknown()),
    };
    let name = named.name.clone().unwrap_or_else(|| Name::user(account.name()));
    Ok((account, Principal::new(name, &named.realm)))
}

fn check_user(request: &Request<'_>, account: &Account, named: &Named) -> Result<(), Refusal> {
    state::check(account, Use::Impersonated, request.now)?;
    let options = named.id.map_or(S4uOptions::NONE, |(_, options)| options);
    if options.contains(S4uOptions::CHECK_LOGON_HOURS) {
        state::check_logon_hours(account, request.now)?;
    }
    Ok(())
}

/// The user that another realm's KDC vouches for must be the one that the service names, and none of
/// ours, for whom no other realm speaks, however far it is trusted.
fn returned_user(
    realm: &Realm,
    client: &Client<'_>,
    named: &Named,
    trust: &Trust,
    header: &Header<'_>,
) -> Result<Principal, Refusal> {
    let authtime = header.tgt.times.authtime;
    let user = match &named.name {
        Some(name) => Principal::new(name.clone(), &named.realm),
        // By certificate: the name that the user's KDC has found.
        None => {
            let text = client.pac_name.name.rsplit_once('@').map_or("", |(name, _)| name);
            Principal::new(Name::user(text), &named.realm)
        }
    };
    let vouched = ClientInfo::with_realm(&user, authtime).is_some_and(|it| it == client.pac_name);
    let speaks = trust.realm().as_bytes() == user.realm
        || (trust.transitive && !realm.is_named(&user.realm));
    if !vouched || !speaks {
        let text = "the user's realm vouches for somebody else";
        return refuse(ErrorCode::BADMATCH, text);
    }
    Ok(user)
}

/// The ticket for the service itself. It is forwardable if the service is trusted to have seen the
/// user (TRUSTED_TO_AUTH_FOR_DELEGATION), or may delegate to nothing by itself, so that only others
/// can let it (MS-SFU 3.2.5.1.2); and never if the user must not be delegated.
#[allow(clippy::too_many_arguments)] // each is another thing
fn finish(
    request: &Request<'_>,
    header: &Header<'_>,
    service: OwnService<'_>,
    named: &Named,
    user: Principal,
    pac: PacBuilder,
    sensitive: bool,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let (realm, tgt, account) = (request.realm, &header.tgt, service.account);
    let policy = &realm.policy;
    let wanted = Wanted::new(&request.body, request.now, policy)?;
    let times = wanted.derived(request.now, &policy.lifetimes, &tgt.times, false)?;
    let transited = referral::transited(tgt, &user.realm)?;
    let trusted =
        account.trusted_to_auth_for_delegation || account.allowed_to_delegate_to.is_empty();
    let mut target = Target::account(realm, account)?;
    if let Some(key) = &service.user_to_user {
        target = Target { key, kvno: None, ..target };
    }
    let plan = Plan {
        elsewhere: false,
        padata: named.reply(&user, header.reply_key().0)?,
        client: user,
        server: Principal::new(service.name, realm.name()),
        target,
        flags: derived_flags(request, tgt.flags, &times, trusted && !sensitive),
        times,
        transited: &transited,
        pac: Some(pac),
        // What the service's own ticket says is not said of the user.
        inherited: &[],
    };
    issue(request, header, plan, cx)
}

/// The way back to the service's realm.
fn back(
    request: &Request<'_>,
    header: &Header<'_>,
    named: &Named,
    user: &Principal,
    pac: PacBuilder,
    forwardable: bool,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let realm = request.realm;
    let there = core::str::from_utf8(&header.tgt.client.realm).ok();
    let trust = there.and_then(|there| realm.trust(there).or_else(|| realm.trust_towards(there)));
    let Some(trust) = trust else {
        return refuse(ErrorCode::POLICY, "no way leads back to the service's realm");
    };
    let padata = named.reply(user, header.reply_key().0)?;
    referral::to(request, header, trust, pac, forwardable, padata, cx)
}
