use std::sync::Arc;

use krb_client::remedy::Step;
use krb_client::{AccountSecret, Ccaches, Client};

use super::{Kinit, tell};
use crate::environment::Environment;
use crate::remedy::Explained;
use crate::{Failure, cache, progress};

/// The ticket-granting ticket in the cache is renewed, or made good.
pub(super) async fn run(
    arguments: &Kinit,
    environment: &Environment,
    caches: &Ccaches,
) -> Result<(), Failure> {
    let cache = match &arguments.principal {
        None => caches.default_cache().await?,
        Some(text) => cache::of(&environment.principal(text)?, caches).await?,
    };
    let held = progress::cache(&cache, cache.read()).await?;
    let account = held.default_principal;
    let tgt = Arc::new(cache.tgt(&account.realm).await?);
    let secret = AccountSecret::ticket(tgt.clone());
    let client = Client::new(environment.client(account.clone(), secret));
    let ticket = match arguments.renew {
        true => client.renew(&tgt).await,
        false => client.validate(&tgt).await,
    };
    let ticket = ticket.map_err(|error| Explained::of(Step::Renewal, &account, "", error))?;
    progress::cache(&cache, cache.initialize_with(&ticket.client, &[&ticket])).await?;
    tell(arguments, &cache, &ticket)
}
