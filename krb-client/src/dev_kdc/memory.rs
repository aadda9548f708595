use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::time::Instant;

use super::Realms;
use crate::{Carry, Carrying};

/// Carries requests to realms in memory: no socket, no thread, no waiting, so that a test under a
/// virtual clock is over at once. Every address is such a KDC's.
#[derive(Clone)]
pub struct InMemory {
    realms: Realms,
}

impl InMemory {
    /// Carries to these.
    #[must_use]
    pub fn new(realms: impl Into<Realms>) -> Self {
        Self { realms: realms.into() }
    }

    /// The realms, to be looked at and changed.
    #[must_use]
    pub const fn realms(&self) -> &Realms {
        &self.realms
    }
}

impl Carry for InMemory {
    fn carry(&self, kdc: SocketAddr, message: Vec<u8>, _: Instant) -> Carrying<'_> {
        Box::pin(async move {
            let (answer, event) = self.realms.answer(&message);
            super::log::write(&event, kdc, "memory");
            // To what is no request nothing is said, and the caller need not wait for it.
            if answer.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
        })
    }
}
