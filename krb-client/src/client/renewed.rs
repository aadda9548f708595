use std::sync::Arc;
use std::time::Duration;

use krb_proto::Credential;
use krb_proto::formats::{CacheEntry, CredentialCache};

use super::{Client, TGT_MAX_AGE};
use crate::clock::Moment;
use crate::renewal::{Good, Renewal};
use crate::store::Held;
use crate::{Ccache, ClientError};

impl Client {
    /// Logs in, and again long before the ticket-granting ticket ends, for as long as what is returned
    /// is kept: nobody who asks for a ticket waits for a login. An account of which there is nothing but
    /// a [ticket](crate::AccountSecret::ticket) has that renewed as early. Each ticket-granting ticket is
    /// put into `cache` as well, if one is given, for programs that cannot log in themselves: beside what
    /// they have got with the one before, or in the place of what somebody else has there.
    ///
    /// It is a task of the runtime in which this is called. A login that fails is tried again after two
    /// seconds, then after twice as long each time, up to five minutes; the ticket that is held stays in
    /// use meanwhile. Many who keep one client logged in log in once, and many processes of one account
    /// not at the same moment.
    pub fn keep_logged_in(&self, cache: Option<Ccache>) -> Renewal {
        let client = self.clone();
        let (clock, random) = (client.inner.clock.clone(), client.inner.random.clone());
        Renewal::start(clock, random, move || {
            let (client, cache) = (client.clone(), cache.clone());
            async move {
                let mut tgt = client.held_tgt().await?;
                if client.good(&tgt).is_old() {
                    tgt = client.new_tgt().await?;
                }
                if let Some(cache) = cache {
                    put(&tgt.credential, &cache).await?;
                }
                Ok(client.good(&tgt))
            }
        })
    }

    /// How long a ticket-granting ticket is used, and how old it is.
    fn good(&self, tgt: &Held) -> Good {
        let end = tgt.credential.times.endtime.unix();
        let life =
            Duration::from_secs(end.saturating_sub(tgt.since.wall()).try_into().unwrap_or(0));
        let life = life.min(TGT_MAX_AGE);
        // Of one whose age cannot be told another one is had.
        let age = Moment::now(&*self.inner.clock).since(tgt.since).unwrap_or(life);
        Good { life, age }
    }
}

/// Puts it beside the tickets that programs have got with the one before, if the cache is this
/// account's. One that cannot be read is another time's, or somebody's file: it stays as it is.
async fn put(tgt: &Arc<Credential>, cache: &Ccache) -> Result<(), ClientError> {
    let is_ours = |held: &CredentialCache| held.default_principal.is_same(&tgt.client);
    match cache.read().await {
        Ok(held) if is_ours(&held) => cache.store(vec![CacheEntry::from(&**tgt)]).await,
        Err(ClientError::Cache(error)) if !error.is_not_found() => Err(error.into()),
        Ok(_) | Err(ClientError::Cache(_)) => cache.initialize_with(&tgt.client, &[tgt]).await,
        Err(error) => Err(error),
    }
}
