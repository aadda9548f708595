use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use krb_client::{Clock, Entropy};
use tokio::time::timeout;

use super::channel::Channel;
use super::failure::PgError;
use super::secure::{self, options};
use super::startup::Key;
use crate::credential::Contexts;
use crate::network::Network;
use crate::resources::sql::config::Encryption;

/// PostgreSQL manual, "Message Formats": CancelRequest.
const CANCEL_REQUEST: u32 = 80_877_102;
/// For the connection that cancels, from its start to its end.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// Tells a server to cancel what a session runs: over a connection of its own, which is encrypted as
/// the session's is, since its key is a secret.
pub(super) struct Canceller {
    pub(super) network: Network,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    /// Where the encryption is by GSS.
    pub(super) contexts: Option<Contexts>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Entropy>,
    pub(super) key: Key,
}

impl Canceller {
    /// Tells it, and waits until it has heard. The server never says whether there was anything left
    /// to cancel.
    pub(super) async fn cancel(&self) {
        // Whoever waits for the statement sees whether it worked.
        let _ = timeout(CANCEL_TIME, self.tell()).await;
    }

    async fn tell(&self) -> Result<(), PgError> {
        let mut channel = self.open().await?;
        let Key { process, secret } = &self.key;
        let length = u32::try_from(12 + secret.len()).unwrap_or_default();
        let mut message = BytesMut::new();
        message.put_u32(length);
        message.put_u32(CANCEL_REQUEST);
        message.put_u32(*process);
        message.put_slice(secret);
        let broken = |error| PgError::Broken("cancelling", error);
        channel.write(&message).await.map_err(broken)?;
        // It hangs up when the session was told.
        channel.read(&mut message).await.map_err(broken)
    }

    async fn open(&self) -> Result<Channel, PgError> {
        let Self { network, host, port, contexts, clock, random, .. } = self;
        match (self.encryption, contexts) {
            (Encryption::Gss, Some(contexts)) => {
                let start = || {
                    let started = contexts.start_kerberos(&**clock, &**random, &options());
                    // Where the ticket is too old, its session ends without a word.
                    started.ok_or(PgError::NoProof)?.map_err(PgError::NotProven)
                };
                secure::by_gss(network, host, *port, random, start).await
            }
            (_, _) => secure::by_tls(network, host, *port, None).await.map(|(channel, _)| channel),
        }
    }
}
