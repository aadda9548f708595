//! The same ticket with another end, or good from now on (RFC 4120 section 3.3.3).

use super::client::Client;
use super::header::{Header, Origin};
use super::issue::{Plan, issue};
use super::{Request, refuse};
use crate::credential::TicketTimes;
use crate::iana::{ErrorCode, TicketFlags};
use crate::kdc::event::{Asked, Event};
use crate::kdc::granted::Granted;
use crate::kdc::lookup::Service;
use crate::kdc::refusal::{Padata, Refusal};
use crate::kdc::target::Target;
use crate::kdc::times::renewed;
use crate::{Context, Name, Principal};

/// Another end, for a ticket that may be renewed.
pub(super) fn renew(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    service: Name,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::Renewal;
    let tgt = &header.tgt;
    if !tgt.flags.contains(TicketFlags::RENEWABLE) {
        return refuse(ErrorCode::BADOPTION, "the ticket may not be renewed");
    }
    let times = renewed(&tgt.times, request.now, &request.realm.policy.lifetimes)?;
    again(request, header, client, service, times, cx)
}

/// A postdated ticket whose time has come.
pub(super) fn validate(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    service: Name,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::Validation;
    let tgt = &header.tgt;
    if !tgt.flags.contains(TicketFlags::INVALID) {
        return refuse(ErrorCode::BADOPTION, "the ticket is no postdated one, or is good already");
    }
    // To the second: a clock that differs is not asked to lend the ticket a few minutes.
    if tgt.times.starttime > request.now {
        return refuse(ErrorCode::TKT_NYV, "the ticket's time has not come");
    }
    again(request, header, client, service, tgt.times, cx)
}

/// Ticket-granting tickets of this realm are made again, and no others.
fn again(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    service: Name,
    times: TicketTimes,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let (realm, tgt) = (request.realm, &header.tgt);
    let is_ours = matches!(tgt.origin, Origin::Here);
    if !is_ours || !matches!(realm.service(&service), Service::Krbtgt) {
        let text = "a ticket is renewed or validated for what it is for, and only ticket-granting \
                    tickets are";
        return refuse(ErrorCode::BADOPTION, text);
    }
    let plan = Plan {
        elsewhere: false,
        client: tgt.client.clone(),
        server: Principal::new(service, realm.name()),
        target: Target::krbtgt(realm)?,
        flags: tgt.flags.without(TicketFlags::INITIAL).without(TicketFlags::INVALID),
        times,
        transited: &tgt.transited,
        pac: Some(client.tgt_pac()),
        padata: Padata::new(),
        inherited: &tgt.authorization_data,
    };
    issue(request, header, plan, cx)
}
