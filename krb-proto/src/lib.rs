#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! - [`iana`]: the numbers (enctypes, key usages, error codes, flags);
//! - [`der`] and [`asn1`]: a strict zero-copy codec and the messages declared with it;
//! - [`crypto`]: enctypes, checksums, string-to-key;
//! - [`preauth`] and [`exchange`]: AS, TGS, S4U2Self, S4U2Proxy, FAST;
//! - `preauth::spake` and `pkinit`, each a feature: passwords that nobody can guess at offline, and
//!   certificates in their place;
//! - [`ap`], [`gss`], [`spnego`]: using a ticket;
//! - `kdc`, a feature: the other side of [`exchange`], for development and tests;
//! - [`kpasswd`], [`kkdcp`]: changing a password, and reaching a KDC through HTTPS;
//! - [`netlogon`]: which site of Active Directory asks;
//! - [`pac`] and [`authorization`]: who a ticket is really for, and what else the KDC put into it;
//! - [`formats`]: ccache, keytab, kirbi and krb5.conf bytes.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod ap;
pub mod asn1;
pub mod authorization;
mod context;
pub mod credential;
pub mod crypto;
pub mod der;
pub mod exchange;
pub mod formats;
pub mod gss;
pub mod iana;
#[cfg(any(feature = "kdc", test, fuzzing))]
pub mod kdc;
pub mod kkdcp;
pub mod kpasswd;
pub mod netlogon;
#[cfg(any(test, fuzzing))]
pub mod oracles;
pub mod pac;
#[cfg(feature = "pkinit")]
pub mod pkinit;
pub mod preauth;
mod principal;
pub mod spnego;
#[cfg(test)]
mod tests;
mod time;

pub use context::{Context, Random};
pub use credential::Credential;
pub use principal::{Name, Principal, PrincipalParseError};
pub use time::{KerberosTime, Timestamp};
