//! Authorization data (RFC 4120 section 5.2.6) as containers: where the PAC stands in a ticket, and
//! the two kinds of data that somebody has signed, AD-KDCIssued and CAMMAC (RFC 7751).

mod cammac;
mod error;
mod kdc_issued;
mod pac;

pub use cammac::{make_cammac, verify_cammac_as_kdc, verify_cammac_as_service};
pub use error::AuthorizationError;
pub use kdc_issued::verify_kdc_issued;
pub use pac::{find_pac, with_pac};

#[cfg(test)]
mod tests;
