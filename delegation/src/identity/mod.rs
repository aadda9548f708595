//! From a bearer token to a caller, and to the account the caller is.
//!
//! [`Presented`] is what came with a request; [`Caller`] is what [`Verifier::admit`] made of it;
//! [`Subject`] is what the token exchange made of the caller. Each can be had in no other way.

mod account_name;
mod address;
mod advice;
mod authentication;
mod caller;
mod claim_types;
mod claimed;
mod config;
mod confirmation;
mod dpop;
mod failure;
mod introspection;
mod jwks;
mod jwt;
mod kept;
mod key_set;
mod keys;
mod legacy_name;
mod may_assert;
mod nonces;
mod policy_claims;
mod policy_values;
mod presented;
mod replays;
mod roles;
mod strict_json;
mod subject;
mod ticket;
mod token;
mod verified;
mod verifier;

pub use account_name::{AccountName, Upn, UpnError};
pub use authentication::AuthenticationError;
pub use caller::Caller;
pub use claim_types::ClaimTypes;
pub use claimed::Claimed;
pub use config::{ClaimMappings, IntrospectionConfig, Security, TrustedIdp, UserId};
pub use dpop::DPOP_ALGORITHMS;
pub use legacy_name::{LegacyName, LegacyNameError};
pub use may_assert::MayAssert;
pub use nonces::Nonces;
pub use policy_claims::{ClaimType, ClaimValue, ClaimValues, PolicyClaim};
pub use presented::Presented;
pub use replays::{CannotRemember, Replays, ReplaysInMemory};
pub use roles::RoleMappings;
pub use subject::Subject;
pub(crate) use ticket::{DeliveredTicket, OwnTicket};
pub(crate) use token::BearerToken;
pub use verifier::Verifier;

pub(crate) use address::is_https_or_loopback;
pub(crate) use failure::NoSubject;
pub(crate) use jwt::{Claims, Flaw};
pub(crate) use may_assert::Proven;

#[cfg(test)]
mod tests;
