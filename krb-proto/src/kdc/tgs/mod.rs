//! The TGS exchange (RFC 4120 section 3.3, MS-KILE 3.3.5.7): one file for each thing that is asked
//! for.

mod client;
mod evidence;
mod filter;
mod header;
mod issue;
mod referral;
mod renew;
mod s4u_proxy;
mod s4u_self;
mod s4u_user;
mod service;
mod user_to_user;

pub(super) use self::header::Header;

use self::client::Client;
use self::header::Origin;
use self::s4u_user::Named;
use super::event::{Asked, Event};
use super::granted::Granted;
use super::lookup::Service;
use super::refusal::Refusal;
use super::request::Request;
use super::state::{self, Use};
use super::target::{Target, no_service, user_to_user_only};
use crate::iana::{ErrorCode, KdcOptions, TicketFlags};
use crate::{Context, Name};

/// Answers a request whose ticket and authenticator are good.
pub(super) fn grant(
    request: &Request<'_>,
    header: &Header<'_>,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::Service;
    event.client = Some(header.tgt.client.clone());
    let realm = request.realm;
    let service = request.service()?;
    event.server = Some(service.clone());
    if request.is_anonymous() {
        let text = "nobody is made nobody with a ticket: only a login does it";
        return refuse(ErrorCode::BADOPTION, text);
    }
    if !realm.is_named(request.body.realm.0) {
        return refuse(ErrorCode::S_PRINCIPAL_UNKNOWN, "the service's realm is not this one");
    }
    let options = request.options();
    let validate = options.contains(KdcOptions::VALIDATE);
    if !validate {
        header.tgt.check_validated()?;
    }
    if header.tgt.flags.contains(TicketFlags::ANONYMOUS) {
        let text = "nobody's ticket is good for armor, and gets no other";
        return refuse(ErrorCode::POLICY, text);
    }
    if Named::is_in(request) && !validate {
        return s4u_self::grant(request, header, service, event, cx);
    }
    let client = Client::of(realm, &header.tgt)?;
    if let Some(account) = client.account {
        state::check(account, Use::Ticket, request.now)?;
    }
    if validate {
        return renew::validate(request, header, &client, service, event, cx);
    }
    if options.contains(KdcOptions::RENEW) {
        return renew::renew(request, header, &client, service, event, cx);
    }
    if options.contains(KdcOptions::CNAME_IN_ADDL_TKT) {
        return s4u_proxy::grant(request, header, &client, service, event, cx);
    }
    let user_to_user = options.contains(KdcOptions::ENC_TKT_IN_SKEY);
    let target = match realm.service(&service) {
        Service::Account(account) | Service::WithoutSpn(account) if user_to_user => {
            event.asked = Asked::UserToUser;
            let key = user_to_user::session_key(request, account)?;
            let target = Target { key: &key, kvno: None, ..Target::account(realm, account)? };
            return service::grant(request, header, &client, service, target, cx);
        }
        Service::Krbtgt | Service::Referral(_) | Service::ChangePassword if user_to_user => {
            return refuse(ErrorCode::BADOPTION, "that service is no other user");
        }
        Service::Krbtgt if matches!(header.tgt.origin, Origin::Here) => {
            return service::forward(request, header, &client, service, event, cx);
        }
        Service::Referral(trust) => {
            return referral::grant(request, header, &client, trust, event, cx);
        }
        Service::ChangePassword => Target::krbtgt(realm)?,
        Service::Account(account) => Target::account(realm, account)?,
        Service::WithoutSpn(_) => return Err(user_to_user_only()),
        Service::Krbtgt => {
            let text = "clients of other realms have their own ticket-granting tickets";
            return refuse(ErrorCode::POLICY, text);
        }
        Service::Unknown => return elsewhere(request, header, &client, &service, event, cx),
    };
    service::grant(request, header, &client, service, target, cx)
}

/// A service that is not here may be in a realm that is trusted; a client that does not ask for
/// referrals gets none (RFC 6806 section 8).
fn elsewhere(
    request: &Request<'_>,
    header: &Header<'_>,
    client: &Client<'_>,
    service: &Name,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let wanted = request.options().contains(KdcOptions::CANONICALIZE);
    match request.realm.realm_of_host(service).filter(|_| wanted) {
        Some(trust) => referral::grant(request, header, client, trust, event, cx),
        None => Err(no_service()),
    }
}

pub(super) fn refuse<T>(code: ErrorCode, text: &'static str) -> Result<T, Refusal> {
    Err(Refusal::new(code, text))
}
