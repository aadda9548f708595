//! How clients prove themselves to the AS: one mechanism a file. A mechanism that is added here is
//! offered and taken; state between its rounds goes to the client, sealed.

#[cfg(feature = "spake")]
pub(super) mod cookie;
mod enc_timestamp;
mod encrypted_challenge;
mod otp;
#[cfg(feature = "pkinit")]
mod pkinit;
#[cfg(feature = "spake")]
mod spake;

use alloc::vec::Vec;

use self::enc_timestamp::EncTimestamp;
use self::encrypted_challenge::EncryptedChallenge;
use super::account::Account;
use super::realm::Realm;
use super::refusal::{Padata, Refusal};
use super::request::Request;
use crate::asn1::EtypeInfo2Entry;
use crate::crypto::Key;
use crate::der::{self, KerberosString, List};
use crate::iana::{EncType, ErrorCode, NtStatus, PaType};
use crate::{Context, KerberosTime};

/// The mechanisms, in the order in which they are offered.
const MECHANISMS: &[&dyn Mechanism] = &[
    #[cfg(feature = "pkinit")]
    &pkinit::Pkinit,
    #[cfg(feature = "spake")]
    &spake::Spake,
    &otp::Otp,
    &EncryptedChallenge,
    &EncTimestamp,
];

/// What stands in PA-FX-COOKIE where nothing is to be remembered. Inside FAST MIT's client asks again
/// only if there is one.
const EMPTY_COOKIE: &[u8] = b"0";

/// What a mechanism knows.
pub(super) struct Facts<'a> {
    /// The request.
    pub(super) request: &'a Request<'a>,
    /// The account of who asks.
    pub(super) account: &'a Account,
    /// The enctypes that the client may use, of those it offers, by its preference.
    pub(super) enctypes: &'a [EncType],
}

impl Facts<'_> {
    /// The account's key that the KDC prefers, of the enctypes that the client offers.
    pub(super) fn key(&self) -> Option<&Key> {
        self.account.keys.preferred(self.enctypes)
    }

    /// Refuses a time that is too far from the KDC's.
    pub(super) fn check_skew(&self, time: KerberosTime) -> Result<(), Refusal> {
        let off = time.unix().abs_diff(self.request.now.unix());
        if off <= self.request.realm.policy.skew.unsigned_abs() {
            return Ok(());
        }
        let text = "the client's clock is too far from the KDC's";
        Err(Refusal::new(ErrorCode::SKEW, text).with_padata(key_hint(self)))
    }
}

/// A client that has proven itself.
#[derive(Debug)]
pub(super) struct Verified {
    /// What the reply is encrypted with.
    pub(super) reply_key: Key,
    /// What goes into the reply beside the ticket.
    pub(super) padata: Padata,
    /// With what.
    pub(super) proof: Proof,
}

/// What a client has proven itself with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Proof {
    /// Nothing: it was not asked for.
    Nothing,
    /// Its long-term key.
    Key,
    /// What a token shows.
    OneTimePassword,
    /// A certificate: its own, or, where it is nobody, the KDC's.
    #[cfg(feature = "pkinit")]
    Certificate,
}

impl Proof {
    /// Is it of a certificate, as cards have?
    pub(super) const fn is_by_card(self) -> bool {
        match self {
            Self::Nothing | Self::Key | Self::OneTimePassword => false,
            #[cfg(feature = "pkinit")]
            Self::Certificate => true,
        }
    }

    /// Is the reply sealed with the account's own key?
    pub(super) const fn is_by_key(self) -> bool {
        matches!(self, Self::Nothing | Self::Key)
    }
}

/// A way of pre-authentication.
pub(super) trait Mechanism: Sync {
    /// The type of what the client sends.
    fn padata_type(&self) -> PaType;

    /// The type that it is offered under.
    fn offered_type(&self) -> PaType {
        self.padata_type()
    }

