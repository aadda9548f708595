//! Ways of pre-authentication (RFC 6113 section 3), one file each, as the AS exchange drives them.
//!
//! The exchange owns what they have in common: it reads the KDC's hints, echoes its cookie, counts
//! the rounds, and puts FAST around the request where there is armor. A [`Mechanism`] adds its
//! padata and knows the key of the reply.

mod enc_timestamp;
mod encrypted_challenge;
mod otp;
#[cfg(feature = "pkinit")]
mod pkinit;
#[cfg(feature = "spake")]
mod spake;

use alloc::boxed::Box;
use alloc::vec::Vec;

use enc_timestamp::EncTimestamp;
use encrypted_challenge::EncryptedChallenge;
use otp::Otp;

use super::ExchangeError;
use super::client_key::ClientKey;
use crate::asn1::{KrbError, PaData};
use crate::crypto::Key;
use crate::der::List;
use crate::iana::{EncType, PaType};
use crate::preauth::find_padata;
use crate::{Context, Principal};

/// Pre-authentication data by type and value, in the order in which they are sent.
pub(super) type Padata = Vec<(PaType, Vec<u8>)>;

/// One way of pre-authentication in the middle of its exchange.
pub(super) trait Mechanism: Copied + Send + Sync {
    /// The type that the KDC lists it under.
    fn pa_type(&self) -> PaType;

    /// What it adds to a request. Called for each request that is built, also where the last one
    /// was never answered: only the last one's answer will be delivered.
    ///
    /// # Errors
    /// If a key or the KDC's challenge cannot be used.
    fn padata(
        &mut self,
        request: &RequestFacts<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Padata, ExchangeError>;

    /// Takes the padata of KDC_ERR_MORE_PREAUTH_DATA_REQUIRED. `false` if it has nothing to say to
    /// that: then the refusal stands.
    ///
    /// # Errors
    /// If the KDC's challenge is malformed or not one to be answered.
    fn challenge(&mut self, _padata: List<'_, PaData<'_>>) -> Result<bool, ExchangeError> {
        Ok(false)
    }

    /// Takes any other refusal, with the METHOD-DATA in it. `false` if it has nothing else to say.
    ///
    /// # Errors
    /// If what the KDC says is malformed.
    fn refusal(
        &mut self,
        _error: &KrbError<'_>,
        _hints: List<'_, PaData<'_>>,
    ) -> Result<bool, ExchangeError> {
        Ok(false)
    }

    /// May another mechanism take its place, where the KDC asks for pre-authentication again?
    ///
    /// # Errors
    /// If what this one has said so far must not be followed by something weaker.
    fn replaced(&self) -> Result<(), ExchangeError> {
        Ok(())
    }

    /// The key that the reply is encrypted in (before FAST strengthens it), once what the reply
    /// must prove is verified.
    ///
    /// # Errors
    /// If the reply does not prove what it has to.
    fn reply_key(&mut self, reply: &ReplyFacts<'_>) -> Result<Key, ExchangeError>;

    /// Looks at the session key that comes with a reply, and this reply key, where more has to hold of
    /// it than that it was sealed.
    ///
    /// # Errors
    /// If it is not to be used.
    fn session_key(
        &self,
        _padata: List<'_, PaData<'_>>,
        _reply_key: &Key,
        _session_key: &Key,
    ) -> Result<(), ExchangeError> {
        Ok(())
    }
}

/// A copy of a mechanism: exchanges are copied with where they stand.
pub(super) trait Copied {
    fn copied(&self) -> Box<dyn Mechanism>;
}

impl<M: Mechanism + Clone + 'static> Copied for M {
    fn copied(&self) -> Box<dyn Mechanism> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Mechanism> {
    fn clone(&self) -> Self {
        (**self).copied()
    }
}

/// What a mechanism may know of the request that it adds to.
pub(super) struct RequestFacts<'a> {
    /// KDC-REQ-BODY, DER; the inner one under FAST.
    #[cfg_attr(
        not(any(feature = "pkinit", feature = "spake")),
        expect(dead_code, reason = "PKINIT and SPAKE read it")
    )]
    pub(super) body: &'a [u8],
    /// The nonce in it.
    #[cfg_attr(not(feature = "pkinit"), expect(dead_code, reason = "PKINIT reads it"))]
    pub(super) nonce: u32,
}

/// What a mechanism may know of an AS-REP.
pub(super) struct ReplyFacts<'a> {
    /// The AS-REQ that it answers, DER, as it was sent.
    #[cfg_attr(not(feature = "pkinit"), expect(dead_code, reason = "PKINIT reads it"))]
    pub(super) request: &'a [u8],
    /// The server that the ticket is to be for.
    #[cfg_attr(not(feature = "pkinit"), expect(dead_code, reason = "PKINIT reads it"))]
    pub(super) server: &'a Principal,
    /// Its padata; those of the KrbFastResponse under FAST.
    pub(super) padata: List<'a, PaData<'a>>,
    /// The enctype of its encrypted part.
    #[cfg_attr(not(feature = "pkinit"), expect(dead_code, reason = "PKINIT reads it"))]
    pub(super) enctype: EncType,
}

