//! A login with a ticket: SPNEGO or Kerberos, and who the ticket's PAC says came.

use std::sync::{Mutex, PoisonError};

use krb_client::proto::ap::{ReplayCache, VerifiedRequest};
use krb_client::proto::asn1::AuthorizationData;
use krb_client::proto::authorization::find_pac;
use krb_client::proto::crypto::Key;
use krb_client::proto::formats::Keytab;
use krb_client::proto::gss::{Acceptor, AcceptorOptions, ChannelBindings, ChannelPolicy};
use krb_client::proto::iana::EncType;
use krb_client::proto::pac::{ClientInfo, DelegationInfo, Pac};
use krb_client::proto::spnego::SpnegoAcceptor;
use krb_client::proto::{Context, Principal, der};
use krb_client::{Clock, OsRandom, SystemClock};

/// Whom a ticket proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// `DOMAIN\account`.
    pub name: String,
    /// The account's SID.
    pub sid: String,
    /// The services that acted for the user (S4U_DELEGATION_INFO).
    pub delegated_by: Vec<String>,
    /// What the ticket is to, with its name's parts.
    pub service: String,
    /// The client gave a ticket-granting ticket along.
    pub delegates: bool,
}

/// The service's keys and memory.
pub(super) struct Keys {
    pub(super) keytab: Keytab,
    pub(super) service: String,
    pub(super) replays: Mutex<ReplayCache>,
}

/// `DER` of the object identifier 1.3.6.1.5.5.2.
const SPNEGO: [u8; 8] = [6, 6, 0x2b, 6, 1, 5, 5, 2];

/// A negotiation that may take more than one round.
#[derive(Default)]
pub(super) struct Negotiation(Option<SpnegoAcceptor>);

impl Negotiation {
    /// Takes a token: who came, once that is known, and the token that answers.
    pub(super) fn step(
        &mut self,
        keys: &Keys,
        token: &[u8],
        bindings: Option<&ChannelBindings>,
    ) -> Result<(Option<Who>, Option<Vec<u8>>), String> {
        let lookup =
            |name: &Principal, kvno, enctype: EncType| keys.keytab.keys(name, kvno, enctype);
        let mut options = AcceptorOptions::new(&lookup);
        if let Some(bindings) = bindings {
            options.channel = ChannelPolicy::Require(bindings);
        }
        let now = SystemClock.now();
        let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
        options.take_delegated = true;
        let is_first = self.0.is_none();
        if is_first && !token.windows(SPNEGO.len()).take(20).any(|window| window == SPNEGO) {
            let accepted = Acceptor::accept(token, &options, &mut cx);
            let (acceptor, answer) = accepted.map_err(|error| error.to_string())?;
            return Ok((Some(who(keys, &acceptor)?), answer));
        }
        let negotiation = self.0.get_or_insert_default();
        let answer = negotiation.step(token, &options, &mut cx).map_err(|e| e.to_string())?;
        let who = match negotiation.acceptor() {
            Some(acceptor) => Some(who(keys, acceptor)?),
            None => None,
        };
        Ok((who, answer))
    }
}

fn who(keys: &Keys, acceptor: &Acceptor) -> Result<Who, String> {
    let request = acceptor.request();
    let service = request.server.name.to_string();
    if !service.eq_ignore_ascii_case(&keys.service) {
        return Err(format!("a ticket to {service}, where {} is", keys.service));
    }
    let now = SystemClock.now();
    let mut replays = keys.replays.lock().unwrap_or_else(PoisonError::into_inner);
    replays.record(request, now).map_err(|error| error.to_string())?;
    let own = keys.keytab.keys_for(&request.server).filter_map(|entry| entry.key().ok());
    let who = read_pac(request, &own.collect::<Vec<_>>()).ok_or("no PAC that is believed")?;
    let delegates = !acceptor.delegated().is_empty();
    Ok(Who { delegates, ..who })
}

fn read_pac(request: &VerifiedRequest, keys: &[Key]) -> Option<Who> {
    let data: AuthorizationData<'_> = der::decode(request.authorization_data.as_deref()?).ok()?;
    let pac = find_pac(&data).ok()??;
    let pac =
        keys.iter().find_map(|key| Pac::parse(pac).ok()?.verify_server_signature(key).ok())?;
    let made_for = pac.get::<ClientInfo>().ok()??;
    made_for.check(&request.client.name, request.times.authtime).ok()?;
    let logon = pac.logon_info().ok()?;
    let delegation = pac.get::<DelegationInfo>().ok()?;
    Some(Who {
        name: format!("{}\\{}", logon.logon_domain_name, logon.effective_name),
        sid: logon.user_sid().ok()?.to_string(),
        delegated_by: delegation.map(|info| info.transited_services).unwrap_or_default(),
        service: request.server.name.to_string(),
        delegates: false,
    })
}
