//! What every TGS exchange (RFC 4120 section 3.3) has in common.

use alloc::vec::Vec;

use super::mechanism::Padata;
use super::tgs_armor::{Armor, TgsArmor};
use super::{ExchangeError, KdcRefusal, Mismatch, Request, nonce};
use crate::ap::{ApReqOptions, ApRequest};
use crate::asn1::{EncKdcRepPart, KdcReqBody, KrbError, TgsRep, TgsReq, Ticket};
use crate::credential::TicketTimes;
use crate::crypto::{self, Key};
use crate::der::{self, Encoded, Int, KerberosString, List, UInt32};
use crate::iana::{ApOptions, EncType, KdcOptions, KeyUsage, PaType, TicketFlags};
use crate::preauth::fast::{ResponsePlaintext, strengthened, verify_finished};
use crate::preauth::{borrow_padata, find_padata};
use crate::{Context, Credential, KerberosTime, Name, Principal};

/// How far a KDC's clock may be from ours when it dates a ticket's start (RFC 4120 section 5.6).
const CLOCK_SKEW: i64 = 300;

/// What kind of ticket to ask for.
#[derive(Clone, Debug)]
pub struct TicketOptions {
    /// Enctypes for the session key, the preferred first; also the only ones accepted.
    pub enctypes: Vec<EncType>,
    /// Ask for a forwardable ticket. S4U2Self evidence that was not asked so is never usable for
    /// classic S4U2Proxy.
    pub forwardable: bool,
    /// Life asked for, in seconds.
    pub lifetime: i64,
    /// FAST in a TGS exchange.
    pub fast: TgsArmor,
}

impl Default for TicketOptions {
    /// Forwardable, ten hours, the strong enctypes.
    fn default() -> Self {
        Self {
            enctypes: crypto::SUPPORTED.to_vec(),
            forwardable: true,
            lifetime: 36_000,
            fast: TgsArmor::Off,
        }
    }
}

/// Is this reply a KRB-ERROR?
pub(super) fn is_error(reply: &[u8]) -> bool {
    reply.first() == Some(&0x7e)
}

/// A TGS-REQ to build.
pub(super) struct TgsRequest<'a> {
    pub(super) tgt: &'a Credential,
    pub(super) server: &'a Name,
    pub(super) kdc_options: KdcOptions,
    pub(super) ticket: &'a TicketOptions,
    pub(super) additional_ticket: Option<&'a [u8]>,
}

/// A TGS-REQ that was sent: what the reply must match.
#[derive(Clone)]
pub(super) struct PendingTgs {
    pub(super) nonce: u32,
    pub(super) subkey: Key,
    till: KerberosTime,
    armor_key: Option<Key>,
}

impl TgsRequest<'_> {
    /// Builds the request. `padata` makes what stands beside PA-TGS-REQ, from nonce and subkey.
    pub(super) fn build(
        &self,
        cx: &mut Context<'_>,
        padata: impl FnOnce(u32, &Key) -> Result<Vec<(PaType, Vec<u8>)>, ExchangeError>,
    ) -> Result<(Request, PendingTgs), ExchangeError> {
        let realm = tgs_realm(self.tgt)?;
        let now = cx.peer_time().seconds;
        let till = now.plus_seconds(self.ticket.lifetime).min(self.tgt.times.endtime);
        let nonce = nonce(cx);
        let mut kdc_options = self.kdc_options;
        if self.ticket.forwardable {
            kdc_options |= KdcOptions::FORWARDABLE;
        }
        let tickets: Vec<Encoded<'_, Ticket<'_>>> =
            self.additional_ticket.into_iter().map(Encoded::from_der).collect::<Result<_, _>>()?;
        let body = der::encode(&KdcReqBody {
            kdc_options: kdc_options.0.into(),
            cname: None,
            realm: KerberosString(realm),
            sname: Some(self.server.into()),
            from: None,
            till,
            rtime: None,
            nonce: UInt32::new(nonce),
            etype: List::of(&self.ticket.enctypes),
            addresses: None,
            enc_authorization_data: None,
            additional_tickets: (!tickets.is_empty()).then(|| List::of(&tickets)),
        });
        let session_key = &self.tgt.session_key;
        let subkey = Key::generate(session_key.enctype(), cx.rng)?;
        let checksum = session_key.checksum(KeyUsage::TGS_REQ_CHECKSUM, &body);
        let ap_req = ApRequest::new(
            self.tgt,
            &ApReqOptions {
                usage: KeyUsage::TGS_REQ_AUTHENTICATOR,
                ap_options: ApOptions::NONE,
                checksum: Some((session_key.checksum_type(), &checksum)),
                subkey: Some(&subkey),
                sequence_number: None,
                authorization_data: None,
            },
            cx,
        )?;
        let mut padata = padata(nonce, &subkey)?;
        let armor = Armor::new(&self.ticket.fast, &subkey, session_key, cx)?;
        if let Some(armor) = &armor {
            padata =
                Vec::from([(PaType::FX_FAST, armor.seal(&ap_req.message, &padata, &body, cx)?)]);
        }
        padata.insert(0, (PaType::TGS_REQ, ap_req.message));
        let message = der::encode(&TgsReq {
            pvno: Int,
            msg_type: Int,
            padata: Some(List::of(&borrow_padata(&padata))),
            req_body: Encoded::from_der(&body)?,
        });
        let armor_key = armor.map(|armor| armor.key);
        let request = Request { realm: realm.to_vec(), message };
        Ok((request, PendingTgs { nonce, subkey, till, armor_key }))
    }

    /// Verifies the reply; the ticket must be for `client`. With it come the reply's padata.
    pub(super) fn verify(
        &self,
        pending: &PendingTgs,
        client: &Principal,
        reply: &[u8],
        cx: &Context<'_>,
    ) -> Result<(Credential, Padata), ExchangeError> {
        if is_error(reply) {
            return Err(refusal(pending, &der::decode(reply)?)?.into());
        }
        let reply: TgsRep<'_> = der::decode(reply)?;
        let mut padata = reply.padata.unwrap_or(List::of(&[]));
        let outer_client = reply.cname.in_realm(reply.crealm);
        let (mut found, mut key) = (outer_client, pending.subkey.clone());
        let opened;
        if let Some(armor_key) = &pending.armor_key {
            opened = ResponsePlaintext::open(armor_key, padata)?;
            let response = opened.response(pending.nonce)?;
            let finished = verify_finished(armor_key, &response, reply.ticket.der())?;
            let vouched = finished.cname.in_realm(finished.crealm);
            if !found.name.same_components(&vouched.name) || found.realm != vouched.realm {
                return Err(Mismatch::Client { expected: vouched, found }.into());
            }
            (found, padata) = (vouched, response.padata);
            if let Some(strengthen) = response.strengthen_key {
                key = strengthened(&key, &Key::new(strengthen.keytype, strengthen.keyvalue.0)?)?;
            }
        }
        let server = Principal::new(self.server.clone(), tgs_realm(self.tgt)?);
        let plaintext = key.decrypt(KeyUsage::TGS_REP_SUBKEY, reply.enc_part.cipher)?;
        let part = EncKdcRepPart::from_der(&plaintext)?;
        let verified = VerifiedPart::new(
            &part,
            &reply.ticket,
            pending.nonce,
            &server,
            pending.till,
            &self.ticket.enctypes,
            cx,
        )?;
        if !found.name.same_components(&client.name) || found.realm != client.realm {
            return Err(ExchangeError::Mismatch(
                if found.name.same_components(&self.tgt.client.name) {
                    Mismatch::S4uIgnored
                } else {
                    Mismatch::Client { expected: client.clone(), found }
                },
            ));
        }
        // The name goes on as it stands in the reply, its type included, since an authenticator
        // has to repeat it.
        let credential = verified.into_credential(found, server, reply.ticket.der());
        Ok((
            credential,
            padata.iter().map(|pa| (pa.padata_type, pa.padata_value.to_vec())).collect(),
        ))
    }
}

