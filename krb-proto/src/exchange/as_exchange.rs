use alloc::boxed::Box;
use alloc::vec::Vec;

use super::client_key::{ClientKey, ClientSecret};
use super::mechanism::{self, Mechanism, Offer, ReplyFacts, RequestFacts};
use super::tgs::{TicketOptions, VerifiedPart};
use super::{Exchange, ExchangeError, KdcRefusal, Mismatch, Request, Step, nonce};
use crate::asn1::{AsRep, AsReq, Checksum, EncKdcRepPart, ErrorData, KdcReqBody, KrbError, PaData};
use crate::crypto::Key;
use crate::der::{self, Encoded, Int, KerberosString, List, UInt32};
use crate::iana::{ErrorCode, KdcOptions, KeyUsage, PaType, TicketFlags};
use crate::preauth::{borrow_padata, find_padata};
use crate::{Context, Credential, KerberosTime, Principal};

/// No exchange needs more round trips than these.
const MAX_ROUNDS: usize = 8;

/// The AS exchange (RFC 4120 section 3.1, RFC 6113): a ticket-granting ticket.
pub struct AsExchange {
    client: Principal,
    server: Principal,
    options: TicketOptions,
    key: ClientKey,
    /// How the client is pre-authenticated; `None` until the KDC has asked for it.
    mechanism: Option<Box<dyn Mechanism>>,
    /// Mechanisms that the KDC has turned down.
    turned_down: Vec<PaType>,
    /// PA-FX-COOKIE (RFC 6113 section 5.2), which the KDC keeps its state in.
    cookie: Option<Vec<u8>>,
    rounds: usize,
    pending: Option<Pending>,
}

struct Pending {
    nonce: u32,
    till: KerberosTime,
    message: Vec<u8>,
}

impl AsExchange {
    /// Starts an exchange for `client`.
    #[must_use]
    pub fn new(client: Principal, secret: ClientSecret, options: TicketOptions) -> Self {
        let key = ClientKey::new(secret);
        let server = Principal::krbtgt(&client.realm);
        Self {
            client,
            server,
            options,
            mechanism: mechanism::unasked(&key),
            key,
            turned_down: Vec::new(),
            cookie: None,
            rounds: 0,
            pending: None,
        }
    }

    /// Takes a KRB-ERROR with its METHOD-DATA: either there is something else to say, or it stands.
    fn refused(
        &mut self,
        error: &KrbError<'_>,
        hints: List<'_, PaData<'_>>,
    ) -> Result<Step<Credential>, ExchangeError> {
        self.rounds += 1;
        if self.rounds == MAX_ROUNDS {
            return Err(ExchangeError::TooManyRounds);
        }
        self.cookie = find_padata(hints, PaType::FX_COOKIE).map(<[u8]>::to_vec);
        let goes_on = match error.error_code {
            ErrorCode::MORE_PREAUTH_DATA_REQUIRED => match &mut self.mechanism {
                Some(mechanism) => mechanism.challenge(hints)?,
                None => false,
            },
            ErrorCode::PREAUTH_REQUIRED => {
                self.turned_down.extend(self.mechanism.take().map(|m| m.pa_type()));
                self.choose(hints)?
            }
            // A wrong key counts towards a lock-out, so another is tried only if the KDC names an
            // enctype that was not tried yet.
            ErrorCode::PREAUTH_FAILED | ErrorCode::ETYPE_NOSUPP
                if find_padata(hints, PaType::ETYPE_INFO2).is_some() =>
            {
                self.key.refuse() && self.choose(hints)?
            }
            _ => false,
        };
        if goes_on { Ok(Step::Continue) } else { Err(KdcRefusal::new(error).into()) }
    }

    fn choose(&mut self, hints: List<'_, PaData<'_>>) -> Result<bool, ExchangeError> {
        let offer = Offer {
            hints,
            client: &self.client,
            enctypes: &self.options.enctypes,
            turned_down: &self.turned_down,
        };
        self.mechanism = mechanism::choose(&mut self.key, &offer)?;
        Ok(self.mechanism.is_some())
    }

    fn reply_key(&mut self, reply: &ReplyFacts<'_>) -> Result<Key, ExchangeError> {
        if let Some(mechanism) = &mut self.mechanism {
            return mechanism.reply_key(reply);
        }
        // A KDC that wants no pre-authentication answers at once, with the hint in the reply.
        let key = self.key.choose(reply.padata, &self.client, &self.options.enctypes)?;
        key.ok_or(ExchangeError::NoCommonEnctype)
    }

