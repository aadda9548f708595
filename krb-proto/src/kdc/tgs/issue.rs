//! What all tickets from the TGS have in common.

use alloc::vec::Vec;

use super::Request;
use super::header::Header;
use crate::asn1::{AuthorizationData, AuthorizationDataElement};
use crate::credential::TicketTimes;
use crate::der::{self, DecodeError};
use crate::iana::{AdType, ErrorCode, KdcOptions, KeyUsage, PaType, PacOptions, TicketFlags};
use crate::kdc::granted::{Granted, borrow_addresses};
use crate::kdc::refusal::{Padata, Refusal};
use crate::kdc::request::supported_enctypes;
use crate::kdc::target::{Target, krbtgt_key};
use crate::kdc::ticket::{NewTicket, TicketKeys};
use crate::kdc::times::postdated;
use crate::pac::PacBuilder;
use crate::preauth::pac_options;
use crate::{Context, Principal};

/// A ticket that is to be made.
pub(super) struct Plan<'a> {
    pub(super) client: Principal,
    pub(super) server: Principal,
    pub(super) target: Target<'a>,
    pub(super) flags: TicketFlags,
    pub(super) times: TicketTimes,
    pub(super) transited: &'a [u8],
    pub(super) pac: Option<PacBuilder>,
    pub(super) padata: Padata,
    /// It may be used from the addresses that the request names, not from the header ticket's: what
    /// forwarding and proxies are for.
    pub(super) elsewhere: bool,
    /// AuthorizationData of the ticket that it comes of, DER; empty if there is none.
    pub(super) inherited: &'a [u8],
}

/// The flags that a ticket has from the one it is asked for with. `may_be_forwarded` is what else
/// forwarding depends on.
pub(super) fn derived_flags(
    request: &Request<'_>,
    from: TicketFlags,
    times: &TicketTimes,
    may_be_forwarded: bool,
) -> TicketFlags {
    let kept = TicketFlags::FORWARDED
        | TicketFlags::PROXY
        | TicketFlags::PRE_AUTHENT
        | TicketFlags::HW_AUTHENT;
    let mut flags = TicketFlags(from.0 & kept.0) | TicketFlags::TRANSITED_POLICY_CHECKED;
    let options = request.options();
    for (option, flag) in [
        (KdcOptions::FORWARDABLE, TicketFlags::FORWARDABLE),
        (KdcOptions::PROXIABLE, TicketFlags::PROXIABLE),
        (KdcOptions::ALLOW_POSTDATE, TicketFlags::MAY_POSTDATE),
    ] {
        if options.contains(option) && from.contains(flag) && may_be_forwarded {
            flags |= flag;
        }
    }
    if times.renew_till.is_some() {
        flags |= TicketFlags::RENEWABLE;
    }
    flags | postdated(options)
}

pub(super) fn issue(
    request: &Request<'_>,
    header: &Header<'_>,
    plan: Plan<'_>,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    let Plan { client, server, target, mut flags, times, transited, pac, padata, .. } = plan;
    if target.account.is_some_and(|account| account.trusted_for_delegation) {
        flags |= TicketFlags::OK_AS_DELEGATE;
    }
    let session_key = request.session_key(target.enctypes, cx.rng)?;
    let plaintext = open_authorization_data(request, header)?;
    let sent = authorization_data(&plaintext)?;
    let elements = [elements(plan.inherited)?, sent].concat();
    let addresses = if plan.elsewhere { request.addresses() } else { header.tgt.addresses.clone() };
    let ticket = NewTicket {
        client: &client,
        server: &server,
        session_key: &session_key,
        flags,
        times,
        transited,
        addresses: &borrow_addresses(&addresses),
        authorization_data: &elements,
        pac: pac.as_ref(),
    };
    let krbtgt = krbtgt_key(request.realm)?;
    let keys = TicketKeys { server: target.key, kvno: target.kvno, krbtgt };
    let ticket = ticket.seal(&keys, cx.rng)?;
    let (reply_key, usage) = header.reply_key();
    Ok(Granted {
        client,
        server,
        ticket,
        ticket_enctype: target.key.enctype(),
        session_key,
        flags,
        times,
        addresses,
        key_expiration: None,
        reply_key: reply_key.clone(),
        kvno: None,
        usage,
        nonce: request.body.nonce,
        padata,
        encrypted_padata: encrypted_padata(request, &target),
    })
}

