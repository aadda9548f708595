//! The AS exchange (RFC 4120 section 3.1, MS-KILE 3.3.5.6).

use super::account::Account;
use super::event::{Asked, Event};
use super::granted::{Granted, borrow_addresses};
use super::lookup::Service;
use super::pac::{Asserted, account_pac, for_tgt};
use super::preauth::{self, Facts, Proof};
use super::refusal::{Padata, Refusal};
use super::request::{Request, supported_enctypes};
use super::state::{self, Use};
use super::target::{Target, krbtgt_key, no_service, user_to_user_only};
use super::ticket::{NewTicket, TicketKeys};
use super::times::{Wanted, postdated};
use crate::asn1::{PaPacRequest, PrincipalName};
use crate::der;
use crate::iana::{EncType, ErrorCode, KdcOptions, KeyUsage, NtStatus, PaType, TicketFlags};
use crate::{Context, Name, Principal};

pub(super) fn grant(
    request: &Request<'_>,
    event: &mut Event,
    cx: &mut Context<'_>,
) -> Result<Granted, Refusal> {
    event.asked = Asked::Login;
    let realm = request.realm;
    let unknown = || {
        Refusal::new(ErrorCode::C_PRINCIPAL_UNKNOWN, "no such account")
            .with_status(NtStatus::NO_SUCH_USER)
    };
    let sent = request.body.cname.as_ref().map(PrincipalName::to_name).ok_or_else(unknown)?;
    event.client = Some(Principal::new(sent.clone(), request.body.realm.0));
    let service = request.service()?;
    event.server = Some(service.clone());
    request.refuse_what_is_not_done()?;
    refuse_what_needs_a_ticket(request.options())?;
    let canonicalize = request.options().contains(KdcOptions::CANONICALIZE);
    if !realm.is_named(request.body.realm.0) || realm.policy.require_canonicalize && !canonicalize {
        return Err(unknown());
    }
    let Some(account) = realm.client(&sent).or_else(|| certified(request)) else {
        return Err(realm
            .realm_of_upn(&sent)
            .map_or_else(unknown, |trust| Refusal::wrong_realm(trust.realm())));
    };
    state::check(account, Use::Login, request.now)?;
    let (target, changes_password) = target(request, &service)?;

    let name = if canonicalize { Name::user(account.name()) } else { sent };
    let client = Principal::new(name, realm.name());
    let enctypes = preauth::enctypes(realm, account, request.body.etype);
    let facts = Facts { request, account, enctypes: &enctypes };
    if facts.key().is_none() {
        return Err(preauth::no_key());
    }
    let verified = preauth::verify(&facts, cx)?;
    if !changes_password {
        state::check_password(account, request.now)?;
    }

    let policy = &realm.policy;
    let wanted = Wanted::new(&request.body, request.now, policy.skew)?;
    let times = wanted.initial(request.now, &policy.lifetimes, account)?;
    let flags = flags(request, account, &target, verified.proof, times.renew_till.is_some());
    let session_key = request.session_key(target.enctypes, cx.rng)?;
    // AD answers with the name of the account that has the SPN.
    let canonical = target.account.filter(|_| canonicalize && !policy.compat.is_strict());
    let server = canonical.map_or(service, |account| Name::user(account.name()));
    let server = Principal::new(server, realm.name());

    let asked_for_pac = request.find(PaType::PAC_REQUEST);
    let asked_for_pac = asked_for_pac.and_then(|value| der::decode::<PaPacRequest>(value).ok());
    let requested = asked_for_pac.map(|request| request.include_pac);
    let pac = account_pac(realm, account, Asserted::ByAuthority, &client.name, times.authtime)?;
    let is_tgt = server.name.is_krbtgt();
    let pac = if is_tgt { for_tgt(pac, realm, account, requested)? } else { pac };
    let without_pac = !is_tgt && requested == Some(false) && policy.compat.honours_no_pac();
    let addresses = request.addresses();
    let ticket = NewTicket {
        client: &client,
        server: &server,
        session_key: &session_key,
        flags,
        times,
        transited: &[],
        addresses: &borrow_addresses(&addresses),
        authorization_data: &[],
        pac: (!without_pac).then_some(&pac),
    };
    let krbtgt = krbtgt_key(realm)?;
    let keys = TicketKeys { server: target.key, kvno: target.kvno, krbtgt };
    let ticket = ticket.seal(&keys, cx.rng)?;

    let mut padata = verified.padata;
    if verified.reply_key.enctype() != EncType::RC4_HMAC {
        padata.extend(preauth::key_hint(&facts));
    }
    let mut encrypted_padata = Padata::new();
    if canonicalize {
        let value = supported_enctypes(target.enctypes).to_vec();
        encrypted_padata.push((PaType::SUPPORTED_ENCTYPES, value));
    }
    Ok(Granted {
        client: client.clone(),
        server,
        ticket,
        ticket_enctype: target.key.enctype(),
        session_key,
        flags,
        times,
        addresses,
        key_expiration: account.password_expires,
        reply_key: verified.reply_key,
        kvno: account.keys.current_kvno(),
        usage: KeyUsage::AS_REP,
        nonce: request.body.nonce,
        padata,
        encrypted_padata,
    })
}

