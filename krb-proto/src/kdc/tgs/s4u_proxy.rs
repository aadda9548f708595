//! S4U2Proxy (MS-SFU 3.2.5.2): a ticket to another service in the name of the evidence's client.
//!
//! | e-data | what is missing | section |
//! |---|---|---|
//! | STATUS_NOT_SUPPORTED | the service may delegate to nothing, and the client does not know resource-based delegation | 3.2.5.2.1 |
//! | STATUS_NO_MATCH | the target is not among those that the service may delegate to, or the evidence is not forwardable | 3.2.5.2.1 |
//! | STATUS_NOT_FOUND | the target does not let the service act on behalf of others | 3.2.5.2.3 |
//! | STATUS_ACCOUNT_RESTRICTION | the evidence is not forwardable, or its client must not be delegated | 3.2.5.2.3 |

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::client::Client;
use super::evidence::{self, Evidence};
use super::header::{Header, Origin};
use super::issue::{Plan, derived_flags, issue, knows_rbcd};
use super::{Request, refuse};
use crate::iana::{ErrorCode, KdcOptions, NtStatus, TicketFlags};
use crate::kdc::account::{Account, Trustee};
use crate::kdc::event::{Asked, Event};
use crate::kdc::granted::Granted;
use crate::kdc::lookup::{Service, spn_text};
use crate::kdc::realm::{Realm, fold};
use crate::kdc::refusal::{Padata, Refusal};
use crate::kdc::target::{Target, no_service};
use crate::kdc::times::Wanted;
use crate::kdc::trust::Trust;
use crate::pac::{ClientInfo, DelegationInfo, PacBuilder, Sid};
use crate::{Context, Name, Principal};

/// By which right a service delegates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    /// The service's list: msDS-AllowedToDelegateTo.
    Classic,
    /// The target's: msDS-AllowedToActOnBehalfOfOtherIdentity.
    ResourceBased,
}

pub(super) fn grant(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    service: Name,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::S4uProxy;
    let realm = request.realm;
    let evidence = match client.account {
        Some(account) => evidence::open(request, account)?,
        None if matches!(header.tgt.origin, Origin::Trust(_)) => {
            evidence::open_foreign(request, header)?
        }
        None => return refuse(ErrorCode::BADOPTION, "only accounts of this realm delegate here"),
    };
    event.user = Some(evidence.client.clone());
    let account = match realm.service(&service) {
        Service::Account(account) => account,
        Service::Krbtgt | Service::ChangePassword | Service::Referral(_) => {
            let text = "nothing is delegated to the KDC";
            return refuse(ErrorCode::BADOPTION, text);
        }
        Service::WithoutSpn(_) | Service::Unknown => {
            return match realm.realm_of_host(&service).filter(|_| client.account.is_some()) {
                Some(trust) => refer(request, header, &evidence, &service, trust, cx),
                None => Err(no_service()),
            };
        }
    };
    let right = right(request, client, &evidence, &service, account)?;
    check_forwardable(request, &evidence, right)?;

    let policy = &realm.policy;
    let wanted = Wanted::new(&request.body, request.now, policy)?;
    // The evidence's end does not matter, nor does it to any KDC that was asked; but its client's
    // logon goes on in the ticket.
    let mut times = wanted.derived(request.now, &policy.lifetimes, &header.tgt.times, false)?;
    times.authtime = evidence.authtime;
    let forwardable = evidence.flags.contains(TicketFlags::FORWARDABLE);
    let pac = match client.account {
        Some(account) => {
            delegated(&evidence, format!("{}@{}", account.name(), realm.name()), &service)?
        }
        // Evidence from another realm says so already.
        None => evidence.pac.clone(),
    };
    let plan = Plan {
        elsewhere: false,
        client: evidence.client.clone(),
        target: Target::account(realm, account)?,
        flags: derived_flags(request, header.tgt.flags, &times, forwardable),
        times,
        transited: &evidence.transited,
        pac: Some(pac),
        server: Principal::new(service, realm.name()),
        padata: Padata::new(),
        inherited: &evidence.authorization_data,
    };
    issue(request, header, plan, cx)
}

fn no(status: NtStatus, text: &'static str) -> Refusal {
    Refusal::new(ErrorCode::BADOPTION, text).with_status(status)
}

/// MS-SFU 3.2.5.2.1 and 3.2.5.2.3: the service's list counts first, then the target's, if the client
/// knows of that.
fn right(
    request: &Request<'_>,
    client: &Client<'_>,
    evidence: &Evidence,
    service: &Name,
    target: &Account,
) -> Result<Right, Refusal> {
    let list = client.account.map_or(&[][..], |account| &account.allowed_to_delegate_to);
    if !evidence.from_other_realm && is_listed(list, service) {
        return Ok(Right::Classic);
    }
    if !knows_rbcd(request) {
        return Err(if list.is_empty() {
            let text = "the service may delegate to nothing";
            no(NtStatus::NOT_SUPPORTED, text)
        } else {
            let text = "the target is not among those that the service may delegate to";
            no(NtStatus::NO_MATCH, text)
        });
    }
    if may_act(request.realm, target, &client.sids()?) {
        return Ok(Right::ResourceBased);
    }
    let text =
        "neither may the service delegate to the target, nor does that let it act for others";
    Err(no(NtStatus::NOT_FOUND, text))
}

