//! The additional tickets of a request: a service's own ticket-granting ticket for user-to-user, and
//! the evidence of S4U2Proxy.

use alloc::vec::Vec;

use super::client::{Client, revoked};
use super::header::{Header, Origin, Tgt, beside_pac};
use super::referral::transited;
use super::{Request, refuse};
use crate::Principal;
use crate::asn1::{EncTicketPart, Ticket};
use crate::authorization;
use crate::crypto::decrypt_with_any;
use crate::der;
use crate::iana::{ErrorCode, KeyUsage, TicketFlags};
use crate::kdc::account::Account;
use crate::kdc::lookup::Service;
use crate::kdc::pac::account_sid;
use crate::kdc::realm::Realm;
use crate::kdc::refusal::Refusal;
use crate::kdc::state::{self, Use};
use crate::pac::{ClientInfo, DelegationInfo, LogonInfo, Pac, PacBuilder, PacError, VerifiedPac};
use crate::{KerberosTime, Name};

/// A ticket that shows that a user came to the service, or that the service may say so.
pub(super) struct Evidence {
    pub(super) client: Principal,
    pub(super) flags: TicketFlags,
    pub(super) authtime: KerberosTime,
    pub(super) transited: Vec<u8>,
    /// AuthorizationData beside the PAC, DER; empty if there is none.
    pub(super) authorization_data: Vec<u8>,
    pub(super) pac: PacBuilder,
    /// The services through whose hands it came already.
    pub(super) delegation: Option<DelegationInfo>,
    /// It came from another realm, which has looked at the delegating service's rights.
    pub(super) from_other_realm: bool,
}

/// The first additional ticket.
pub(super) fn additional_ticket<'a>(request: &Request<'a>) -> Result<Ticket<'a>, Refusal> {
    let tickets = request.body.additional_tickets;
    match tickets.iter().flat_map(|tickets| tickets.iter()).next() {
        Some(ticket) => Ok(*ticket),
        None => refuse(ErrorCode::BADOPTION, "the request has no additional ticket"),
    }
}

/// Another one than the request's own account must not have been the ticket's service.
fn is_for(realm: &Realm, name: &Name, account: &Account) -> bool {
    match realm.service(name) {
        Service::Account(found) | Service::WithoutSpn(found) => found.rid == account.rid,
        _ => false,
    }
}

/// Opens evidence for a service of this realm: it must be for that service, unchanged since a KDC of
/// this realm made it (CVE-2020-17049), and of somebody who may still be impersonated.
pub(super) fn open(request: &Request<'_>, service: &Account) -> Result<Evidence, Refusal> {
    let realm = request.realm;
    let ticket = additional_ticket(request)?;
    let name = ticket.sname.to_name();
    if !realm.is_named(ticket.realm.0) || !is_for(realm, &name, service) {
        return refuse(ErrorCode::BADOPTION, "the evidence is not a ticket for the service");
    }
    let sealed = ticket.enc_part;
    let keys = service.keys.candidates(sealed.etype, sealed.kvno.map(|kvno| kvno.get()));
    let opened = decrypt_with_any(keys, sealed.etype, KeyUsage::TICKET, sealed.cipher);
    let Some(Ok((key, plaintext))) = opened else {
        return refuse(ErrorCode::BAD_INTEGRITY, "the evidence does not decrypt");
    };
    let unreadable = |_| Refusal::new(ErrorCode::BAD_INTEGRITY, "the evidence cannot be read");
    let part: EncTicketPart<'_> = der::decode(&plaintext).map_err(unreadable)?;
    if part.endtime <= request.now {
        return refuse(ErrorCode::TKT_EXPIRED, "the evidence has expired");
    }
    let beside = part.authorization_data.map(|data| beside_pac(&data));
    let beside = beside.transpose().map_err(unreadable)?.unwrap_or_default();
    let data = part.authorization_data.map(|data| authorization::find_pac(&data));
    let bytes = data.transpose().map_err(unreadable)?.flatten();
    let bytes = bytes.ok_or(revoked("the evidence has no PAC"))?;
    let modified = |_: PacError| {
        Refusal::new(ErrorCode::MODIFIED, "the evidence or its PAC was changed by somebody")
    };
    let pac = Pac::parse(bytes).and_then(|pac| pac.verify_server_signature(&key));
    let pac = pac.map_err(modified)?;
    let mut krbtgt = realm.krbtgt_keys().every();
    if !krbtgt.any(|krbtgt| pac.verify_kdc_signatures(krbtgt, &part).is_ok()) {
        return refuse(
            ErrorCode::MODIFIED,
            "the evidence has not the signatures of a KDC of this realm",
        );
    }
    let client = part.cname.in_realm(part.crealm);
    check_client(request, &client, &pac, part.authtime)?;
    Ok(Evidence {
        client,
        flags: TicketFlags(part.flags.bits()),
        authtime: part.authtime,
        transited: part.transited.contents.to_vec(),
        authorization_data: beside,
        delegation: pac.get().map_err(modified)?,
        pac: PacBuilder::from_pac(pac.as_pac()),
        from_other_realm: false,
    })
}

/// The evidence's client, if it is of this realm, as it is now.
fn check_client(
    request: &Request<'_>,
    client: &Principal,
    pac: &VerifiedPac<'_>,
    authtime: KerberosTime,
) -> Result<(), Refusal> {
    let realm = request.realm;
    let not_theirs = || revoked("the evidence's PAC is of another client");
    let info: Option<ClientInfo> = pac.get().map_err(|_| not_theirs())?;
    let info = info.ok_or_else(not_theirs)?;
    info.check(&client.name, authtime).map_err(|_| not_theirs())?;
    if !realm.is_named(&client.realm) {
        return Ok(());
    }
    let Some(account) = realm.client(&client.name) else {
        return refuse(ErrorCode::C_PRINCIPAL_UNKNOWN, "the evidence's client is gone");
    };
    let info: Option<LogonInfo> = pac.get().map_err(|_| not_theirs())?;
    let sid = info.and_then(|info| info.user_sid().ok());
    if sid != Some(account_sid(realm, account)?) {
        return Err(revoked("the evidence's client is another account now"));
    }
    state::check(account, Use::Delegated, request.now)
}

/// Opens evidence that comes from another realm, by which a service of that realm delegates here
/// (MS-SFU 3.2.5.2.2): a ticket-granting ticket of the user's, made for this service and target.
pub(super) fn open_foreign<'r>(
    request: &Request<'r>,
    header: &Header<'r>,
) -> Result<Evidence, Refusal> {
    let tgt = Tgt::open(request.realm, &additional_ticket(request)?)?;
    let Origin::Trust(trust) = tgt.origin else {
        return refuse(ErrorCode::BADOPTION, "the evidence is not from another realm");
    };
    tgt.check_times(request.now, request.realm.policy.skew)?;
    let client = Client::delegated(request.realm, &tgt, trust)?;
    let delegation = client.delegation()?;
    let service = alloc::format!("{}", header.tgt.client);
    let by = delegation.as_ref().and_then(|info| info.transited_services.last());
    if by != Some(&service) {
        let text = "the evidence is not the service's that asks";
        return refuse(ErrorCode::BADOPTION, text);
    }
    Ok(Evidence {
        client: tgt.client.clone(),
        flags: tgt.flags,
        authtime: tgt.times.authtime,
        transited: transited(&tgt, &tgt.client.realm)?,
        authorization_data: tgt.authorization_data.clone(),
        pac: client.pac,
        delegation,
        from_other_realm: true,
    })
}
