use core::fmt;

use crate::der::DecodeError;
use crate::exchange::ExchangeError;
use crate::gss::GssError;

/// Why a login through IAKERB failed. It is then of no further use.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum IakerbError {
    /// The exchange with a KDC failed, or the service could reach none.
    Exchange(ExchangeError),
    /// The login's own part of the peer's token, or the login, failed.
    Gss(GssError),
    /// What the client has in it for a KDC is no message to one, or its proof is malformed.
    Malformed(DecodeError),
    /// The client's login is not bound to the conversation with its KDC that this side passed on, or
    /// that conversation was changed on its way.
    Finished,
    /// More messages for a KDC than any login needs, or more octets.
    TooLong,
    /// The client sends a token although one of ours is due.
    OutOfStep,
    /// Misuse: an answer of a KDC's, or a realm, that the client has not asked for.
    NotAsked,
}

impl From<GssError> for IakerbError {
    fn from(error: GssError) -> Self {
        Self::Gss(error)
    }
}

impl fmt::Display for IakerbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(error) => error.fmt(f),
            Self::Gss(error) => error.fmt(f),
            Self::Malformed(error) => write!(f, "the client's token is malformed: {error}"),
            Self::Finished => {
                f.write_str("the client's login is not bound to its conversation with the KDC")
            }
            Self::TooLong => {
                f.write_str("the conversation with the KDC is longer than any login needs")
            }
            Self::OutOfStep => f.write_str("the client sent a token before it had our answer"),
            Self::NotAsked => f.write_str("the client has not asked for what it is answered"),
        }
    }
}

impl core::error::Error for IakerbError {}
