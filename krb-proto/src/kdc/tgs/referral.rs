//! Tickets for the KDCs of other realms (RFC 4120 section 3.3.3.2, RFC 6806 section 8).

use alloc::vec::Vec;

use super::client::Client;
use super::header::{Header, Origin, Tgt};
use super::issue::{Plan, derived_flags, issue};
use super::{Request, refuse};
use crate::iana::{ErrorCode, TicketFlags};
use crate::kdc::event::{Asked, Event};
use crate::kdc::granted::Granted;
use crate::kdc::refusal::{Padata, Refusal};
use crate::kdc::target::Target;
use crate::kdc::times::Wanted;
use crate::kdc::trust::Trust;
use crate::pac::PacBuilder;
use crate::{Context, Name, Principal};

/// The realms that a ticket from here has passed through: those of the one that it is asked for with,
/// and the realm that made that, unless it is the client's.
pub(super) fn transited(tgt: &Tgt<'_>, client_realm: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut realms = tgt.transited.clone();
    let Origin::Trust(trust) = tgt.origin else { return Ok(realms) };
    if trust.realm().as_bytes() == client_realm {
        // Who comes straight from home has passed through nothing.
        if realms.is_empty() {
            return Ok(realms);
        }
    } else {
        if !realms.is_empty() {
            realms.push(b',');
        }
        realms.extend_from_slice(trust.realm().as_bytes());
    }
    if !trust.transitive {
        let text = "the ticket passed through realms that are not trusted so far";
        return refuse(ErrorCode::PATH_NOT_ACCEPTED, text);
    }
    Ok(realms)
}

/// A referral of the request's client.
pub(super) fn grant(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    trust: &Trust,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::Referral;
    to(request, header, trust, client.tgt_pac(), true, Padata::new(), cx)
}

/// A ticket-granting ticket of the request's client for a trusted realm.
pub(super) fn to(
    request: &Request<'_>,
    header: &Header<'_>,
    trust: &Trust,
    pac: PacBuilder,
    forwardable: bool,
    padata: Padata,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let (realm, tgt) = (request.realm, &header.tgt);
    let policy = &realm.policy;
    let wanted = Wanted::new(&request.body, request.now, policy)?;
    let times = wanted.derived(request.now, &policy.lifetimes, &tgt.times, false)?;
    let mut flags = derived_flags(request, tgt.flags, &times, forwardable);
    if trust.delegation {
        flags |= TicketFlags::OK_AS_DELEGATE;
    }
    let transited = transited(tgt, &tgt.client.realm)?;
    let plan = Plan {
        elsewhere: false,
        client: tgt.client.clone(),
        server: Principal::new(Name::krbtgt(trust.realm().as_bytes()), realm.name()),
        target: Target::trust(trust)?,
        flags,
        times,
        transited: &transited,
        pac: Some(pac),
        padata,
        inherited: &tgt.authorization_data,
    };
    issue(request, header, plan, cx)
}