fn is_listed(list: &[String], service: &Name) -> bool {
    spn_text(service).is_some_and(|spn| list.iter().any(|listed| fold(listed) == spn))
}

/// The access check of MS-SFU 3.2.5.2.3, with what the delegating service's PAC says it is.
fn may_act(realm: &Realm, target: &Account, sids: &[Sid]) -> bool {
    target.allowed_to_act.iter().any(|trustee| match trustee {
        Trustee::Account(name) => {
            let sid = realm.account(name).and_then(|account| realm.sid(account));
            sid.is_some_and(|sid| sids.contains(&sid))
        }
        Trustee::Sid(sid) => sids.contains(sid),
        Trustee::Access(sid, mask) => mask & Trustee::CONTROL_ACCESS != 0 && sids.contains(sid),
    })
}

/// Evidence that is not forwardable is good for nothing, except in the letter of MS-SFU 3.2.5.2.3,
/// which asks whether its client must not be delegated.
fn check_forwardable(
    request: &Request<'_>,
    evidence: &Evidence,
    right: Right,
) -> Result<(), Refusal> {
    if evidence.flags.contains(TicketFlags::FORWARDABLE) {
        return Ok(());
    }
    let (realm, compat) = (request.realm, request.realm.policy.compat);
    let text = "the evidence is not forwardable";
    if right == Right::Classic {
        // What MS-SFU prints, and what Windows was seen to say.
        let status =
            if compat.is_strict() { NtStatus::NO_MATCH } else { NtStatus::ACCOUNT_RESTRICTION };
        return Err(no(status, text));
    }
    let user = realm.is_named(&evidence.client.realm).then(|| realm.client(&evidence.client.name));
    let sensitive = user.flatten().is_none_or(Account::is_sensitive);
    if sensitive || !compat.takes_evidence_not_forwardable() {
        return Err(no(NtStatus::ACCOUNT_RESTRICTION, text));
    }
    Ok(())
}

/// The evidence's PAC, with through whose hands it came (MS-PAC 2.9).
fn delegated(evidence: &Evidence, by: String, target: &Name) -> Result<PacBuilder, Refusal> {
    let before = evidence.delegation.iter().flat_map(|info| info.transited_services.iter());
    let transited_services: Vec<_> = before.cloned().chain([by]).collect();
    let info = DelegationInfo { proxy_target: target.to_string(), transited_services };
    Ok(evidence.pac.clone().with(&info)?)
}

/// The target is in another realm: a ticket-granting ticket for its KDC in the user's name, which the
/// service shows there beside one of its own (MS-SFU 3.2.5.2.2).
fn refer(
    request: &Request<'_>,
    header: &Header<'_>,
    evidence: &Evidence,
    service: &Name,
    trust: &Trust,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let realm = request.realm;
    if !knows_rbcd(request) || !request.options().contains(KdcOptions::CANONICALIZE) {
        let text = "the target is in another realm, where only resource-based delegation leads";
        return Err(no(NtStatus::NOT_SUPPORTED, text));
    }
    check_forwardable(request, evidence, Right::ResourceBased)?;
    let policy = &realm.policy;
    let wanted = Wanted::new(&request.body, request.now, policy)?;
    let mut times = wanted.derived(request.now, &policy.lifetimes, &header.tgt.times, false)?;
    times.authtime = evidence.authtime;
    let forwardable = evidence.flags.contains(TicketFlags::FORWARDABLE);
    // The name by which the next KDC knows the service that asks.
    let pac = delegated(evidence, header.tgt.client.to_string(), service)?;
    // With the user's realm in it, so that the ticket is no ticket-granting ticket of the user's.
    let text = "the client's name is not UTF-8";
    let info = ClientInfo::with_realm(&evidence.client, evidence.authtime)
        .ok_or(Refusal::new(ErrorCode::C_PRINCIPAL_UNKNOWN, text))?;
    let pac = pac.with(&info)?;
    let plan = Plan {
        elsewhere: false,
        client: evidence.client.clone(),
        server: Principal::new(Name::krbtgt(trust.realm().as_bytes()), realm.name()),
        target: Target::trust(trust)?,
        flags: derived_flags(request, header.tgt.flags, &times, forwardable),
        times,
        transited: &evidence.transited,
        pac: Some(pac),
        padata: Padata::new(),
        inherited: &evidence.authorization_data,
    };
    issue(request, header, plan, cx)
}
