//! A ticket for a service, or for the KDC itself (RFC 4120 section 3.3.3).

use super::client::Client;
use super::header::Header;
use super::issue::{Plan, derived_flags, issue};
use super::referral::transited;
use super::{Request, refuse};
use crate::iana::{ErrorCode, KdcOptions, TicketFlags};
use crate::kdc::event::{Asked, Event};
use crate::kdc::granted::Granted;
use crate::kdc::refusal::{Padata, Refusal};
use crate::kdc::target::Target;
use crate::kdc::times::Wanted;
use crate::{Context, Name, Principal};

/// A ticket of the client for a service.
pub(super) fn grant(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    service: Name,
    target: Target<'_>,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let (realm, tgt) = (request.realm, &header.tgt);
    let policy = &realm.policy;
    let times = Wanted::new(&request.body, request.now, policy)?.derived(
        request.now,
        &policy.lifetimes,
        &tgt.times,
        // Only ticket-granting tickets are validated here.
        false,
    )?;
    let mut flags = derived_flags(request, tgt.flags, &times, true);
    let proxy = request.options().contains(KdcOptions::PROXY);
    if request.options().contains(KdcOptions::FORWARDED) {
        let text = "a ticket-granting ticket is forwarded, and nothing else";
        return refuse(ErrorCode::BADOPTION, text);
    }
    if proxy {
        if !tgt.flags.contains(TicketFlags::PROXIABLE) {
            return refuse(ErrorCode::BADOPTION, "the ticket-granting ticket is not proxiable");
        }
        flags |= TicketFlags::PROXY;
    }
    let transited = transited(tgt, &tgt.client.realm)?;
    let without_pac = client.without_pac && policy.compat.honours_no_pac();
    let plan = Plan {
        elsewhere: proxy,
        client: tgt.client.clone(),
        server: Principal::new(service, realm.name()),
        target,
        flags,
        times,
        transited: &transited,
        pac: (!without_pac).then(|| client.pac.clone()),
        padata: Padata::new(),
        inherited: &tgt.authorization_data,
    };
    issue(request, header, plan, cx)
}

/// Another ticket-granting ticket of this realm, forwarded if that is asked for.
pub(super) fn forward(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    service: Name,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::Forwarding;
    let (realm, tgt) = (request.realm, &header.tgt);
    let policy = &realm.policy;
    if request.options().contains(KdcOptions::PROXY) {
        let text = "a ticket-granting ticket is forwarded, not proxied";
        return refuse(ErrorCode::BADOPTION, text);
    }
    let times = Wanted::new(&request.body, request.now, policy)?.derived(
        request.now,
        &policy.lifetimes,
        &tgt.times,
        tgt.flags.contains(TicketFlags::MAY_POSTDATE),
    )?;
    let mut flags = derived_flags(request, tgt.flags, &times, true);
    let forwarded = request.options().contains(KdcOptions::FORWARDED);
    if forwarded {
        if !tgt.flags.contains(TicketFlags::FORWARDABLE) {
            return refuse(ErrorCode::BADOPTION, "the ticket-granting ticket is not forwardable");
        }
        flags |= TicketFlags::FORWARDED;
    }
    let plan = Plan {
        elsewhere: forwarded,
        client: tgt.client.clone(),
        server: Principal::new(service, realm.name()),
        target: Target::krbtgt(realm)?,
        flags,
        times,
        transited: &tgt.transited,
        pac: Some(client.tgt_pac()),
        padata: Padata::new(),
        inherited: &tgt.authorization_data,
    };
    issue(request, header, plan, cx)
}
