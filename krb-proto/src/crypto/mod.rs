//! Enctypes, checksums, string-to-key (RFC 3961, 3962, 4757, 6113, 6803, 8009).
//!
//! [`Key`] does everything; [`UsageKey`] is for contexts that protect many messages. A ciphertext
//! is decrypted only if its MAC is right, a checksum accepted only if it is keyed, and one
//! function compares both.
//!
//! ```
//! use krb_proto::crypto::{CryptoError, Key};
//! use krb_proto::iana::{EncType, KeyUsage};
//! use krb_proto::Random;
//!
//! // A stand-in: use a cryptographically secure generator.
//! struct NotRandom;
//! impl Random for NotRandom {
//!     fn fill(&mut self, out: &mut [u8]) {
//!         out.fill(7);
//!     }
//! }
//!
//! let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
//! let key = Key::from_password(enctype, b"password", b"EXAMPLE.COMuser", None)?;
//! let sealed = key.encrypt(KeyUsage::PA_ENC_TIMESTAMP, b"plaintext", &mut NotRandom);
//! assert_eq!(**key.decrypt(KeyUsage::PA_ENC_TIMESTAMP, &sealed)?, *b"plaintext");
//!
//! // Every usage has keys of its own.
//! assert!(key.decrypt(KeyUsage::TICKET, &sealed).is_err());
//!
//! // Outside of this crate's own tests and of fuzzing there is no null enctype.
//! let null = EncType(0);
//! assert_eq!(Key::new(null, &[]), Err(CryptoError::UnsupportedEncType(null)));
//! # Ok::<(), CryptoError>(())
//! ```

mod candidates;
mod cbc_cts;
mod cmac;
mod constant_time;
mod derived;
mod enctypes;
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

pub use candidates::MAX_CANDIDATES;
pub(crate) use candidates::decrypt_with_any;
pub use constant_time::constant_time_eq;
pub use error::CryptoError;
pub use key::{Key, MAX_ITERATIONS};
pub(crate) use rfc4757::gss_stream as rc4_gss_stream;
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
