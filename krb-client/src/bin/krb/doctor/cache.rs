use std::path::Path;

use krb_client::{CacheError, ClientError};

use super::{Finding, Findings};
use crate::Failure;
use crate::environment::Environment;

/// The cache that programs take tickets from, which is nothing that an account needs to log in: at worst a
/// yellow light.
pub(super) async fn look(
    environment: &Environment,
    findings: &mut Findings,
) -> Result<(), Failure> {
    const REMEDY: &str = "name another one, such as FILE:PATH, with KRB5CCNAME or default_ccache_name in \
                          krb5.conf, for programs that are to find tickets";
    let caches = environment.caches(None);
    let name = caches.default_name();
    let held = match caches.default_cache().await {
        Ok(cache) => cache.read().await.map(|held| (cache.name().to_owned(), held)),
        Err(error) => Err(error),
    };
    let nothing = |cache: &str| match of_no_use(cache) {
        Some(why) => Finding::yellow("cache", format!("{cache}: {why}"), REMEDY),
        None => Finding::green(
            "cache",
            format!("{cache}: can be reached, and nobody has logged in into it"),
        ),
    };
    findings.add(match held {
        Ok((name, held)) => Finding::green(
            "cache",
            format!("{name}: {} tickets of {}", held.tickets().count(), held.default_principal),
        ),
        Err(ClientError::Cache(CacheError::NotFound { cache })) => nothing(&cache),
        // Which names itself.
        Err(ClientError::Cache(error)) => Finding::yellow("cache", error.to_string(), REMEDY),
        Err(error) => Finding::yellow("cache", format!("{name}: {error}"), REMEDY),
    })
}

/// Why a login would leave nothing in a cache that is not there yet.
fn of_no_use(cache: &str) -> Option<&'static str> {
    let is_there = |path: &Path| path.as_os_str().is_empty() || path.is_dir();
    match cache.split_once(':') {
        Some(("MEMORY", _)) => Some("a cache in memory ends with the program that it is in"),
        Some(("FILE", path)) if !Path::new(path).parent().is_some_and(is_there) => {
            Some("the folder that it would be in is not there")
        }
        _ => None,
    }
}
