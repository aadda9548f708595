//! PA-OTP-CHALLENGE and PA-OTP-REQUEST (RFC 6560), inside FAST only: the reply is encrypted in the armor
//! key. What the token shows is what the account says that it shows; the KDC keeps nothing, so the same
//! value is good again.

use alloc::vec::Vec;

use super::{Facts, Mechanism, Proof, Verified, wrong_key};
use crate::Context;
use crate::asn1::{OtpTokenInfo, PaOtpChallenge, PaOtpEncRequest, PaOtpRequest};
use crate::crypto::{Key, constant_time_eq};
use crate::der::{self, List};
use crate::iana::{ErrorCode, KeyUsage, OtpFlags, PaType};
use crate::kdc::refusal::{Padata, Refusal};
use crate::kdc::target::krbtgt_key;

/// RFC 3961 section 7.1 leaves 512 to 1023 to what stays within one implementation.
const USAGE: KeyUsage = KeyUsage(514);
/// Time and random octets, in front of a checksum over them.
const HEADER: usize = 16;

pub(super) struct Otp;

impl Mechanism for Otp {
    fn padata_type(&self) -> PaType {
        PaType::OTP_REQUEST
    }

    fn offered_type(&self) -> PaType {
        PaType::OTP_CHALLENGE
    }

    fn fits(&self, facts: &Facts<'_>) -> bool {
        facts.account.one_time_password.is_some() && facts.request.armor.is_some()
    }

    fn offer(&self, facts: &Facts<'_>, cx: &mut Context<'_>) -> Option<Vec<u8>> {
        let mut header = [0; HEADER];
        let (time, random) = header.split_at_mut(8);
        time.copy_from_slice(&facts.request.now.unix().to_be_bytes());
        cx.rng.fill(random);
        let sum = checksum(facts, krbtgt_key(facts.request.realm).ok()?, &header);
        let nonce = [&header[..], &sum].concat();
        let flags = match facts.account.one_time_pin {
            Some(_) => OtpFlags::COLLECT_PIN | OtpFlags::SEPARATE_PIN_REQUIRED,
            None => OtpFlags::NONE,
        };
        let token = OtpTokenInfo {
            flags: flags.0.into(),
            otp_vendor: None,
            otp_challenge: None,
            otp_length: None,
            otp_format: None,
            otp_token_id: None,
            otp_alg_id: None,
            supported_hash_alg: None,
            iteration_count: None,
        };
        Some(der::encode(&PaOtpChallenge {
            nonce: &nonce,
            otp_service: None,
            otp_token_info: List::of(&[token]),
            salt: None,
            s2kparams: None,
        }))
    }

    fn verify(
        &self,
        facts: &Facts<'_>,
        value: &[u8],
        _: &mut Context<'_>,
    ) -> Result<Verified, Refusal> {
        let refuse = |text| Refusal::new(ErrorCode::PREAUTH_FAILED, text);
        let armor_key = facts.request.armor.ok_or_else(|| wrong_key(facts))?;
        let unreadable = "the one-time password's message cannot be read";
        let request: PaOtpRequest<'_> = der::decode(value).map_err(|_| refuse(unreadable))?;
        let sealed = request.enc_data;
        let opened = (sealed.etype == armor_key.enctype())
            .then(|| armor_key.decrypt(KeyUsage::PA_OTP_REQUEST, sealed.cipher).ok())
            .flatten()
            .ok_or_else(|| refuse("the one-time password's nonce does not decrypt"))?;
        let nonce: PaOtpEncRequest<'_> = der::decode(&opened).map_err(|_| refuse(unreadable))?;
        check_nonce(facts, nonce.nonce)?;
        let shown = facts.account.one_time_password.as_ref();
        let given = request.otp_value.map(|value| value.0);
        // Nobody learns by the time how much of it was right.
        let is_it = |wanted: &str, given: &[u8]| constant_time_eq(wanted.as_bytes(), given);
        let value = shown.zip(given).is_some_and(|(shown, given)| is_it(shown, given));
        let pin = facts.account.one_time_pin.as_ref().is_none_or(|pin| {
            let given = request.otp_pin.map_or(&[][..], |pin| pin.0);
            is_it(pin, given)
        });
        if !(value & pin) {
            return Err(wrong_key(facts));
        }
        let proof = Proof::OneTimePassword;
        Ok(Verified { reply_key: armor_key.clone(), padata: Padata::new(), proof })
    }
}

/// What only this realm's KDCs can have made, for this account.
fn checksum(facts: &Facts<'_>, key: &Key, header: &[u8]) -> Vec<u8> {
    let rid = facts.account.relative_id().unwrap_or_default();
    key.checksum(USAGE, &[header, &rid.to_be_bytes()].concat())
}

fn check_nonce(facts: &Facts<'_>, nonce: &[u8]) -> Result<(), Refusal> {
    let key = krbtgt_key(facts.request.realm)?;
    let made = nonce.split_at_checked(HEADER).and_then(|(header, sum)| {
        let time = header.first_chunk().map(|time| i64::from_be_bytes(*time))?;
        constant_time_eq(sum, &checksum(facts, key, header)).then_some(time)
    });
    let text = "the one-time password answers a challenge that is none of this KDC's";
    let made = made.ok_or(Refusal::new(ErrorCode::PREAUTH_FAILED, text))?;
    if made.abs_diff(facts.request.now.unix()) > facts.request.realm.policy.skew.unsigned_abs() {
        let text = "the client took too long: its pre-authentication is to be begun anew";
        return Err(Refusal::new(ErrorCode::PREAUTH_EXPIRED, text));
    }
    Ok(())
}
