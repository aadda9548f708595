use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use krb_proto::Credential;

use super::Client;
use crate::{Ccache, ClientError};

/// Where the ticket-granting ticket comes from that armors exchanges (FAST, RFC 6113 section 5.4). It
/// is of the realm that is asked.
#[derive(Clone)]
#[non_exhaustive]
pub enum Armor {
    /// This one, for as long as it is good.
    Ticket(Arc<Credential>),
    /// The one in a credential cache, which somebody else renews: it is read whenever armor is needed
    /// (`kinit -T`).
    Ccache(Ccache),
    /// That of another account, such as the host's by its keytab: its client logs in when armor is
    /// first needed, and again when the ticket has ended.
    Client(Client),
}

impl From<Arc<Credential>> for Armor {
    fn from(ticket: Arc<Credential>) -> Self {
        Self::Ticket(ticket)
    }
}

impl From<Credential> for Armor {
    fn from(ticket: Credential) -> Self {
        Self::Ticket(ticket.into())
    }
}

impl From<Ccache> for Armor {
    fn from(cache: Ccache) -> Self {
        Self::Ccache(cache)
    }
}

impl From<Client> for Armor {
    fn from(client: Client) -> Self {
        Self::Client(client)
    }
}

impl Armor {
    /// The ticket. (Boxed, since a client's armor may be another client's ticket.)
    pub(super) fn ticket<'a>(
        &'a self,
        realm: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Result<Arc<Credential>, ClientError>> + Send + 'a>> {
        let failed = |error: ClientError| ClientError::Armor(error.into());
        Box::pin(async move {
            match self {
                Self::Ticket(ticket) => Ok(ticket.clone()),
                Self::Ccache(cache) => cache.tgt(realm).await.map(Arc::new).map_err(failed),
                Self::Client(client) => client.tgt().await.map_err(failed),
            }
        })
    }
}