/// Options of the TGS exchange.
fn refuse_what_needs_a_ticket(options: KdcOptions) -> Result<(), Refusal> {
    let of_the_tgs = [
        KdcOptions::FORWARDED,
        KdcOptions::PROXY,
        KdcOptions::RENEW,
        KdcOptions::VALIDATE,
        KdcOptions::ENC_TKT_IN_SKEY,
        KdcOptions::CNAME_IN_ADDL_TKT,
    ];
    if of_the_tgs.iter().any(|option| options.contains(*option)) {
        let text = "what is asked for needs a ticket to ask with";
        return Err(Refusal::new(ErrorCode::BADOPTION, text));
    }
    Ok(())
}

/// The account of a certificate that a service asks the realm of, before S4U2Self (MS-SFU
/// 3.1.5.1.1.1): pre-authentication is asked for, and the service knows that it is this realm. In an
/// AS-REQ the certificate stands there itself (MS-SFU 2.2.2).
fn certified<'r>(request: &Request<'r>) -> Option<&'r Account> {
    request.realm.by_certificate(request.find(PaType::S4U_X509_USER)?)
}

/// What the ticket is for, and whether that changes a password that may be too old for everything
/// else.
fn target<'r>(request: &Request<'r>, service: &Name) -> Result<(Target<'r>, bool), Refusal> {
    let realm = request.realm;
    match realm.service(service) {
        Service::Krbtgt => Target::krbtgt(realm).map(|target| (target, false)),
        Service::ChangePassword => Target::krbtgt(realm).map(|target| (target, true)),
        Service::Account(account) => Target::account(realm, account).map(|target| (target, false)),
        Service::WithoutSpn(_) => Err(user_to_user_only()),
        Service::Referral(_) | Service::Unknown => Err(no_service()),
    }
}

fn flags(
    request: &Request<'_>,
    account: &Account,
    target: &Target<'_>,
    proof: Proof,
    renewable: bool,
) -> TicketFlags {
    let asked = |option| request.options().contains(option);
    let may = |is_so: bool, flag| if is_so { flag } else { TicketFlags::NONE };
    TicketFlags::INITIAL
        | may(asked(KdcOptions::FORWARDABLE) && !account.is_sensitive(), TicketFlags::FORWARDABLE)
        | may(asked(KdcOptions::PROXIABLE) && !account.is_sensitive(), TicketFlags::PROXIABLE)
        | may(asked(KdcOptions::ALLOW_POSTDATE), TicketFlags::MAY_POSTDATE)
        | postdated(request.options())
        | may(renewable, TicketFlags::RENEWABLE)
        | may(proof != Proof::Nothing, TicketFlags::PRE_AUTHENT)
        | may(
            target.account.is_some_and(|account| account.trusted_for_delegation),
            TicketFlags::OK_AS_DELEGATE,
        )
        | may(request.find(PaType::REQ_ENC_PA_REP).is_some(), TicketFlags::ENC_PA_REP)
}
