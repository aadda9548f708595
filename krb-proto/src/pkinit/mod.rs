//! PKINIT: pre-authentication with a certificate (RFC 4556, with RFC 5349, RFC 8070, RFC 8636 and
//! MS-PKCA).

mod agreement;
mod kdf;
mod modp;

pub use agreement::{AgreementError, Group, KeyPair};
pub use kdf::{Kdf, KeyUse, octet_string_to_key};

#[cfg(test)]
mod agreement_tests;