/// Why the KDC said no: under FAST what it said inside of the armor, if it said it there.
fn refusal(pending: &PendingTgs, error: &KrbError<'_>) -> Result<KdcRefusal, ExchangeError> {
    let padata = error.method_data();
    match &pending.armor_key {
        Some(armor_key) if find_padata(padata, PaType::FX_FAST).is_some() => {
            let opened = ResponsePlaintext::open(armor_key, padata)?;
            let (error, padata) = opened.error(pending.nonce)?;
            Ok(KdcRefusal::new(&error, padata))
        }
        _ => Ok(KdcRefusal::new(error, padata)),
    }
}

/// The realm that a TGT is good in.
fn tgs_realm(tgt: &Credential) -> Result<&[u8], ExchangeError> {
    match tgt.server.name.components.as_slice() {
        [krbtgt, realm] if krbtgt == b"krbtgt" => Ok(realm),
        _ => Err(ExchangeError::OwnTicket("it is not a ticket-granting ticket")),
    }
}

/// An encrypted reply part that answers our request.
pub(super) struct VerifiedPart {
    session_key: Key,
    times: TicketTimes,
    flags: TicketFlags,
}

impl VerifiedPart {
    pub(super) fn new(
        part: &EncKdcRepPart<'_>,
        ticket: &Ticket<'_>,
        nonce: u32,
        server: &Principal,
        till: KerberosTime,
        enctypes: &[EncType],
        cx: &Context<'_>,
    ) -> Result<Self, ExchangeError> {
        if part.nonce.get() != nonce {
            return Err(ExchangeError::Mismatch(Mismatch::Nonce));
        }
        for found in [part.sname.in_realm(part.srealm), ticket.sname.in_realm(ticket.realm)] {
            if !found.name.same_components(&server.name) || found.realm != server.realm {
                let expected = server.clone();
                return Err(ExchangeError::Mismatch(Mismatch::Server { expected, found }));
            }
        }
        if !enctypes.contains(&part.key.keytype) {
            return Err(ExchangeError::Mismatch(Mismatch::EncType(part.key.keytype)));
        }
        let times = TicketTimes {
            authtime: part.authtime,
            starttime: part.starttime.unwrap_or(part.authtime),
            endtime: part.endtime,
            renew_till: part.renew_till,
        };
        // Expiry goes by our own clock alone: the correction comes from an unauthenticated error
        // and must not make an old ticket good. A start ahead of us is what the correction is for.
        let latest_start = cx.now.max(cx.peer_time()).seconds.plus_seconds(CLOCK_SKEW);
        if times.endtime <= cx.now.seconds || times.endtime > till || times.starttime > latest_start
        {
            return Err(ExchangeError::Mismatch(Mismatch::Times));
        }
        Ok(Self {
            session_key: Key::new(part.key.keytype, part.key.keyvalue.0)?,
            times,
            flags: TicketFlags(part.flags.bits()),
        })
    }

    pub(super) fn into_credential(
        self,
        client: Principal,
        server: Principal,
        ticket: &[u8],
    ) -> Credential {
        Credential {
            client,
            server,
            session_key: self.session_key,
            times: self.times,
            flags: self.flags,
            ticket: ticket.to_vec(),
        }
    }
}