    fn verify(&mut self, cx: &Context<'_>, reply: &[u8]) -> Result<Credential, ExchangeError> {
        let reply: AsRep<'_> = der::decode(reply)?;
        let pending = self.pending.take().ok_or(ExchangeError::TooManyRounds)?;
        let key = self.reply_key(&ReplyFacts {
            request: &pending.message,
            padata: reply.padata.unwrap_or(List::of(&[])),
            enctype: reply.enc_part.etype,
        })?;
        if reply.enc_part.etype != key.enctype() {
            return Err(ExchangeError::Mismatch(Mismatch::EncType(reply.enc_part.etype)));
        }
        let found = reply.cname.in_realm(reply.crealm);
        if !found.name.same_components(&self.client.name) || found.realm != self.client.realm {
            let expected = self.client.clone();
            return Err(ExchangeError::Mismatch(Mismatch::Client { expected, found }));
        }
        let plaintext = key.decrypt(KeyUsage::AS_REP, reply.enc_part.cipher)?;
        let part = EncKdcRepPart::from_der(&plaintext)?;
        let verified = VerifiedPart::new(
            &part,
            &reply.ticket,
            pending.nonce,
            &self.server,
            pending.till,
            &self.options.enctypes,
            cx,
        )?;
        if TicketFlags(part.flags.bits()).contains(TicketFlags::ENC_PA_REP) {
            verify_request_checksum(&part, &key, &pending.message)?;
        }
        Ok(verified.into_credential(self.client.clone(), self.server.clone(), reply.ticket.der()))
    }
}

/// RFC 6806 section 11: the KDC repeats a checksum over our AS-REQ, so that nobody changed it.
fn verify_request_checksum(
    part: &EncKdcRepPart<'_>,
    key: &Key,
    request: &[u8],
) -> Result<(), ExchangeError> {
    let mut padata = part.encrypted_pa_data.iter().flatten();
    let value = padata
        .find(|pa| pa.padata_type == PaType::REQ_ENC_PA_REP)
        .ok_or(ExchangeError::Mismatch(Mismatch::RequestChecksum))?
        .padata_value;
    let Checksum { cksumtype, checksum } = der::decode(value)?;
    key.verify_checksum(KeyUsage::AS_REQ_CHECKSUM, cksumtype, request, checksum)
        .map_err(|_| ExchangeError::Mismatch(Mismatch::RequestChecksum))
}

impl Exchange for AsExchange {
    type Output = Credential;

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Request, ExchangeError> {
        let options = &self.options;
        let nonce = nonce(cx);
        let till = cx.peer_time().seconds.plus_seconds(options.lifetime);
        let mut kdc_options = KdcOptions::NONE;
        if options.forwardable {
            kdc_options |= KdcOptions::FORWARDABLE;
        }
        let body = der::encode(&KdcReqBody {
            kdc_options: kdc_options.0.into(),
            cname: Some((&self.client.name).into()),
            realm: KerberosString(&self.client.realm),
            sname: Some((&self.server.name).into()),
            from: None,
            till,
            rtime: None,
            nonce: UInt32::new(nonce),
            etype: List::of(&options.enctypes),
            addresses: None,
            enc_authorization_data: None,
            additional_tickets: None,
        });
        let mut padata = Vec::new();
        padata.extend(self.cookie.iter().map(|cookie| (PaType::FX_COOKIE, cookie.clone())));
        if let Some(mechanism) = &mut self.mechanism {
            let facts = RequestFacts { client: &self.client, body: &body, nonce };
            padata.extend(mechanism.padata(&facts, cx)?);
        }
        // Empty: asks for the checksum over this request.
        padata.push((PaType::REQ_ENC_PA_REP, Vec::new()));
        let padata = borrow_padata(&padata);
        let message = der::encode(&AsReq {
            pvno: Int,
            msg_type: Int,
            padata: Some(List::of(&padata)),
            req_body: Encoded::from_der(&body)?,
        });
        self.pending = Some(Pending { nonce, till, message: message.clone() });
        Ok(Request { realm: self.client.realm.clone(), message })
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        if super::tgs::is_error(reply) {
            let error: KrbError<'_> = der::decode(reply)?;
            let hints = match error.data() {
                Some(ErrorData::MethodData(hints)) => hints,
                _ => List::of(&[]),
            };
            return self.refused(&error, hints);
        }
        self.verify(cx, reply).map(Step::Done)
    }
}
