//! PA-TGS-REQ (RFC 4120 sections 3.3.3 and 3.2.3): the ticket that a request is made with, and the
//! proof that who sent it holds its session key.

use alloc::vec::Vec;

use super::Request;
use crate::ap::received_key;
use crate::asn1::{ApReq, Authenticator, AuthorizationData, EncTicketPart, Ticket};
use crate::authorization;
use crate::credential::TicketTimes;
use crate::crypto::{Key, decrypt_with_any};
use crate::der::{self, DecodeError, List};
use crate::iana::{ApOptions, ChecksumType, ErrorCode, KeyUsage, PaType, TicketFlags};
use crate::kdc::granted::Addresses;
use crate::kdc::realm::Realm;
use crate::kdc::refusal::Refusal;
use crate::kdc::trust::Trust;
use crate::{KerberosTime, Name, Principal};

/// Whose key a ticket-granting ticket is sealed with.
#[derive(Clone, Copy)]
pub(in crate::kdc) enum Origin<'r> {
    /// This realm's krbtgt's.
    Here,
    /// That of a trust, by which another realm's KDC sends its clients.
    Trust(&'r Trust),
}

/// A ticket-granting ticket that decrypted.
pub(in crate::kdc) struct Tgt<'r> {
    pub(in crate::kdc) client: Principal,
    pub(in crate::kdc) session_key: Key,
    pub(in crate::kdc) flags: TicketFlags,
    pub(in crate::kdc) times: TicketTimes,
    pub(in crate::kdc) transited: Vec<u8>,
    pub(in crate::kdc) addresses: Addresses,
    pub(in crate::kdc) pac: Option<Vec<u8>>,
    /// AuthorizationData beside the PAC, DER; empty if there is none.
    pub(in crate::kdc) authorization_data: Vec<u8>,
    pub(in crate::kdc) origin: Origin<'r>,
    /// The key that it was sealed with, which signed its PAC.
    pub(in crate::kdc) sealed_with: Key,
}

/// The ticket and authenticator of a request.
pub(in crate::kdc) struct Header<'r> {
    pub(in crate::kdc) tgt: Tgt<'r>,
    pub(in crate::kdc) subkey: Option<Key>,
}

impl Header<'_> {
    /// What the reply is encrypted with, and for which usage.
    pub(in crate::kdc) fn reply_key(&self) -> (&Key, KeyUsage) {
        match &self.subkey {
            Some(subkey) => (subkey, KeyUsage::TGS_REP_SUBKEY),
            None => (&self.tgt.session_key, KeyUsage::TGS_REP_SESSION_KEY),
        }
    }
}

fn refuse<T>(code: ErrorCode, text: &'static str) -> Result<T, Refusal> {
    Err(Refusal::new(code, text))
}

