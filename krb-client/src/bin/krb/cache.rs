//! Which credential caches the subcommands mean.

use krb_client::{Ccache, Ccaches};

use crate::Failure;

/// The caches of this machine. `name` is the default, or what the environment says.
pub(crate) fn caches(name: Option<&str>) -> Result<Ccaches, Failure> {
    match name {
        Some(name) => Ok(Ccaches::new(name)),
        None => Ok(Ccaches::from_environment(None)?),
    }
}

/// A cache that a subcommand puts tickets into: there once the program has ended.
pub(crate) async fn to_write(name: Option<&str>) -> Result<Ccache, Failure> {
    let cache = caches(name)?.default_cache().await?;
    match cache.name().starts_with("MEMORY:") {
        true => Err(format!(
            "{}: a cache in memory ends with this program; name another, as FILE:PATH",
            cache.name()
        )
        .into()),
        false => Ok(cache),
    }
}
