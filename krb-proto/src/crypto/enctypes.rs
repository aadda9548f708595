//! Which enctypes there are.

#[cfg(any(test, fuzzing))]
use super::null;
use super::profile::Profile;
use super::{CryptoError, rfc3962, rfc4757, rfc6803, rfc8009};
use crate::iana::EncType;

impl Profile {
    pub(super) fn of(enctype: EncType) -> Result<&'static Self, CryptoError> {
        Ok(match enctype {
            EncType::AES128_CTS_HMAC_SHA1_96 => &rfc3962::AES128,
            EncType::AES256_CTS_HMAC_SHA1_96 => &rfc3962::AES256,
            EncType::AES128_CTS_HMAC_SHA256_128 => &rfc8009::AES128,
            EncType::AES256_CTS_HMAC_SHA384_192 => &rfc8009::AES256,
            EncType::RC4_HMAC => &rfc4757::RC4,
            EncType::CAMELLIA128_CTS_CMAC => &rfc6803::CAMELLIA128,
            EncType::CAMELLIA256_CTS_CMAC => &rfc6803::CAMELLIA256,
            #[cfg(any(test, fuzzing))]
            null::ENCTYPE => &null::NULL,
            _ => return Err(CryptoError::UnsupportedEncType(enctype)),
        })
    }
}
