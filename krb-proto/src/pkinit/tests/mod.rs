//! PKINIT against a public key infrastructure made here, and its parts against vectors.

mod agreement;
mod exchange;
mod kdc;
mod path;
pub(crate) mod pki;
mod signatures;
mod transcript;
