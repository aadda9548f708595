//! The same ticket with another end (RFC 4120 section 3.3.3).

use super::client::Client;
use super::header::{Header, Origin};
use super::issue::{Plan, issue};
use super::{Request, refuse};
use crate::iana::{ErrorCode, TicketFlags};
use crate::kdc::event::{Asked, Event};
use crate::kdc::granted::Granted;
use crate::kdc::lookup::Service;
use crate::kdc::refusal::{Padata, Refusal};
use crate::kdc::target::Target;
use crate::kdc::times::renewed;
use crate::{Context, Name, Principal};

/// Ticket-granting tickets of this realm are renewed, and no others.
pub(super) fn grant(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    service: Name,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::Renewal;
    let (realm, tgt) = (request.realm, &header.tgt);
    let is_ours = matches!(tgt.origin, Origin::Here);
    if !is_ours || !matches!(realm.service(&service), Service::Krbtgt) {
        let text = "a ticket is renewed for what it is for, and only ticket-granting tickets are";
        return refuse(ErrorCode::BADOPTION, text);
    }
    if !tgt.flags.contains(TicketFlags::RENEWABLE) {
        return refuse(ErrorCode::BADOPTION, "the ticket may not be renewed");
    }
    let plan = Plan {
        elsewhere: false,
        client: tgt.client.clone(),
        server: Principal::new(service, realm.name()),
        target: Target::krbtgt(realm)?,
        flags: tgt.flags.without(TicketFlags::INITIAL),
        times: renewed(&tgt.times, request.now, &realm.policy.lifetimes)?,
        transited: &tgt.transited,
        pac: Some(client.tgt_pac()),
        padata: Padata::new(),
        inherited: &tgt.authorization_data,
    };
    issue(request, header, plan, cx)
}