/// What the KDC offers, in the METHOD-DATA of KDC_ERR_PREAUTH_REQUIRED or PREAUTH_FAILED.
pub(super) struct Offer<'a> {
    pub(super) hints: List<'a, PaData<'a>>,
    pub(super) client: &'a Principal,
    /// Enctypes that are taken.
    pub(super) enctypes: &'a [EncType],
    /// FAST's armor key, if there is armor around the request.
    pub(super) armor_key: Option<&'a Key>,
    /// Mechanisms that the KDC has turned down.
    pub(super) turned_down: &'a [PaType],
    /// May a timestamp be sent that only the client's key protects?
    pub(super) timestamps: bool,
}

/// Padata that accompany mechanisms and are none.
const INFORMATION: [PaType; 6] = [
    PaType::PW_SALT,
    PaType::ETYPE_INFO,
    PaType::ETYPE_INFO2,
    PaType::FX_COOKIE,
    PaType::FX_FAST,
    PaType::FX_ERROR,
];

impl Offer<'_> {
    /// Is this mechanism to be had? A KDC that lists none, as Samba when a key was wrong, is taken
    /// to want the one that needs nothing but the client's key.
    fn has(&self, mechanism: PaType) -> bool {
        let listed = find_padata(self.hints, mechanism).is_some()
            || mechanism == by_key(self.armor_key)
                && self.hints.iter().all(|pa| INFORMATION.contains(&pa.padata_type));
        let may_be_sent = self.timestamps || mechanism != PaType::ENC_TIMESTAMP;
        listed && may_be_sent && !self.turned_down.contains(&mechanism)
    }
}

/// The mechanism that needs nothing but the client's key. Inside FAST no timestamp is sent: only
/// the challenge is bound to the armor (and MIT's KDC takes nothing else).
fn by_key(armor_key: Option<&Key>) -> PaType {
    if armor_key.is_some() { PaType::ENCRYPTED_CHALLENGE } else { PaType::ENC_TIMESTAMP }
}

fn with_key(key: Key, armor_key: Option<&Key>) -> Box<dyn Mechanism> {
    match armor_key {
        Some(armor_key) => Box::new(EncryptedChallenge::new(key, armor_key.clone())),
        None => Box::new(EncTimestamp::new(key)),
    }
}

/// What goes into the first request, before the KDC has said anything: only what needs no hint.
pub(super) fn unasked(key: &ClientKey, armor_key: Option<&Key>) -> Option<Box<dyn Mechanism>> {
    key.current().map(|key| with_key(key.clone(), armor_key))
}

/// The best mechanism of the KDC's offer; `None` if what is left to try was refused already.
pub(super) fn choose(
    key: &mut ClientKey,
    offer: &Offer<'_>,
) -> Result<Option<Box<dyn Mechanism>>, ExchangeError> {
    #[cfg(feature = "pkinit")]
    if let Some(config) = key.certificate() {
        if !offer.has(PaType::PK_AS_REQ) {
            return Err(ExchangeError::NoCommonMechanism);
        }
        let mechanism = pkinit::PkInit::new(config.clone(), offer.client, offer.hints);
        return Ok(Some(Box::new(mechanism)));
    }
    if let Some(otp) = key.one_time_password() {
        let challenge = find_padata(offer.hints, PaType::OTP_CHALLENGE);
        return match (challenge, offer.armor_key) {
            (Some(_), Some(_)) if !offer.has(PaType::OTP_CHALLENGE) => Ok(None),
            (Some(challenge), Some(armor_key)) => {
                Ok(Some(Box::new(Otp::new(otp.clone(), armor_key.clone(), challenge))))
            }
            _ => Err(ExchangeError::NoCommonMechanism),
        };
    }
    #[cfg(feature = "spake")]
    if offer.has(PaType::SPAKE) {
        let hint = find_padata(offer.hints, PaType::SPAKE).unwrap_or_default();
        let Some(key) = key.choose(offer.hints, offer.client, offer.enctypes)? else {
            return Ok(None);
        };
        return Ok(Some(Box::new(spake::Spake::new(key, hint)?)));
    }
    if offer.has(by_key(offer.armor_key)) {
        let key = key.choose(offer.hints, offer.client, offer.enctypes)?;
        return Ok(key.map(|key| with_key(key, offer.armor_key)));
    }
    if offer.turned_down.is_empty() {
        return Err(ExchangeError::NoCommonMechanism);
    }
    Ok(None)
}