    /// Has it a place in this request? What has none is neither offered nor looked at.
    fn fits(&self, facts: &Facts<'_>) -> bool;

    /// What is said of it when pre-authentication is asked for; `None` where it is not offered.
    fn offer(&self, facts: &Facts<'_>, cx: &mut Context<'_>) -> Option<Vec<u8>>;

    /// Looks at what the client sent. Another round is asked for with
    /// KDC_ERR_MORE_PREAUTH_DATA_REQUIRED and padata.
    fn verify(
        &self,
        facts: &Facts<'_>,
        value: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Verified, Refusal>;
}

/// The mechanisms that have a place in this request. A password alone is not enough where there is a
/// token beside it.
fn fitting(facts: &Facts<'_>) -> impl Iterator<Item = &'static dyn Mechanism> {
    let enough = [PaType::PK_AS_REQ, PaType::OTP_REQUEST];
    MECHANISMS.iter().copied().filter(move |mechanism| {
        let has_token = facts.account.one_time_password.is_some();
        mechanism.fits(facts) && (!has_token || enough.contains(&mechanism.padata_type()))
    })
}

/// Verifies what the client sent, by the first mechanism that finds something.
pub(super) fn verify(facts: &Facts<'_>, cx: &mut Context<'_>) -> Result<Verified, Refusal> {
    for mechanism in fitting(facts) {
        if let Some(value) = facts.request.find(mechanism.padata_type()) {
            let verified = mechanism.verify(facts, value, cx)?;
            if facts.account.smartcard_required && !verified.proof.is_by_card() {
                return Err(smartcard_required());
            }
            return Ok(verified);
        }
    }
    if !facts.account.no_preauth || facts.account.one_time_password.is_some() {
        let text = "pre-authentication is required";
        let refusal = Refusal::new(ErrorCode::PREAUTH_REQUIRED, text);
        return Err(refusal.with_padata(hints(facts, cx)));
    }
    if facts.account.smartcard_required {
        return Err(smartcard_required());
    }
    let reply_key = facts.key().ok_or_else(no_key)?.clone();
    Ok(Verified { reply_key, padata: Padata::new(), proof: Proof::Nothing })
}

fn smartcard_required() -> Refusal {
    Refusal::new(ErrorCode::POLICY, "the account logs in with a smart card only")
        .with_status(NtStatus::SMARTCARD_LOGON_REQUIRED)
}

/// The client offers no enctype that its account has a key of.
pub(super) fn no_key() -> Refusal {
    let text = "the account has no key of an enctype that the client offers";
    Refusal::new(ErrorCode::ETYPE_NOSUPP, text)
}

/// What was sent was made with another key. The right salt goes with it: the client may have guessed.
fn wrong_key(facts: &Facts<'_>) -> Refusal {
    Refusal::new(ErrorCode::PREAUTH_FAILED, "the password or key is wrong")
        .with_status(NtStatus::WRONG_PASSWORD)
        .with_padata(key_hint(facts))
}

/// All that is offered, PA-ETYPE-INFO2 first.
fn hints(facts: &Facts<'_>, cx: &mut Context<'_>) -> Padata {
    let mut hints = key_hint(facts);
    for mechanism in fitting(facts) {
        let offer = mechanism.offer(facts, cx);
        hints.extend(offer.map(|value| (mechanism.offered_type(), value)));
    }
    if facts.request.is_anonymous() {
        // MIT's client writes the old form, which nobody takes any more, to a KDC that does not say this.
        hints.push((PaType::PKINIT_KX, Vec::new()));
    }
    hints.push((PaType::FX_FAST, Vec::new()));
    hints.push((PaType::FX_COOKIE, EMPTY_COOKIE.to_vec()));
    hints
}

/// PA-ETYPE-INFO2: how the client makes its key. One entry, as AD has it.
pub(super) fn key_hint(facts: &Facts<'_>) -> Padata {
    let entry = facts.key().map(|key| EtypeInfo2Entry {
        etype: key.enctype(),
        // An NT hash has none.
        salt: (key.enctype() != EncType::RC4_HMAC)
            .then(|| facts.account.keys.salt().map(KerberosString))
            .flatten(),
        s2kparams: None,
    });
    let hint = entry.map(|entry| (PaType::ETYPE_INFO2, der::encode(&List::of(&[entry]))));
    hint.into_iter().collect()
}

/// What the client offers of the enctypes that it may log in with, in its order. Nobody in Protected
/// Users logs in with RC4 (MS-KILE 3.3.5.6).
pub(super) fn enctypes(
    realm: &Realm,
    account: &Account,
    offered: List<'_, EncType>,
) -> Vec<EncType> {
    let has = realm.enctypes(account);
    let rc4 = realm.policy.compat.rc4_logins() && !account.is_protected();
    let usable =
        |enctype: &EncType| has.contains(enctype) && (rc4 || *enctype != EncType::RC4_HMAC);
    offered.iter().filter(usable).collect()
}
