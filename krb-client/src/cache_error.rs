use std::io;
use std::sync::Arc;

use krb_proto::formats::FormatError;
use krb_proto::formats::krb5_conf::TokenError;

/// Why a credential cache could not be used.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// There is none of this name.
    #[error("{cache}: there is no such credential cache; `krb kinit` makes one")]
    NotFound {
        /// Its name.
        cache: String,
    },
    /// What stands before the first colon is no type that is known.
    #[error(
        "{cache}: a credential cache of this type is not supported; there are FILE:PATH, DIR:PATH, \
         KEYRING:NAME, KCM: and MEMORY:NAME (and ./PATH is a file, if there is a colon in its name)"
    )]
    UnknownType {
        /// The name that was given.
        cache: String,
    },
    /// A replay cache of a type that is not known, or without a file.
    #[error(
        "{name}: a replay cache of this type is not supported; there are file2:PATH, dfl: and none:"
    )]
    UnknownReplayCache {
        /// The name that was given.
        name: String,
    },
    /// The rest of the name says nothing that its type understands.
    #[error("{cache}: {why}")]
    BadName {
        /// The name that was given.
        cache: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A name of the configuration has a token that is not known.
    #[error("{name}: {error}")]
    Token {
        /// The name, as it was configured.
        name: String,
        /// What is wrong with it.
        error: TokenError,
    },
    /// What is there makes no sense.
    #[error("{cache}: {error}")]
    Format {
        /// Its name.
        cache: String,
        /// What is wrong with it.
        error: FormatError,
    },
    /// The system refused.
    #[error("{cache}: {error}")]
    Io {
        /// Its name, or the file below it.
        cache: String,
        /// Why.
        error: Arc<io::Error>,
    },
    /// Somebody held its lock for so long.
    #[error("{cache}: another program has it locked, and has had for ten seconds")]
    Locked {
        /// Its name.
        cache: String,
    },
    /// Tickets are not put where others could read them, or would have put them.
    #[error("{cache}: nothing is stored in it, because {why}")]
    Unsafe {
        /// Its name.
        cache: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It holds as much as a cache may, or more.
    #[error("{cache}: a cache holds {limit} entries at most, and this would be more")]
    Full {
        /// Its name.
        cache: String,
        /// How many it may hold.
        limit: usize,
    },
    /// The type has no collections, so there is no other cache to turn to.
    #[error(
        "{cache}: caches of this type stand alone; a collection is a DIR, a KEYRING, KCM: or MEMORY:"
    )]
    NoCollection {
        /// Its name.
        cache: String,
    },
    /// The kernel keeps no keys for this process, as in most containers.
    #[error(
        "{cache}: the kernel does not let this process keep keys ({error}); in a container use a \
         FILE: or DIR: cache of the same user"
    )]
    NoKeyrings {
        /// Its name.
        cache: String,
        /// What it said.
        error: Arc<io::Error>,
    },
    /// Nobody listens where the KCM daemon should.
    #[error(
        "{cache}: no KCM daemon (sssd-kcm or Heimdal's kcm) answers at {socket}: {error}; start it, \
         or use a FILE: cache"
    )]
    NoDaemon {
        /// Its name.
        cache: String,
        /// The socket.
        socket: String,
        /// Why not.
        error: Arc<io::Error>,
    },
    /// The KCM daemon refused.
    #[error("{cache}: the KCM daemon refused {operation} with code {code}")]
    Daemon {
        /// Its name.
        cache: String,
        /// What it was asked for.
        operation: &'static str,
        /// The com_err code that it answered.
        code: i32,
    },
    /// The task ended without a result: this program is shutting down.
    #[error("using a credential cache was abandoned")]
    Abandoned,
}

impl CacheError {
    /// Is there just no cache yet?
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub(crate) fn io(cache: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let cache = cache.into();
        move |error| match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound { cache },
            _ => Self::Io { cache, error: Arc::new(error) },
        }
    }

    pub(crate) fn format(cache: impl Into<String>) -> impl FnOnce(FormatError) -> Self {
        let cache = cache.into();
        move |error| Self::Format { cache, error }
    }
}
