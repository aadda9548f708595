use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use krb_proto::kpasswd;
use tokio::time::Instant;

use super::Realms;
use crate::{Carry, Carrying, ClientConfig, Endpoint};

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

    /// What a [`Client`](crate::Client) of an account here is made of, `NAME` of the first realm or
    /// `NAME@REALM`: the account's keys as they are now, and the realms' clock and randomness. `None`
    /// if there is no such account.
    #[must_use]
    pub fn client_config(&self, account: &str) -> Option<ClientConfig> {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 88));
        self.realms.client_config(account, anywhere, Arc::new(self.clone()))
    }
}

impl Carry for InMemory {
    fn carry(&self, kdc: Endpoint, message: Vec<u8>, _: Instant) -> Carrying<'_> {
        Box::pin(async move {
            let kdc = kdc.address().unwrap_or((Ipv4Addr::LOCALHOST, 88).into());
            let (answer, event) = match kpasswd::is_request(&message) {
                true => self.realms.change_password(&message, kdc.ip()),
                false => self.realms.answer(&message),
            };
            super::log::write(&event, kdc, "memory");
            // To what is no request nothing is said, and the caller need not wait for it.
            if answer.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
        })
    }
}
