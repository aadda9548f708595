//! `krb kswitch`: another cache of the collection becomes its primary one.

use serde_json::json;

use crate::environment::principal;
use crate::{Failure, cache, report_json};

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// The cache, by its name.
    #[arg(short, value_name = "NAME")]
    cache: Option<String>,
    /// The cache of this principal.
    #[arg(short, value_name = "PRINCIPAL")]
    principal: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct Kswitch {
    #[command(flatten)]
    which: Which,
    /// Print which one it is as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: &Kswitch) -> Result<(), Failure> {
    let caches = cache::caches(None).await?;
    let cache = match (&arguments.which.cache, &arguments.which.principal) {
        (Some(name), _) => caches.resolve(name).await?,
        (None, Some(name)) => cache::of(&principal(name).await?, &caches).await?,
        (None, None) => caches.default_cache().await?,
    };
    // A collection does not turn to what is not there.
    cache.read().await?;
    cache.switch_to().await?;
    if arguments.json {
        report_json(&json!({ "primary": cache.name() }))?;
    }
    Ok(())
}
