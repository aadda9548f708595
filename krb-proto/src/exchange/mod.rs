//! The exchanges with a KDC, as state machines that do no I/O.
//!
//! Each implements [`Exchange`]: ask it for its realm and for the request that is due, deliver that
//! to a KDC of the realm, hand back the reply; repeat until it is done. A request may be asked for again
//! (for another KDC, or after a correction of the clock): it is built afresh each time, and only the
//! reply to the last one is taken. Who asks several KDCs at once gives each a copy of the exchange.

mod as_armor;
mod as_exchange;
mod asked;
mod client_key;
mod error;
mod evidence;
mod goal;
mod key_hint;
mod login;
mod mechanism;
mod options;
mod reply;
mod tgs;
mod tgs_armor;
mod user_realm;
mod walk;

pub use as_exchange::AsExchange;
pub use client_key::{ClientSecret, KnownKey};
pub use error::{ExchangeError, KdcRefusal, Mismatch, OwnTicketError, ReferralError};
pub use evidence::{EvidenceError, OpenedTicket, open_ticket, opens};
pub use goal::TgsGoal;
pub use key_hint::KeyHintExchange;
pub use login::Login;
pub use options::{TicketAddress, TicketOptions};
pub use tgs::TgsExchange;
pub use tgs_armor::TgsArmor;
pub use user_realm::UserRealm;
pub use walk::TgsWalk;

use alloc::vec::Vec;

use crate::Context;

/// A conversation with the KDCs of one or more realms.
pub trait Exchange {
    /// What it yields.
    type Output;

    /// The realm whose KDC the request that is due goes to.
    ///
    /// # Errors
    /// If what was given to the exchange belongs to none.
    fn realm(&self) -> Result<&[u8], ExchangeError>;

    /// The request that is due, built afresh.
    ///
    /// # Errors
    /// If what was given to the exchange makes no request.
    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError>;

    /// Takes the reply to the last request.
    ///
    /// # Errors
    /// If the KDC refused, or its reply does not stand up to verification;
    /// [`ExchangeError::NoReplyDue`].
    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Self::Output>, ExchangeError>;
}

/// Where an exchange stands after a reply.
#[derive(Debug)]
pub enum Step<T> {
    /// Another request is due.
    Continue,
    /// Finished.
    Done(T),
}

/// A nonce that every KDC echoes alike: 31 bits, so never negative and never five bytes long.
fn nonce(cx: &mut Context<'_>) -> u32 {
    let mut bytes = [0; 4];
    cx.rng.fill(&mut bytes);
    u32::from_be_bytes(bytes) & 0x7fff_ffff
}

#[cfg(test)]
mod tests;
