//! `krb kdestroy`: credential caches are taken away.

use krb_client::{Ccache, ClientError};
use serde_json::json;

use crate::environment::principal;
use crate::{Failure, cache, complain, progress, report_json};

#[derive(clap::Args)]
pub(crate) struct Kdestroy {
    /// All caches of the collection.
    #[arg(short = 'A', conflicts_with = "principal")]
    all: bool,
    /// The cache, or the collection. Without it what KRB5CCNAME says, else the usual one.
    #[arg(short, value_name = "NAME")]
    cache: Option<String>,
    /// The cache of this principal in the collection.
    #[arg(short, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Say nothing of a cache that is not there.
    #[arg(short)]
    quiet: bool,
    /// Print what was taken away as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: &Kdestroy) -> Result<(), Failure> {
    let caches = cache::caches(arguments.cache.as_deref()).await?;
    let meant = if let Some(name) = &arguments.principal {
        vec![cache::of(&principal(name).await?, &caches).await?]
    } else if arguments.all {
        caches.all().await?
    } else {
        vec![caches.default_cache().await?]
    };
    let mut destroyed = Vec::new();
    for cache in &meant {
        if destroy(cache).await? {
            destroyed.push(cache.name());
        } else if !arguments.quiet {
            // As MIT's kdestroy: who wants no cache has none, so that is no failure.
            complain(&format!("{}: there was no such credential cache", cache.name()));
        }
    }
    if arguments.json {
        return report_json(&json!({ "destroyed": destroyed }));
    }
    if !arguments.quiet && !arguments.all && caches.all().await.is_ok_and(|left| !left.is_empty()) {
        complain("other credential caches of the collection are still there; -A takes all away");
    }
    Ok(())
}

async fn destroy(cache: &Ccache) -> Result<bool, ClientError> {
    match progress::cache(cache, cache.destroy()).await {
        Err(ClientError::Cache(error)) if error.is_not_found() => Ok(false),
        outcome => outcome,
    }
}
