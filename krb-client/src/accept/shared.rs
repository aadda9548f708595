use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::Sharing;

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
