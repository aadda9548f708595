use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::Random;
use crate::asn1::{
    EncryptedData, OtpTokenInfo, PaOtpChallenge, PaOtpEncRequest, PaOtpRequest, SecretOctets,
};
use crate::crypto::Key;
use crate::der::{self, DecodeError};
use crate::iana::{KeyUsage, OtpFlags};

/// What the user read from a token, and what they know beside it.
#[derive(Clone)]
pub struct OneTimePassword {
    /// The token's value.
    pub value: Zeroizing<Vec<u8>>,
    /// The PIN, if there is one.
    pub pin: Option<Zeroizing<Vec<u8>>>,
}

/// What a token may ask for and still be served: not the next value of its sequence, nor a key
/// that is made of the value.
const SERVED: OtpFlags = OtpFlags(
    OtpFlags::COLLECT_PIN.0
        | OtpFlags::DO_NOT_COLLECT_PIN.0
        | OtpFlags::MUST_ENCRYPT_NONCE.0
        | OtpFlags::SEPARATE_PIN_REQUIRED.0
        | OtpFlags::CHECK_DIGIT.0,
);
/// The value would have to be Base64 (RFC 6560 section 4.1, otp-format).
const FORMAT_BASE64: i32 = 4;

/// PA-OTP-REQUEST (RFC 6560 section 4.2), with the value itself in it: it belongs inside FAST and
/// nowhere else. It answers a PA-OTP-CHALLENGE; `None` if the KDC takes no token that this could be
/// the value of. The reply is then encrypted in the armor key (section 3.6).
///
/// # Errors
/// If the challenge is malformed.
pub fn otp_request(
    challenge: &[u8],
    otp: &OneTimePassword,
    armor_key: &Key,
    rng: &mut dyn Random,
) -> Result<Option<Zeroizing<Vec<u8>>>, DecodeError> {
    let challenge: PaOtpChallenge<'_> = der::decode(challenge)?;
    let Some(token) = challenge.otp_token_info.iter().find(|token| serves(otp, token)) else {
        return Ok(None);
    };
    let flags = OtpFlags(token.flags.bits());
    let pin = otp.pin.as_ref().filter(|_| flags.contains(OtpFlags::COLLECT_PIN));
    let separate = flags.contains(OtpFlags::SEPARATE_PIN_REQUIRED);
    let mut value = Zeroizing::new(Vec::new());
    if let Some(pin) = pin.filter(|_| !separate) {
        value.reserve_exact(pin.len() + otp.value.len());
        value.extend_from_slice(pin);
    }
    value.extend_from_slice(&otp.value);

    let nonce = der::encode(&PaOtpEncRequest { nonce: challenge.nonce });
    let cipher = armor_key.encrypt(KeyUsage::PA_OTP_REQUEST, &nonce, rng);
    Ok(Some(der::encode_secret(&PaOtpRequest {
        flags: OtpFlags::NONE.0.into(),
        nonce: None,
        enc_data: EncryptedData { etype: armor_key.enctype(), kvno: None, cipher: &cipher },
        hash_alg: None,
        iteration_count: None,
        otp_value: Some(SecretOctets(&value)),
        otp_pin: pin.filter(|_| separate).map(|pin| SecretOctets(pin)),
        otp_challenge: None,
        otp_time: None,
        otp_counter: None,
        otp_format: token.otp_format,
        otp_token_id: token.otp_token_id,
        otp_alg_id: token.otp_alg_id,
        otp_vendor: token.otp_vendor,
    })))
}

/// Is a PIN all that is missing to answer this challenge?
pub(crate) fn otp_lacks_pin(challenge: &[u8], otp: &OneTimePassword) -> bool {
    let challenge = der::decode::<PaOtpChallenge<'_>>(challenge);
    otp.pin.is_none()
        && challenge.is_ok_and(|challenge| {
            challenge.otp_token_info.iter().any(|token| serves_with_pin(otp, &token))
        })
}

/// Could the value be this token's?
fn serves(otp: &OneTimePassword, token: &OtpTokenInfo<'_>) -> bool {
    let wants_pin = OtpFlags(token.flags.bits()).contains(OtpFlags::COLLECT_PIN);
    serves_with_pin(otp, token) && (otp.pin.is_some() || !wants_pin)
}

fn serves_with_pin(otp: &OneTimePassword, token: &OtpTokenInfo<'_>) -> bool {
    let flags = OtpFlags(token.flags.bits());
    let length = i32::try_from(otp.value.len()).ok();
    SERVED.contains(flags)
        && token.supported_hash_alg.is_none()
        && token.iteration_count.is_none()
        && token.otp_format != Some(FORMAT_BASE64)
        && (token.otp_length.is_none() || token.otp_length == length)
}
