//! The privilege attribute certificate (MS-PAC): who a ticket is really for.
//!
//! [`Pac`] is structure only; nothing in it may be believed before
//! [`Pac::verify_server_signature`] has turned it into a [`VerifiedPac`].

mod buffers;
mod error;
mod logon_info;
mod ndr;
mod sid;
mod upn_dns_info;

pub use buffers::{Pac, VerifiedPac};
pub use error::{PacError, PacErrorKind};
pub use logon_info::LogonInfo;
pub use sid::{Sid, SidParseError};
pub use upn_dns_info::{UpnDnsExtended, UpnDnsInfo};

#[cfg(test)]
mod tests;
