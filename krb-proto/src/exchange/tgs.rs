//! The TGS exchange (RFC 4120 section 3.3): one for every goal.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::asked::Asked;
use super::reply::{VerifiedPart, is_error};
use super::tgs_armor::Armor;
use super::{
    Exchange, ExchangeError, KdcRefusal, Mismatch, OwnTicketError, Step, TgsGoal, TicketOptions,
    nonce,
};
use crate::ap::{ApReqOptions, ApRequest};
use crate::asn1::{
    EncKdcRepPart, KdcReqBody, KrbError, PaData, PaPacOptions, TgsRep, TgsReq, Ticket,
};
use crate::crypto::Key;
use crate::der::{self, Encoded, Int, KerberosString, List, UInt32};
use crate::iana::{ApOptions, EncType, ErrorCode, KdcOptions, KeyUsage, PaType, PacOptions};
use crate::preauth::fast::{ResponsePlaintext, strengthened, verify_finished};
use crate::preauth::{S4uReplyError, borrow_padata, find_padata};
use crate::{Context, Credential, Name, Principal};

/// The TGS exchange within one realm: with a ticket-granting ticket, whatever the [`TgsGoal`] is. A
/// referral to another realm is refused: it is a ticket for something else. [`TgsWalk`] follows it.
///
/// [`TgsWalk`]: super::TgsWalk
#[derive(Clone)]
pub struct TgsExchange {
    tgt: Arc<Credential>,
    // Shared, since every request is made by a copy of the exchange.
    goal: Arc<TgsGoal>,
    options: Arc<TicketOptions>,
    following: Following,
    pending: Option<Pending>,
    /// Whose the certificate is that was asked by, as the KDC said.
    certified: Option<Principal>,
}

/// What may come instead of the ticket that was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Following {
    /// Nothing.
    No,
    /// A ticket-granting ticket for another realm.
    Referrals,
}

/// A TGS-REQ that was sent: what the reply must match.
#[derive(Clone)]
struct Pending {
    nonce: u32,
    subkey: Key,
    asked: Asked,
    armor_key: Option<Key>,
}

impl TgsExchange {
    /// Asks with `tgt` for a ticket.
    #[must_use]
    pub fn new(
        tgt: Arc<Credential>,
        goal: impl Into<Arc<TgsGoal>>,
        options: impl Into<Arc<TicketOptions>>,
    ) -> Self {
        let (goal, options) = (goal.into(), options.into());
        Self { tgt, goal, options, following: Following::No, pending: None, certified: None }
    }

    pub(super) fn following(self, following: Following) -> Self {
        Self { following, ..self }
    }

    /// The ticket that it asks with.
    pub(super) const fn tgt(&self) -> &Arc<Credential> {
        &self.tgt
    }

    /// Whose the certificate is that it asks by, once the KDC has said so.
    pub(super) const fn certified(&self) -> Option<&Principal> {
        self.certified.as_ref()
    }

    /// The service that it asks for.
    pub(super) fn asked_for(&self) -> &Name {
        self.goal.service(&self.tgt)
    }

    /// Another realm, if it is asked for no more than the way there.
    fn way_to(&self) -> Option<&[u8]> {
        let ours = &*self.tgt.client.realm;
        let realm = match &*self.goal {
            TgsGoal::Service(name) if name.is_krbtgt() => name.components.last().map(Vec::as_slice),
            // By our name with our realm in it, which leads back to us.
            TgsGoal::S4uSelf { .. } | TgsGoal::S4uSelfByCertificate { .. } => Some(ours),
            _ => None,
        };
        realm.filter(|realm| Some(*realm) != self.tgt.target_realm())
    }

    /// Where the KDC refers us to, in place of a ticket for what was asked.
    fn referral(&self, part: &EncKdcRepPart<'_>) -> Option<Name> {
        if self.following == Following::No || part.sname.has_components_of(self.asked_for()) {
            return None;
        }
        Some(part.sname.to_name()).filter(Name::is_krbtgt)
    }

    /// Verifies a TGS-REP to the last request.
    fn verify(
        &mut self,
        pending: &Pending,
        reply: &[u8],
        cx: &Context<'_>,
    ) -> Result<Credential, ExchangeError> {
        let reply: TgsRep<'_> = der::decode(reply).map_err(ExchangeError::Malformed)?;
        let mut padata = reply.padata.unwrap_or(List::of(&[]));
        let outer_client = reply.cname.in_realm(reply.crealm);
        let (mut found, mut key) = (outer_client, pending.subkey.clone());
        let opened;
        if let Some(armor_key) = &pending.armor_key {
            opened = ResponsePlaintext::open(armor_key, padata)?;
            let response = opened.response(pending.nonce)?;
            let finished = verify_finished(armor_key, &response, reply.ticket.der())?;
            let vouched = finished.cname.in_realm(finished.crealm);
            if !found.is_same(&vouched) {
                return Err(Mismatch::Client { expected: vouched, found }.into());
            }
            (found, padata) = (vouched, response.padata);
            if let Some(strengthen) = response.strengthen_key {
                key = Key::new(strengthen.keytype, strengthen.keyvalue.0)
                    .and_then(|strengthen| strengthened(&key, &strengthen))
                    .map_err(ExchangeError::Crypto)?;
            }
        }
        let plaintext = key
            .decrypt(KeyUsage::TGS_REP_SUBKEY, reply.enc_part.cipher)
            .map_err(ExchangeError::Crypto)?;
        let part = EncKdcRepPart::from_der(&plaintext).map_err(ExchangeError::Malformed)?;
        let referral = self.referral(&part);
        let is_referral = referral.is_some();
        let name = referral.unwrap_or_else(|| self.asked_for().clone());
        let server = Principal::new(name, self.realm()?);
        let verified = VerifiedPart::new(
            &part,
            &reply.ticket,
            pending.nonce,
            &server,
            &pending.asked,
            &self.options.enctypes,
            cx,
        )?;
        self.certified = self.goal.verify_padata(padata, pending.nonce, &pending.subkey)?;
        let client = match is_referral {
            true => Some(self.goal.referred(&self.tgt, &found)),
            false => self.goal.client(&self.tgt, self.certified.as_ref()),
        };
        if client.is_none_or(|client| !found.is_same(client)) {
            let ours = !is_referral && found.name.same_components(&self.tgt.client.name);
            return Err(ExchangeError::Mismatch(match client {
                _ if ours => Mismatch::S4uIgnored,
                Some(client) => Mismatch::Client { expected: client.clone(), found },
                None => Mismatch::S4uUser(S4uReplyError::Missing),
            }));
        }
        let leaves = is_referral || self.tgt.server.realm != self.realm()?;
        if leaves && matches!(*self.goal, TgsGoal::S4uProxy { .. }) {
            resource_based(part.encrypted_pa_data.unwrap_or(List::of(&[])))?;
        }
        // The name goes on as it stands in the reply, its type included, since an authenticator
        // has to repeat it.
        Ok(verified.into_credential(found, server, reply.ticket.der()))
    }
}

