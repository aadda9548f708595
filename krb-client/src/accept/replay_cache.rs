use std::sync::Arc;

#[cfg(unix)]
use super::replay_file::ReplayFile;
use super::shared::SharedLogins;
use crate::CacheError;
#[cfg(unix)]
use crate::defaults::{REPLAY_FOLDER, replay_cache_of_the_user};

/// A replay cache by the name that MIT's library has for it.
pub(super) fn replay_cache(name: &str) -> Result<Option<Arc<dyn SharedLogins>>, CacheError> {
    match name.split_once(':') {
        Some(("none", _)) => Ok(None),
        #[cfg(unix)]
        Some(("file2", path)) if !path.is_empty() => {
            Ok(Some(Arc::new(ReplayFile::at(path.as_ref()))))
        }
        #[cfg(unix)]
        Some(("dfl", _)) => replay_cache(&replay_cache_of_the_user(REPLAY_FOLDER)),
        _ => Err(CacheError::UnknownReplayCache { name: name.to_owned() }),
    }
}
