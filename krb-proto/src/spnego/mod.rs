//! SPNEGO (RFC 4178, MS-SPNG) around the one mechanism this crate has: Kerberos.
//!
//! [`SpnegoInitiator`] wraps [`crate::gss::Initiator`], [`SpnegoAcceptor`] wraps
//! [`crate::gss::Acceptor`], and [`http`] is the text form in HTTP's `Negotiate` headers
//! (RFC 4559).
//!
//! What peers do, and what is made of it:
//! - Windows answers an offer of Kerberos with its own number for it ([`Oid::MS_KRB5`]). Both
//!   numbers are offered and mean the same mechanism, so the choice of either is no downgrade and
//!   asks for no MIC.
//! - Windows 2000 sent a copy of its responseToken in place of the mechListMIC. It is refused: a
//!   MIC that is there must verify.
//! - Windows sends a KRB-ERROR behind `accept-incomplete`, expecting another try. It ends the
//!   negotiation here; a caller that can do better (clock skew) starts anew.
//! - Windows may offer NegoEx before Kerberos. Its messages are not read; Kerberos is asked for.
//! - Windows servers open SMB with a NegTokenInit2 of their own. It only says what they offer, so
//!   it is not taken by either side here: clients start with theirs.
//!
//! [`Oid::MS_KRB5`]: crate::gss::Oid::MS_KRB5

mod acceptor;
mod error;
pub mod http;
mod initiator;
mod token;

pub use acceptor::SpnegoAcceptor;
pub use error::SpnegoError;
pub use initiator::SpnegoInitiator;
pub use token::{NegState, NegTokenInit, NegTokenResp, ap_req_in};

#[cfg(test)]
mod tests;
