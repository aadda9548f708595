//! The TGS exchange (RFC 4120 section 3.3, MS-KILE 3.3.5.7): one file for each thing that is asked
//! for.

mod client;
mod header;
mod issue;
mod service;

use self::client::Client;
pub(super) use self::header::Header;
use self::header::Origin;
use super::event::{Asked, Event};
use super::granted::Granted;
use super::lookup::Service;
use super::refusal::Refusal;
use super::request::Request;
use super::state::{self, Use};
use super::target::{Target, no_service, user_to_user_only};
use crate::Context;
use crate::iana::{ErrorCode, KdcOptions};

pub(super) fn grant(
    request: &Request<'_>,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::Service;
    event.server = request.service().ok();
    let header = Header::verify(request)?;
    event.client = Some(header.tgt.client.clone());
    answer(request, &header, event, cx)
}

/// Answers a request whose ticket and authenticator are good.
fn answer(
    request: &Request<'_>,
    header: &Header<'_>,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let realm = request.realm;
    let service = request.service()?;
    request.refuse_what_is_not_done()?;
    if !realm.is_named(request.body.realm.0) {
        return refuse(ErrorCode::S_PRINCIPAL_UNKNOWN, "the service's realm is not this one");
    }
    let options = request.options();
    let not_yet = KdcOptions::RENEW | KdcOptions::ENC_TKT_IN_SKEY | KdcOptions::CNAME_IN_ADDL_TKT;
    if options.0 & not_yet.0 != 0 {
        return refuse(ErrorCode::BADOPTION, "not done here");
    }
    let client = match header.tgt.origin {
        Origin::Here => Client::of_this_realm(realm, &header.tgt)?,
        Origin::Trust(_) => return refuse(ErrorCode::POLICY, "no clients of other realms"),
    };
    if let Some(account) = client.account {
        state::check(account, Use::Ticket, request.now)?;
    }
    let target = match realm.service(&service) {
        Service::Krbtgt => {
            return service::forward(request, header, &client, service, event, cx);
        }
        Service::ChangePassword => Target::krbtgt(realm)?,
        Service::Account(account) => Target::account(realm, account)?,
        Service::WithoutSpn(_) => return Err(user_to_user_only()),
        Service::Referral(_) | Service::Unknown => return Err(no_service()),
    };
    service::grant(request, header, &client, service, target, cx)
}

pub(super) fn refuse<T>(code: ErrorCode, text: &'static str) -> Result<T, Refusal> {
    Err(Refusal::new(code, text))
}