impl Exchange for TgsExchange {
    type Output = Credential;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        self.tgt.target_realm().ok_or(OwnTicketError::NotTicketGranting.into())
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        let Self { tgt, goal, options, .. } = &*self;
        let now = cx.peer_time().seconds;
        let nonce = nonce(cx);
        let mut asked = Asked::with(tgt, goal, options, now);
        if self.following == Following::Referrals {
            asked.kdc_options |= KdcOptions::CANONICALIZE;
        }
        let addresses = options.host_addresses();
        let tickets: Vec<Encoded<'_, Ticket<'_>>> = goal
            .additional_ticket()
            .into_iter()
            .map(Encoded::from_der)
            .collect::<Result<_, _>>()
            .map_err(OwnTicketError::Malformed)?;
        let body = der::encode(&KdcReqBody {
            kdc_options: asked.kdc_options.0.into(),
            cname: None,
            realm: KerberosString(self.realm()?),
            sname: Some(goal.service(tgt).into()),
            from: asked.from,
            till: asked.till,
            rtime: asked.rtime,
            nonce: UInt32::new(nonce),
            etype: List::of(&options.enctypes),
            addresses: (!addresses.is_empty()).then(|| List::of(&addresses)),
            enc_authorization_data: None,
            additional_tickets: (!tickets.is_empty()).then(|| List::of(&tickets)),
        });
        let session_key = &tgt.session_key;
        let subkey = match session_key.enctype() {
            EncType::RC4_HMAC if options.enctypes.contains(&EncType::RC4_HMAC) => {
                session_key.generate_alike(cx.rng)
            }
            enctype => Key::generate(enctype, cx.rng).map_err(OwnTicketError::SessionKey)?,
        };
        let checksum = session_key.checksum(KeyUsage::TGS_REQ_CHECKSUM, &body);
        let ap_req = ApRequest::new(
            tgt,
            &ApReqOptions {
                usage: KeyUsage::TGS_REQ_AUTHENTICATOR,
                ap_options: ApOptions::NONE,
                checksum: Some((session_key.checksum_type(), &checksum)),
                subkey: Some(&subkey),
                sequence_number: None,
                authorization_data: None,
            },
            cx,
        )
        .map_err(OwnTicketError::Malformed)?;
        let mut padata = goal.padata(tgt, nonce, &subkey)?;
        let armor = Armor::new(&options.fast, &subkey, session_key, cx)?;
        if let Some(armor) = &armor {
            padata =
                Vec::from([(PaType::FX_FAST, armor.seal(&ap_req.message, &padata, &body, cx)?)]);
        }
        padata.insert(0, (PaType::TGS_REQ, ap_req.message));
        let message = der::encode(&TgsReq {
            pvno: Int,
            msg_type: Int,
            padata: Some(List::of(&borrow_padata(&padata))),
            req_body: Encoded::from_der(&body).map_err(ExchangeError::OwnRequest)?,
        });
        let armor_key = armor.map(|armor| armor.key);
        self.pending = Some(Pending { nonce, subkey, asked, armor_key });
        Ok(message)
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        let pending = self.pending.take().ok_or(ExchangeError::NoReplyDue)?;
        if is_error(reply) {
            let error = der::decode(reply).map_err(ExchangeError::Malformed)?;
            let mut refusal = refusal(&pending, &error)?;
            if refusal.code == ErrorCode::S_PRINCIPAL_UNKNOWN {
                refusal.no_way_to = self.way_to().map(<[u8]>::to_vec);
            }
            return Err(refusal.into());
        }
        self.verify(&pending, reply, cx).map(Step::Done)
    }
}

/// MS-SFU 3.1.5.2.2: a KDC that does not know resource-based delegation may leave the evidence out of
/// account, and refer us as it refers everybody.
fn resource_based(padata: List<'_, PaData<'_>>) -> Result<(), ExchangeError> {
    let value = find_padata(padata, PaType::PAC_OPTIONS).ok_or(Mismatch::NotResourceBased)?;
    let options: PaPacOptions<'_> = der::decode(value).map_err(ExchangeError::Malformed)?;
    let known = PacOptions(options.flags.bits());
    if !known.contains(PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION) {
        return Err(Mismatch::NotResourceBased.into());
    }
    Ok(())
}

/// Why the KDC said no: under FAST what it said inside of the armor, if it said it there.
fn refusal(pending: &Pending, error: &KrbError<'_>) -> Result<KdcRefusal, ExchangeError> {
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
