//! PKINIT: pre-authentication with a certificate (RFC 4556, with RFC 5349, RFC 8070, RFC 8636 and
//! MS-PKCA).
//!
//! The client signs its request and a Diffie-Hellman public value, the KDC signs its own; the reply
//! key comes of both. What the KDC must prove: its message is signed by a certificate that leads to
//! one of the caller's [`TrustAnchors`], and that certificate names the KDC of the client's realm.
//! Revocation is not looked at: a KDC's certificate that was withdrawn must leave the anchors' reach
//! or expire.

mod agreement;
mod certificate;
mod client;
pub(crate) mod contribution;
mod error;
#[cfg(any(feature = "kdc", test))]
mod kdc;
mod kdf;
#[cfg(any(feature = "kdc", test))]
mod mapping;
mod modp;
#[cfg(any(test, fuzzing))]
pub(crate) mod oracle;
mod path;
mod signature;
mod signed_data;
mod signer;

pub use agreement::{AgreementError, Group, KeyPair};
pub use certificate::CertificateError;
pub use client::{Pkinit, PkinitConfig};
pub use error::PkinitError;
#[cfg(any(feature = "kdc", test))]
pub use kdc::{ClientProof, KdcPkinit, KeyOffer, RequestError, RequestRules, dh_parameters};
pub use kdf::{Kdf, KeyUse, octet_string_to_key};
#[cfg(any(feature = "kdc", test))]
pub use mapping::{CertificateMapping, MappingError, MappingRules, Owner};
pub use path::{MAX_INTERMEDIATES, PathError, TrustAnchors};
pub use signature::{Hash, KeyKind, SignatureAlgorithm};
pub use signed_data::{MAX_CERTIFICATES, MAX_SIGNED_DATA, SignedDataError};
pub use signer::{Signer, SigningError, SoftwareSigner};

#[cfg(test)]
pub(crate) mod tests;
