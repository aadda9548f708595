//! Enctypes, checksums, string-to-key (RFC 3961, 3962, 4757, 6113, 6803, 8009).
//!
//! [`Key`] does everything; [`UsageKey`] is for contexts that protect many messages. A ciphertext
//! is decrypted only if its MAC is right, a checksum accepted only if it is keyed, and one
//! function compares both.

mod cbc_cts;
mod cmac;
mod constant_time;
mod error;
mod hash;
mod hmac;
mod key;
mod mac;
#[cfg(any(test, fuzzing))]
mod null;
mod pbkdf2;
mod profile;
mod rfc3961;
mod rfc3962;
mod rfc4757;
mod rfc6803;
mod rfc8009;
#[cfg(test)]
mod tests;
mod usage_key;

pub use constant_time::constant_time_eq;
pub use error::CryptoError;
pub use key::{Key, MAX_ITERATIONS};
pub use usage_key::UsageKey;

use crate::iana::EncType;

/// The enctypes that are used unless asked otherwise, in the order of preference. AES-256 with
/// SHA-1 stands first because AD takes the first of the list that it has, and has no other AES.
pub const SUPPORTED: &[EncType] = &[
    EncType::AES256_CTS_HMAC_SHA1_96,
    EncType::AES128_CTS_HMAC_SHA1_96,
    EncType::AES256_CTS_HMAC_SHA384_192,
    EncType::AES128_CTS_HMAC_SHA256_128,
];