/// The service's enctypes as AD says them; and, as MIT says it to who asks, that the KDC knows
/// resource-based delegation.
fn encrypted_padata(request: &Request<'_>, target: &Target<'_>) -> Padata {
    let mut padata = Padata::new();
    padata.push((PaType::SUPPORTED_ENCTYPES, supported_enctypes(target.enctypes).to_vec()));
    if knows_rbcd(request) {
        let rbcd = PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION;
        padata.push((PaType::PAC_OPTIONS, pac_options(rbcd)));
    }
    padata
}

/// Does the client say that it knows resource-based delegation (MS-SFU 2.2.5)?
pub(super) fn knows_rbcd(request: &Request<'_>) -> bool {
    let value = request.find(PaType::PAC_OPTIONS);
    let options = value.and_then(|value| der::decode::<crate::asn1::PaPacOptions<'_>>(value).ok());
    let options = options.map(|options| PacOptions(options.flags.bits()));
    options.is_some_and(|it| it.contains(PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION))
}

/// enc-authorization-data: what the client puts into the ticket itself (RFC 4120 section 5.4.1).
fn open_authorization_data(
    request: &Request<'_>,
    header: &Header<'_>,
) -> Result<zeroize::Zeroizing<Vec<u8>>, Refusal> {
    let Some(sealed) = request.body.enc_authorization_data else { return Ok(Vec::new().into()) };
    let (key, usage) = match &header.subkey {
        Some(subkey) => (subkey, KeyUsage::TGS_REQ_AUTH_DATA_SUBKEY),
        None => (&header.tgt.session_key, KeyUsage::TGS_REQ_AUTH_DATA_SESSION_KEY),
    };
    let refusal = Refusal::new(ErrorCode::BAD_INTEGRITY, "the authorization data does not decrypt");
    if sealed.etype != key.enctype() {
        return Err(refusal);
    }
    key.decrypt(usage, sealed.cipher).map_err(|_| refusal)
}

fn elements(data: &[u8]) -> Result<Vec<AuthorizationDataElement<'_>>, Refusal> {
    if data.is_empty() {
        return Ok(Vec::new());
    }
    let data: AuthorizationData<'_> = der::decode(data).map_err(unreadable)?;
    Ok(data.iter().collect())
}

fn unreadable(_: DecodeError) -> Refusal {
    Refusal::new(ErrorCode::GENERIC, "the authorization data cannot be read")
}

/// Its elements. A PAC of the client's own making is not among what a client may say, however deep:
/// some look for it in containers in containers.
fn authorization_data(plaintext: &[u8]) -> Result<Vec<AuthorizationDataElement<'_>>, Refusal> {
    let elements = elements(plaintext)?;
    if has_pac(&elements, MAX_CONTAINERS)? {
        let text = "a client does not make PACs";
        return Err(Refusal::new(ErrorCode::POLICY, text));
    }
    Ok(elements)
}

/// So many AD-IF-RELEVANT stand in each other.
const MAX_CONTAINERS: usize = 8;

fn has_pac(data: &[AuthorizationDataElement<'_>], depth: usize) -> Result<bool, Refusal> {
    for element in data {
        match element.ad_type {
            AdType::WIN2K_PAC => return Ok(true),
            AdType::IF_RELEVANT => {
                let text = "the authorization data is nested too deep";
                let depth = depth.checked_sub(1).ok_or(Refusal::new(ErrorCode::GENERIC, text))?;
                if has_pac(&elements(element.ad_data)?, depth)? {
                    return Ok(true);
                }
            }
            _ => {}
        }
    }
    Ok(false)
}
