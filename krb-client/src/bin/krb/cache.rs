//! Which credential caches the subcommands mean.

use krb_client::{Ccache, Ccaches};
use krb_proto::Principal;

use crate::Failure;
use crate::environment::Environment;
use crate::output::Unusable;

/// The caches of this machine. `name` is the default, or what the environment and krb5.conf say.
pub(crate) async fn caches(name: Option<&str>) -> Result<Ccaches, Failure> {
    match name {
        Some(name) => Ok(Ccaches::new(name)),
        None => Ok(Environment::read().await?.caches(None)),
    }
}

/// The cache of a principal in a collection.
pub(crate) async fn of(principal: &Principal, caches: &Ccaches) -> Result<Ccache, Failure> {
    let found = caches.find(principal).await?;
    let none = || Unusable::new(caches.default_name(), format!("there is no cache of {principal}"));
    Ok(found.ok_or_else(none)?)
}

/// A cache that a subcommand puts tickets into: there once the program has ended.
pub(crate) async fn to_write(caches: &Ccaches) -> Result<Ccache, Failure> {
    let cache = caches.default_cache().await?;
    match cache.name().starts_with("MEMORY:") {
        true => Err(format!(
            "{}: a cache in memory ends with this program; name another, as FILE:PATH",
            cache.name()
        )
        .into()),
        false => Ok(cache),
    }
}
