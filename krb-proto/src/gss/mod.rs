//! The Kerberos mechanism of GSS-API (RFC 4121): a ticket becomes a security context.
//!
//! [`Initiator`] is the client's side: it writes the first token, verifies the service's answer
//! and yields a [`SecurityContext`], which holds the context key and protects messages;
//! [`Acceptor`] is the service's. Tokens go in and come out; how they travel is the application
//! protocol's business. Where the protocol wants negotiation around the mechanism,
//! [`crate::spnego`] wraps these types.

mod acceptor;
mod bindings;
mod certificate;
mod cfx;
mod checksum;
mod context;
mod error;
mod flags;
mod iakerb;
mod initiator;
mod message;
mod oid;
mod rc4;
mod sequence;
mod token;
mod user_to_user;

pub use crate::der::Oid;
pub use acceptor::{Acceptor, AcceptorOptions};
pub use bindings::{Address, ChannelBindings, ChannelPolicy};
pub use context::SecurityContext;
pub use error::GssError;
pub use flags::GssFlags;
pub use iakerb::{IakerbAcceptor, IakerbDialect, IakerbError, IakerbInitiator, IakerbStep};
pub(crate) use initiator::refusal;
pub use initiator::{Initiator, InitiatorOptions};
pub use message::Protection;
pub use sequence::SequenceError;
pub(crate) use sequence::first_number;
pub use token::ap_req_in;
pub(crate) use token::{frame, unframe};
pub use user_to_user::{TgtRequest, tgt_reply, ticket_of_tgt_reply};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
