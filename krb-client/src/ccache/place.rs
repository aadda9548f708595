use krb_proto::formats::{CacheEntry, CredentialCache};

use crate::cache_error::CacheError;

/// Where one credential cache is. What these functions do they do at once, on a thread that may
/// wait, and within seconds.
pub(super) trait Place: Send + Sync {
    /// Its whole name, `TYPE:residual`: of this very cache, not of the collection that it was found
    /// in.
    fn name(&self) -> String;

    /// All that it holds.
    fn read(&self) -> Result<CredentialCache, CacheError>;

    /// Makes it, or replaces all that it holds. Where the type can, in one step. `now` is in seconds
    /// since 1970, for types that end by themselves.
    fn initialize(&self, cache: &CredentialCache, now: u32) -> Result<(), CacheError>;

    /// Puts entries in, in the place of those that they [supersede](super::entries).
    fn store(&self, entries: &[CacheEntry], now: u32) -> Result<(), CacheError>;

    /// Takes it away. `false` if there was none.
    fn destroy(&self) -> Result<bool, CacheError>;

    /// Makes it the one that its collection's name means.
    fn switch_to(&self) -> Result<(), CacheError> {
        Err(CacheError::NoCollection { cache: self.name() })
    }
}
