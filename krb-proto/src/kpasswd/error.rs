use core::fmt;

use super::Reason;
use crate::KerberosTime;
use crate::ap::{ApReplyError, ProtectedError};
use crate::der::DecodeError;
use crate::iana::{ErrorCode, KpasswdResult};

/// Why a password is not changed, or why nobody knows: after an error other than a refusal it may
/// have been.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum KpasswdError {
    /// The server said no.
    Refused(KpasswdRefusal),
    /// The server answered with a KRB-ERROR that holds no result. It is not authenticated.
    Kerberos {
        /// The server's reason.
        code: ErrorCode,
        /// The server's clock.
        server_time: KerberosTime,
    },
    /// A message in the reply is not what it should be.
    Malformed(DecodeError),
    /// The reply's lengths do not fit.
    Truncated,
    /// The reply has a version that does not exist.
    Version(u16),
    /// The server did not prove its identity.
    Authentication(ApReplyError),
    /// The result was changed on its way.
    Protection(ProtectedError),
    /// Misuse: the credential's ticket is not a ticket.
    BadTicket(DecodeError),
    /// Misuse: ticket and password together have more octets than a request can.
    TooLong,
}

impl fmt::Display for KpasswdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Kerberos { code, .. } => {
                write!(f, "the password server answered {code} ({})", code.0)
            }
            Self::Malformed(error) => {
                write!(f, "the password server's reply is malformed: {error}")
            }
            Self::Truncated => {
                f.write_str("the password server's reply is longer or shorter than it says")
            }
            Self::Version(version) => {
                write!(f, "the password server's reply has the unknown version {version:#x}")
            }
            Self::Authentication(error) => write!(f, "the password server's reply: {error}"),
            Self::Protection(error) => write!(f, "the password server's result: {error}"),
            Self::BadTicket(error) => write!(f, "the credential's ticket is malformed: {error}"),
            Self::TooLong => f.write_str("ticket and password are too long for one request"),
        }
    }
}

impl core::error::Error for KpasswdError {}

/// A result other than success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KpasswdRefusal {
    /// The result.
    pub result: KpasswdResult,
    /// The reason, where the server gave one.
    pub reason: Option<Reason>,
    /// Did the server prove its identity? If not, anyone on the way could have sent it.
    pub authenticated: bool,
}

impl KpasswdRefusal {
    /// Reads result code and result string.
    pub(super) fn new(result: &[u8], authenticated: bool) -> Option<Self> {
        let (code, reason) = result.split_first_chunk()?;
        let result = KpasswdResult(u16::from_be_bytes(*code));
        Some(Self { result, reason: Reason::new(reason), authenticated })
    }
}

impl fmt::Display for KpasswdRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the password server answered {}", self.result)?;
        if let Some(reason) = &self.reason {
            write!(f, ": {reason}")?;
        }
        Ok(())
    }
}