impl<'r> Tgt<'r> {
    /// Opens a ticket that is for this realm's KDC. Its times are not looked at.
    pub(in crate::kdc) fn open(realm: &'r Realm, ticket: &Ticket<'_>) -> Result<Self, Refusal> {
        let name = ticket.sname.to_name();
        let origin = origin(realm, &name, ticket.realm.0)?;
        let keys = match origin {
            Origin::Here => realm.krbtgt_keys(),
            Origin::Trust(trust) => &trust.incoming,
        };
        let sealed = ticket.enc_part;
        let keys = keys.candidates(sealed.etype, sealed.kvno.map(|kvno| kvno.get()));
        let opened = decrypt_with_any(keys, sealed.etype, KeyUsage::TICKET, sealed.cipher);
        let (sealed_with, plaintext) = match opened {
            Some(Ok(opened)) => opened,
            Some(Err(_)) => {
                return refuse(ErrorCode::BAD_INTEGRITY, "the ticket does not decrypt");
            }
            None => {
                return refuse(ErrorCode::BADKEYVER, "the KDC has no key of the ticket's enctype");
            }
        };
        let malformed = Refusal::new(ErrorCode::BAD_INTEGRITY, "the ticket cannot be read");
        let part: EncTicketPart<'_> = der::decode(&plaintext).map_err(|_| malformed.clone())?;
        if !part.transited.contents.is_empty() && part.transited.tr_type != 1 {
            let text = "the realms in the ticket are written in an unknown way";
            return refuse(ErrorCode::TRTYPE_NOSUPP, text);
        }
        let pac = part.authorization_data.map(|data| authorization::find_pac(&data));
        let pac = pac.transpose().map_err(|_| malformed.clone())?.flatten();
        let beside = part.authorization_data.map(|data| beside_pac(&data));
        let beside = beside.transpose().map_err(|_| malformed.clone())?;
        let addresses = part.caddr.iter().flat_map(|list| list.iter());
        Ok(Self {
            client: part.cname.in_realm(part.crealm),
            session_key: received_key(&part.key, true).map_err(|_| malformed)?,
            flags: TicketFlags(part.flags.bits()),
            times: TicketTimes {
                authtime: part.authtime,
                starttime: part.starttime.unwrap_or(part.authtime),
                endtime: part.endtime,
                renew_till: part.renew_till,
            },
            transited: part.transited.contents.to_vec(),
            addresses: addresses.map(|it| (it.addr_type, it.address.to_vec())).collect(),
            pac: pac.map(<[u8]>::to_vec),
            authorization_data: beside.unwrap_or_default(),
            origin,
            sealed_with,
        })
    }

    /// Refuses a ticket that is not good now.
    pub(in crate::kdc) fn check_times(&self, now: KerberosTime, skew: i64) -> Result<(), Refusal> {
        self.check_validated()?;
        self.check_span(now, skew)
    }

    /// Refuses a postdated ticket that was not validated.
    pub(in crate::kdc) fn check_validated(&self) -> Result<(), Refusal> {
        if self.flags.contains(TicketFlags::INVALID) {
            return refuse(ErrorCode::TKT_NYV, "the ticket is postdated, and has to be validated");
        }
        Ok(())
    }

    /// Refuses a ticket that is not good yet, or not any more, validated or not.
    fn check_span(&self, now: KerberosTime, skew: i64) -> Result<(), Refusal> {
        if self.times.starttime > now.plus_seconds(skew) {
            return refuse(ErrorCode::TKT_NYV, "the ticket is not valid yet");
        }
        if self.times.endtime <= now {
            return refuse(ErrorCode::TKT_EXPIRED, "the ticket has expired");
        }
        Ok(())
    }
}

/// What stands in a ticket beside its PAC: it goes on into those that are asked for with it (RFC 4120
/// section 3.3.3), for it may say what the ticket must not be used for. DER; empty if there is nothing.
pub(in crate::kdc) fn beside_pac(data: &AuthorizationData<'_>) -> Result<Vec<u8>, DecodeError> {
    let mut elements = Vec::new();
    for element in data.iter() {
        if authorization::find_pac(&List::of(&[element]))?.is_none() {
            elements.push(element);
        }
    }
    let none = elements.is_empty();
    Ok(if none { Vec::new() } else { der::encode(&List::of(&elements)) })
}

fn origin<'r>(realm: &'r Realm, name: &Name, of: &[u8]) -> Result<Origin<'r>, Refusal> {
    let for_us = matches!(name.components.as_slice(),
        [krbtgt, ours] if krbtgt == b"krbtgt" && realm.is_named(ours));
    if for_us && realm.is_named(of) {
        return Ok(Origin::Here);
    }
    let trust = core::str::from_utf8(of).ok().and_then(|of| realm.trust(of));
    match trust {
        Some(trust) if for_us => Ok(Origin::Trust(trust)),
        _ => refuse(ErrorCode::NOT_US, "the ticket is not a ticket-granting ticket of this realm"),
    }
}

