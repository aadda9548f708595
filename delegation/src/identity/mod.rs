//! From a bearer token to a caller, and to the account the caller is.
//!
//! [`BearerToken`] is unverified text; [`Caller`] is what [`Verifier::verify`] made of it;
//! [`Subject`] is what the token exchange made of the caller. Each can be had in no other way.

mod config;
mod failure;
mod jwks;
mod jwt;
mod key_set;
mod keys;
mod legacy_name;
mod subject;
mod token;
mod verifier;

pub use config::{Audience, ClaimMappings, Security, TrustedIdp};
pub use legacy_name::{LegacyName, LegacyNameError};
pub use subject::Subject;
pub use token::BearerToken;
pub use verifier::{AuthenticationError, Caller, Verifier};

pub(crate) use config::is_https_or_loopback;
pub(crate) use failure::NoSubject;
pub(crate) use jwt::{Claims, Flaw};

#[cfg(test)]
mod tests;
