//! One-time passwords (RFC 6560). The module's tags are IMPLICIT.

use super::{AlgorithmIdentifier, EncryptedData, LastReqEntry, SecretOctets};
use crate::KerberosTime;
use crate::der::{KerberosFlags, KerberosString, List, Utf8String, sequence};

sequence! {
    /// OTP-TOKENINFO (RFC 6560 section 4.1): one token that the KDC would take. `flags` are
    /// [`OtpFlags`](crate::iana::OtpFlags).
    pub struct OtpTokenInfo<'a> {
        [0 IMPLICIT] flags: KerberosFlags<'a>,
        [1 IMPLICIT] otp_vendor: Option<Utf8String<'a>>,
        [2 IMPLICIT] otp_challenge: Option<&'a [u8]>,
        [3 IMPLICIT] otp_length: Option<i32>,
        [4 IMPLICIT] otp_format: Option<i32>,
        [5 IMPLICIT] otp_token_id: Option<&'a [u8]>,
        [6 IMPLICIT] otp_alg_id: Option<Utf8String<'a>>,
        [7 IMPLICIT] supported_hash_alg: Option<List<'a, AlgorithmIdentifier<'a>>>,
        [8 IMPLICIT] iteration_count: Option<i32>,
        ...
    }

    /// PA-OTP-CHALLENGE (RFC 6560 section 4.1).
    pub struct PaOtpChallenge<'a> {
        [0 IMPLICIT] nonce: &'a [u8],
        [1 IMPLICIT] otp_service: Option<Utf8String<'a>>,
        [2 IMPLICIT] otp_token_info: List<'a, OtpTokenInfo<'a>>,
        [3 IMPLICIT] salt: Option<KerberosString<'a>>,
        [4 IMPLICIT] s2kparams: Option<&'a [u8]>,
        ...
    }

    /// PA-OTP-REQUEST (RFC 6560 section 4.2). Sent inside FAST only.
    pub struct PaOtpRequest<'a> {
        [0 IMPLICIT] flags: KerberosFlags<'a>,
        [1 IMPLICIT] nonce: Option<&'a [u8]>,
        [2 IMPLICIT] enc_data: EncryptedData<'a>,
        [3 IMPLICIT] hash_alg: Option<AlgorithmIdentifier<'a>>,
        [4 IMPLICIT] iteration_count: Option<i32>,
        [5 IMPLICIT] otp_value: Option<SecretOctets<'a>>,
        [6 IMPLICIT] otp_pin: Option<SecretOctets<'a>>,
        [7 IMPLICIT] otp_challenge: Option<&'a [u8]>,
        [8 IMPLICIT] otp_time: Option<KerberosTime>,
        [9 IMPLICIT] otp_counter: Option<&'a [u8]>,
        [10 IMPLICIT] otp_format: Option<i32>,
        [11 IMPLICIT] otp_token_id: Option<&'a [u8]>,
        [12 IMPLICIT] otp_alg_id: Option<Utf8String<'a>>,
        [13 IMPLICIT] otp_vendor: Option<Utf8String<'a>>,
        ...
    }

    /// PA-OTP-ENC-REQUEST (RFC 6560 section 4.2): what `enc_data` holds.
    pub struct PaOtpEncRequest<'a> {
        [0 IMPLICIT] nonce: &'a [u8],
        ...
    }

    /// PA-OTP-PIN-CHANGE (RFC 6560 section 4.3).
    pub struct PaOtpPinChange<'a> {
        [0 IMPLICIT] flags: KerberosFlags<'a>,
        [1 IMPLICIT] pin: Option<SecretOctets<'a>>,
        [2 IMPLICIT] min_length: Option<i32>,
        [3 IMPLICIT] max_length: Option<i32>,
        [4 IMPLICIT] last_req: Option<List<'a, LastReqEntry>>,
        [5 IMPLICIT] format: Option<i32>,
        ...
    }
}