impl<'r> Header<'r> {
    /// Verifies the AP-REQ of a request, and that its authenticator vouches for the request's body.
    /// The ticket may be a postdated one that is yet to be validated.
    pub(in crate::kdc) fn verify(request: &Request<'r>) -> Result<Self, Refusal> {
        let Some(value) = request.find(PaType::TGS_REQ) else {
            return refuse(ErrorCode::PADATA_TYPE_NOSUPP, "the request has no ticket in it");
        };
        let Ok(ap_req) = der::decode::<ApReq<'_>>(value) else {
            return refuse(ErrorCode::GENERIC, "the request's AP-REQ cannot be read");
        };
        if ApOptions(ap_req.ap_options.bits()).contains(ApOptions::USE_SESSION_KEY) {
            return refuse(ErrorCode::BADOPTION, "the KDC is not asked user-to-user");
        }
        let realm = request.realm;
        let tgt = Tgt::open(realm, &ap_req.ticket)?;
        let unreadable =
            Refusal::new(ErrorCode::BAD_INTEGRITY, "the authenticator does not decrypt");
        if ap_req.authenticator.etype != tgt.session_key.enctype() {
            return Err(unreadable);
        }
        let plaintext = tgt
            .session_key
            .decrypt(KeyUsage::TGS_REQ_AUTHENTICATOR, ap_req.authenticator.cipher)
            .map_err(|_| unreadable.clone())?;
        let authenticator: Authenticator<'_> =
            der::decode(&plaintext).map_err(|_| unreadable.clone())?;
        let claimed = authenticator.cname.in_realm(authenticator.crealm);
        if !claimed.is_same(&tgt.client) {
            let text = "the authenticator names another client than the ticket";
            return refuse(ErrorCode::BADMATCH, text);
        }
        let skew = realm.policy.skew;
        let off = authenticator.ctime.unix().abs_diff(request.now.unix());
        if off > skew.unsigned_abs() {
            return refuse(ErrorCode::SKEW, "the client's clock is too far from the KDC's");
        }
        tgt.check_span(request.now, skew)?;
        check_body(request, &authenticator, &tgt.session_key)?;
        let subkey = authenticator.subkey.map(|subkey| received_key(&subkey, true)).transpose();
        let text = "the authenticator's subkey is of no use";
        let subkey = subkey.map_err(|_| Refusal::new(ErrorCode::ETYPE_NOSUPP, text))?;
        Ok(Self { tgt, subkey })
    }
}

/// RFC 3961 section 6.1.3: nobody takes it, and all know it.
const CRC32: ChecksumType = ChecksumType(1);

/// The checksum over the request's body. Of the unkeyed types, which stand encrypted here, those are
/// taken that collisions are hard to find for: JDKs and Windows send them.
fn check_body(
    request: &Request<'_>,
    authenticator: &Authenticator<'_>,
    session_key: &Key,
) -> Result<(), Refusal> {
    let Some(checksum) = authenticator.cksum else {
        if request.realm.policy.compat.tolerates_missing_checksum() {
            return Ok(());
        }
        return refuse(ErrorCode::INAPP_CKSUM, "the authenticator has no checksum");
    };
    let (usage, body) = (KeyUsage::TGS_REQ_CHECKSUM, request.outer_der);
    let verified = match checksum.cksumtype {
        ChecksumType::RSA_MD5 | ChecksumType::SHA1 => {
            session_key.danger_verify_checksum(usage, checksum.cksumtype, body, checksum.checksum)
        }
        kind => session_key.verify_checksum(usage, kind, body, checksum.checksum),
    };
    match verified {
        Ok(()) => Ok(()),
        Err(crate::crypto::CryptoError::ChecksumTypeNotAllowed(kind)) => match kind {
            CRC32 | ChecksumType::RSA_MD4 => {
                refuse(ErrorCode::INAPP_CKSUM, "the authenticator's checksum is of a weak type")
            }
            _ => {
                let text = "the authenticator's checksum is of a type that is not known here";
                refuse(ErrorCode::SUMTYPE_NOSUPP, text)
            }
        },
        Err(_) => refuse(ErrorCode::MODIFIED, "the request was changed on its way"),
    }
}
