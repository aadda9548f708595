use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::tgs::{TicketOptions, VerifiedPart};
use super::{Exchange, ExchangeError, KdcRefusal, Mismatch, Request, Step, nonce};
use crate::asn1::{AsRep, AsReq, Checksum, EncKdcRepPart, KdcReqBody, KrbError, PaData};
use crate::crypto::Key;
use crate::der::{self, Encoded, Int, KerberosString, List, UInt32};
use crate::iana::{EncType, ErrorCode, KdcOptions, KeyUsage, PaType, TicketFlags};
use crate::preauth::{KeyHint, enc_timestamp};
use crate::{Context, Credential, KerberosTime, Principal};

/// What the client proves itself with.
#[derive(Clone)]
pub enum ClientSecret {
    /// Long-term keys, from a keytab, in the order of preference. One round trip: the first key's
    /// enctype is known, so the first request carries its timestamp.
    Keys(Vec<Key>),
    /// A password. Two round trips: the KDC names enctype and salt first. A guessed salt would
    /// count as a wrong password where the guess is wrong.
    Password(Zeroizing<Vec<u8>>),
}

/// The AS exchange (RFC 4120 section 3.1) with PA-ENC-TIMESTAMP: a ticket-granting ticket.
pub struct AsExchange {
    client: Principal,
    secret: ClientSecret,
    options: TicketOptions,
    server: Principal,
    /// The key of the timestamp, and of the reply.
    key: Option<Key>,
    /// Enctypes whose key the KDC did not take.
    tried: Vec<EncType>,
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
        let key = match &secret {
            ClientSecret::Keys(keys) => keys.first().cloned(),
            ClientSecret::Password(_) => None,
        };
        let server = Principal::krbtgt(&client.realm);
        Self { client, secret, options, server, key, tried: Vec::new(), pending: None }
    }

    /// Chooses the key that the KDC's hint asks for.
    fn take_hint(&mut self, etype_info2: Option<&[u8]>) -> Result<(), ExchangeError> {
        let accepted = &self.options.enctypes;
        let hint = match etype_info2 {
            Some(value) => {
                KeyHint::from_etype_info2(value, accepted)?.ok_or(ExchangeError::NoCommonEnctype)?
            }
            // No hint at all: our first enctype with the default salt (RFC 4120 section 5.2.7.5).
            None => KeyHint {
                enctype: *accepted.first().ok_or(ExchangeError::NoCommonEnctype)?,
                salt: None,
                s2kparams: None,
            },
        };
        self.key = Some(match &self.secret {
            ClientSecret::Password(password) => hint.key(&self.client, password)?,
            ClientSecret::Keys(keys) => keys
                .iter()
                .find(|key| key.enctype() == hint.enctype)
                .ok_or(ExchangeError::NoCommonEnctype)?
                .clone(),
        });
        Ok(())
    }

    fn refused(&mut self, error: &KrbError<'_>) -> Result<Step<Credential>, ExchangeError> {
        let refusal = || ExchangeError::Refused(KdcRefusal::new(error));
        let data = error.data();
        let hint = data.and_then(|data| data.padata(PaType::ETYPE_INFO2));
        let may_try_again = match error.error_code {
            ErrorCode::PREAUTH_REQUIRED => self.key.is_none(),
            // A wrong key counts towards a lock-out, so another is tried only if the KDC names an
            // enctype that was not tried yet.
            ErrorCode::PREAUTH_FAILED | ErrorCode::ETYPE_NOSUPP => {
                matches!(self.secret, ClientSecret::Keys(_)) && hint.is_some()
            }
            _ => false,
        };
        if !may_try_again {
            return Err(refusal());
        }
        self.tried.extend(self.key.take().map(|key| key.enctype()));
        self.take_hint(hint)?;
        match &self.key {
            Some(key) if !self.tried.contains(&key.enctype()) => Ok(Step::Continue),
            _ => Err(refusal()),
        }
    }

    fn verify(&mut self, cx: &Context<'_>, reply: &[u8]) -> Result<Credential, ExchangeError> {
        let reply: AsRep<'_> = der::decode(reply)?;
        let pending = self.pending.take().ok_or(ExchangeError::TooManyRounds)?;
        if self.key.is_none() {
            // A KDC that wants no pre-authentication answers at once, with the hint in the reply.
            let padata = reply.padata.iter().flatten();
            let info =
                padata.filter(|pa| pa.padata_type == PaType::ETYPE_INFO2).map(|pa| pa.padata_value);
            self.take_hint(info.last())?;
        }
        let key = self.key.as_ref().ok_or(ExchangeError::NoCommonEnctype)?;
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
            verify_request_checksum(&part, key, &pending.message)?;
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
        let timestamp = self.key.as_ref().map(|key| enc_timestamp(key, cx));
        // REQ_ENC_PA_REP, empty: asks for the checksum over this request.
        let mut padata =
            Vec::from([PaData { padata_type: PaType::REQ_ENC_PA_REP, padata_value: &[][..] }]);
        if let Some(timestamp) = &timestamp {
            padata.push(PaData { padata_type: PaType::ENC_TIMESTAMP, padata_value: timestamp });
        }
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
            return self.refused(&der::decode(reply)?);
        }
        self.verify(cx, reply).map(Step::Done)
    }
}
