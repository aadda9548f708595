use std::io;
use std::path::Path;
use std::sync::Arc;

#[cfg(unix)]
use super::replay_file::ReplayFile;
#[cfg(unix)]
use crate::defaults::{REPLAY_FOLDER, replay_cache_of_the_user};
use crate::{CacheError, Sharing};

/// A memory of logins beside this process's own, for services of several processes that have the same
/// keys: a login that one of them took must not be good at another.
pub trait SharedLogins: Send + Sync {
    /// Remembers a login, and says whether it was unknown before. It is asked once everything else is
    /// verified.
    ///
    /// # Errors
    /// [`NotRemembered`]: the login is not taken.
    fn is_first<'a>(&'a self, login: &'a Login) -> Sharing<'a, Result<bool, NotRemembered>>;
}

/// What a login is remembered by. Times are in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Login {
    /// Whose it is: the SID of the account that the ticket proves, or else the name in it.
    pub who: String,
    /// SHA-256 of the encrypted authenticator.
    pub digest: [u8; 32],
    /// What MIT's replay caches know it by.
    pub replay_tag: [u8; 12],
    /// The client's time.
    pub time: i64,
    /// Ours.
    pub now: i64,
    /// By how much they may differ: a login that is older is refused for that.
    pub skew: u32,
}

/// Why a login cannot be remembered.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotRemembered {
    /// A replay cache in a file, which cannot be used.
    #[error("the replay cache {path}: {error}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        error: Arc<io::Error>,
    },
    /// Another memory of the application's, which says why not.
    #[error("{_0}")]
    Other(Arc<str>),
}

impl NotRemembered {
    #[cfg(unix)]
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::File { path, error: Arc::new(error) }
    }
}

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
