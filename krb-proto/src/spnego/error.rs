use core::fmt;

use crate::der::DecodeError;
use crate::gss::GssError;

/// Why a negotiation failed. It is then of no further use.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum SpnegoError {
    /// The peer's token is not what RFC 4178 says.
    Malformed(DecodeError),
    /// The peer's first token is not SPNEGO's but another mechanism's.
    UnexpectedMechanism,
    /// The peer rejected the negotiation without a reason.
    Rejected,
    /// The peer chose a mechanism that was not offered, or did not offer Kerberos.
    NoCommonMechanism,
    /// The peer's message does not fit the state of the negotiation.
    OutOfStep,
    /// The peer says that it is done, and has not proven its identity.
    NoReply,
    /// The MIC over the offered mechanisms is due and missing.
    MicMissing,
    /// The MIC over the offered mechanisms is wrong: the offer was changed on its way.
    MicWrong,
    /// Kerberos, inside of the negotiation, failed; or the peer rejected it with this reason.
    Mechanism(GssError),
    /// Misuse: the negotiation failed before.
    Failed,
    /// Misuse: the negotiation is complete and takes no further token.
    Complete,
}

impl From<GssError> for SpnegoError {
    fn from(error: GssError) -> Self {
        Self::Mechanism(error)
    }
}

impl From<DecodeError> for SpnegoError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for SpnegoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the peer's token is malformed: {error}"),
            Self::UnexpectedMechanism => {
                f.write_str("the peer's token is another security mechanism's, not SPNEGO's")
            }
            Self::Rejected => f.write_str("the peer rejected the login without a reason"),
            Self::NoCommonMechanism => {
                f.write_str("the peer chose or offered no security mechanism that this side has")
            }
            Self::OutOfStep => {
                f.write_str("the peer's message does not fit the state of the negotiation")
            }
            Self::NoReply => {
                f.write_str("the service says that it is done and has not proven its identity")
            }
            Self::MicMissing => {
                f.write_str("the peer did not sign the list of offered security mechanisms")
            }
            Self::MicWrong => f.write_str(
                "the signature over the offered security mechanisms is wrong: the offer was changed on its way",
            ),
            Self::Mechanism(error) => error.fmt(f),
            Self::Failed => f.write_str("the negotiation failed before"),
            Self::Complete => f.write_str("the negotiation is complete and takes no further token"),
        }
    }
}

impl core::error::Error for SpnegoError {}
