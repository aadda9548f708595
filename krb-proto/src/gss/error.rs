use core::fmt;

use super::SequenceError;
use crate::KerberosTime;
use crate::ap::{ApReplyError, ApRequestError, KrbCredError};
use crate::der::DecodeError;
use crate::iana::ErrorCode;

/// Why a security context, or a message in it, failed. A context that failed to be established is
/// of no further use; a refused message leaves it as it was.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum GssError {
    /// The peer's token is not what its specification says.
    Malformed(DecodeError),
    /// The peer's token is for another GSS mechanism.
    UnexpectedMechanism,
    /// The peer's token is of another kind (RFC 4121 section 4.1 and 4.2) than is due now.
    UnexpectedToken,
    /// The service's AP-REP does not prove that it holds the ticket's key.
    Reply(ApReplyError),
    /// The client's AP-REQ was refused.
    Request(ApRequestError),
    /// The client's authenticator has no checksum of type 0x8003, or a malformed one.
    BadChecksum,
    /// The client is bound to another channel than the one that it came by, or to none: another
    /// server passes its login on.
    ChannelBindings,
    /// The client asks for a way of protecting messages that is not offered (DCE style).
    NotOffered,
    /// What the client delegates cannot be taken.
    Delegation(KrbCredError),
    /// The service answered with a KRB-ERROR. It is not authenticated: anyone on the way could
    /// have sent it.
    Refused {
        /// The service's reason.
        code: ErrorCode,
        /// The service's clock, which tells how far ours is off when the reason is
        /// [`ErrorCode::SKEW`].
        server_time: KerberosTime,
    },
    /// A message's protection does not hold: it was changed, or belongs to another context.
    BadMessage,
    /// A message is authentic, and replayed or out of order.
    Sequence(SequenceError),
    /// Misuse: the context is not established yet, or failed.
    NotEstablished,
    /// Misuse: the context is established and takes no further token.
    AlreadyEstablished,
    /// Misuse: the credential's ticket is not a ticket.
    BadTicket(DecodeError),
    /// Misuse: the credential to be delegated does not fit into a token.
    DelegationTooLong,
}

impl GssError {
    /// What to tell the client in a KRB-ERROR, where a service refuses it so.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Request(error) => error.code(),
            _ => ErrorCode::GENERIC,
        }
    }
}

impl From<DecodeError> for GssError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<ApReplyError> for GssError {
    fn from(error: ApReplyError) -> Self {
        Self::Reply(error)
    }
}

impl From<ApRequestError> for GssError {
    fn from(error: ApRequestError) -> Self {
        Self::Request(error)
    }
}

impl From<SequenceError> for GssError {
    fn from(error: SequenceError) -> Self {
        Self::Sequence(error)
    }
}

impl fmt::Display for GssError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the peer's token is malformed: {error}"),
            Self::UnexpectedMechanism => {
                f.write_str("the peer's token is for another security mechanism than Kerberos")
            }
            Self::UnexpectedToken => f.write_str("the peer's token is not of the kind due now"),
            Self::Reply(error) => error.fmt(f),
            Self::Request(error) => error.fmt(f),
            Self::BadChecksum => {
                f.write_str("the client's authenticator has no well-formed GSS checksum")
            }
            Self::ChannelBindings => f.write_str(
                "the client's login is not bound to this TLS channel: it may be passed on by another server",
            ),
            Self::NotOffered => {
                f.write_str("the client asks for messages in DCE style, which are not offered")
            }
            Self::Delegation(error) => {
                write!(f, "what the client delegates cannot be taken: {error}")
            }
            Self::Refused { code: code @ ErrorCode::SKEW, server_time } => {
                write!(f, "the service refused the ticket with {code}; its clock says {server_time}")
            }
            Self::Refused { code, .. } => write!(f, "the service refused the ticket with {code}"),
            Self::BadMessage => {
                f.write_str("a message was changed on its way, or belongs to another context")
            }
            Self::Sequence(error) => error.fmt(f),
            Self::NotEstablished => f.write_str("the security context is not established"),
            Self::AlreadyEstablished => {
                f.write_str("the security context is established and takes no further token")
            }
            Self::BadTicket(error) => write!(f, "the credential's ticket is malformed: {error}"),
            Self::DelegationTooLong => {
                f.write_str("the credential to be delegated is too long for a token")
            }
        }
    }
}

impl core::error::Error for GssError {}
