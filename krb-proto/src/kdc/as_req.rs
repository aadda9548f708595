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
use crate::pac::PacBuilder;
#[cfg(feature = "pkinit")]
use crate::pkinit::contribution;
use crate::principal::ANONYMOUS_REALM;
use crate::{Context, KerberosTime, Name, Principal};

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
    refuse_what_needs_a_ticket(request.options())?;
    let canonicalize = request.options().contains(KdcOptions::CANONICALIZE);
    if !realm.is_named(request.body.realm.0) || realm.policy.require_canonicalize && !canonicalize {
        return Err(unknown());
    }
    let nobody;
    let account = if request.is_anonymous() {
        nobody = anonymous(request, &sent, &service)?;
        &nobody
    } else {
        realm.client(&sent).or_else(|| certified(request)).ok_or_else(|| {
            let elsewhere = realm.realm_of_upn(&sent);
            elsewhere.map_or_else(unknown, |trust| Refusal::wrong_realm(trust.realm()))
        })?
    };
    state::check(account, Use::Login, request.now)?;
    let (target, changes_password) = target(request, &service)?;

    let client = if request.is_anonymous() {
        Principal::anonymous(ANONYMOUS_REALM)
    } else {
        let name = if canonicalize { Name::user(account.name()) } else { sent };
        Principal::new(name, realm.name())
    };
    let enctypes = preauth::enctypes(realm, account, request.body.etype);
    let facts = Facts { request, account, enctypes: &enctypes };
    if facts.key().is_none() && !request.is_anonymous() {
        return Err(preauth::no_key());
    }
    let verified = preauth::verify(&facts, cx)?;
    if !changes_password {
        state::check_password(account, request.now)?;
    }

    let policy = &realm.policy;
    let wanted = Wanted::new(&request.body, request.now, policy)?;
    let times = wanted.initial(request.now, &policy.lifetimes, account)?;
    let flags = flags(request, account, &target, verified.proof, times.renew_till.is_some());
    let session_key = request.session_key(target.enctypes, cx.rng)?;
    let mut padata = verified.padata;
    #[cfg(feature = "pkinit")]
    let session_key = if request.is_anonymous() {
        let (part, key) = contribution::contribute(&session_key, &verified.reply_key, cx.rng)
            .map_err(|_| preauth::no_key())?;
        padata.push((PaType::PKINIT_KX, part));
        key
    } else {
        session_key
    };
    // AD answers with the name of the account that has the SPN.
    let canonical = target.account.filter(|_| canonicalize && !policy.compat.is_strict());
    let server = canonical.map_or(service, |account| Name::user(account.name()));
    let server = Principal::new(server, realm.name());

    let pac = match request.is_anonymous() {
        true => None,
        false => pac(request, account, &client, &server, times.authtime)?,
    };
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
        pac: pac.as_ref(),
    };
    let krbtgt = krbtgt_key(realm)?;
    let keys = TicketKeys { server: target.key, kvno: target.kvno, krbtgt };
    let ticket = ticket.seal(&keys, cx.rng)?;

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
        kvno: account.keys.current_kvno().filter(|_| verified.proof.is_by_key()),
        usage: KeyUsage::AS_REP,
        nonce: request.body.nonce,
        padata,
        encrypted_padata,
    })
}

/// What the ticket says of the account; nothing, where that is not wanted.
fn pac(
    request: &Request<'_>,
    account: &Account,
    client: &Principal,
    server: &Principal,
    authtime: KerberosTime,
) -> Result<Option<PacBuilder>, Refusal> {
    let realm = request.realm;
    let asked_for_pac = request.find(PaType::PAC_REQUEST);
    let asked_for_pac = asked_for_pac.and_then(|value| der::decode::<PaPacRequest>(value).ok());
    let requested = asked_for_pac.map(|request| request.include_pac);
    let pac = account_pac(realm, account, Asserted::ByAuthority, &client.name, authtime)?;
    if server.name.is_krbtgt() {
        return for_tgt(pac, realm, account, requested).map(Some);
    }
    let without = requested == Some(false) && realm.policy.compat.honours_no_pac();
    Ok((!without).then_some(pac))
}

/// Nobody's account (RFC 8062 section 4.1): a ticket-granting ticket of nobody's, which is armor for
/// others, where the KDC has a certificate to show. AD knows none.
fn anonymous(request: &Request<'_>, sent: &Name, service: &Name) -> Result<Account, Refusal> {
    let refuse = |code, text| Err(Refusal::new(code, text));
    if !Principal::new(sent.clone(), "").is_anonymous() {
        let text = "who wants to be nobody gives no name of its own";
        return refuse(ErrorCode::BADOPTION, text);
    }
    let realm = request.realm;
    if !realm.has_pkinit() || !realm.policy.compat.is_strict() {
        return refuse(ErrorCode::C_PRINCIPAL_UNKNOWN, "nobody has no account here");
    }
    if !matches!(realm.service(service), Service::Krbtgt) {
        return refuse(ErrorCode::POLICY, "nobody gets a ticket-granting ticket, and no other");
    }
    Ok(Account::user("WELLKNOWN/ANONYMOUS"))
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
        | may(request.is_anonymous(), TicketFlags::ANONYMOUS)
        | may(proof != Proof::Nothing, TicketFlags::PRE_AUTHENT)
        | may(
            target.account.is_some_and(|account| account.trusted_for_delegation),
            TicketFlags::OK_AS_DELEGATE,
        )
        | may(request.find(PaType::REQ_ENC_PA_REP).is_some(), TicketFlags::ENC_PA_REP)
}
