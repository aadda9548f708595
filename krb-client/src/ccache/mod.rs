//! Credential caches under the names that MIT's tools know, shared with them: `FILE:`, `DIR:`,
//! `KEYRING:` (Linux), `KCM:` (sssd-kcm, Heimdal's daemon) and `MEMORY:`.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use krb_client::ccache::Ccaches;
//!
//! // What `klist` shows.
//! let caches = Ccaches::from_environment(None)?;
//! let cache = caches.resolve(caches.default_name()).await?;
//! for ticket in cache.read().await?.tickets() {
//!     println!("{ticket:?}");
//! }
//! # Ok(()) }
//! ```

mod dir;
mod entries;
mod file;
#[cfg(unix)]
mod kcm;
#[cfg(target_os = "linux")]
mod keyring;
mod memory;
mod name;
mod place;
#[cfg(test)]
pub(crate) mod testing;
mod unique;

use std::path::Path;
use std::sync::Arc;

use krb_proto::formats::{CacheEntry, CredentialCache, Krb5Conf};
use krb_proto::{Credential, Principal};

use crate::cache_error::CacheError;
use crate::defaults::Defaults;
use crate::{ClientError, Clock, SystemClock};
use dir::Dir;
use file::CacheFile;
#[cfg(unix)]
use kcm::Kcm;
#[cfg(target_os = "linux")]
use keyring::Keyring;
use memory::Shelf;
use name::{Kind, split};
use place::Place;

/// Where credential caches are found by their names. Cheap to clone.
///
/// `MEMORY:` caches are those of this value and of its clones; they end with the last of them.
#[derive(Clone)]
pub struct Ccaches {
    default_name: Arc<str>,
    memory: Arc<Shelf>,
    kcm_socket: Arc<Path>,
    clock: Arc<dyn Clock>,
}

/// Where both KCM daemons listen, and MIT's library and Heimdal's look.
const KCM_SOCKET: &str = "/var/run/.heim_org.h5l.kcm-socket";

impl Ccaches {
    /// Caches of which this one, or this collection, is the default.
    #[must_use]
    pub fn new(default_name: &str) -> Self {
        let clock = Arc::new(SystemClock);
        let (memory, kcm_socket) = (Arc::default(), Path::new(KCM_SOCKET).into());
        Self { default_name: default_name.into(), memory, kcm_socket, clock }
    }

    /// The default is what the variable `KRB5CCNAME` says, else `default_ccache_name` in the
    /// configuration, else the file in `/tmp` that MIT's library takes. A KCM daemon is asked where
    /// `kcm_socket` in the configuration says.
    ///
    /// # Errors
    /// [`ClientError`], if the configuration's name makes no sense.
    pub fn from_environment(conf: Option<&Krb5Conf>) -> Result<Self, ClientError> {
        let caches = Self::new(&Defaults::from_environment(conf)?.ccache);
        let socket = conf.and_then(|conf| conf.value(&["libdefaults", "kcm_socket"]));
        Ok(match socket {
            Some(socket) => caches.with_kcm_socket(Path::new(socket)),
            None => caches,
        })
    }

    /// The same, with a KCM daemon that listens there.
    #[must_use]
    pub fn with_kcm_socket(self, socket: &Path) -> Self {
        Self { kcm_socket: socket.into(), ..self }
    }

    /// The same, by another clock: whether a ticket has ended goes by it.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The name of the default cache, or of the collection that it is in.
    #[must_use]
    pub fn default_name(&self) -> &str {
        &self.default_name
    }

    /// The cache of a name, whether there is one yet or not; of a collection's name its primary one.
    ///
    /// # Errors
    /// [`ClientError::Cache`].
    pub async fn resolve(&self, name: &str) -> Result<Ccache, ClientError> {
        let (caches, name) = (self.clone(), name.to_owned());
        let place = at_once(move || {
            let (kind, rest) = split(&name)?;
            Ok(match kind {
                Kind::File => place(CacheFile::new(rest.into())),
                Kind::Dir => place(Dir::resolve(rest)?),
                Kind::Memory => place(caches.memory.resolve(rest)),
                #[cfg(target_os = "linux")]
                Kind::Keyring => place(Keyring::resolve(rest)?),
                #[cfg(unix)]
                Kind::Kcm => place(Kcm::resolve(&caches.kcm_socket, rest)?),
                #[cfg(not(target_os = "linux"))]
                _ => return Err(unknown(&name)),
            })
        });
        Ok(self.handle(place.await?))
    }

    /// The default cache, or the primary one of the default collection.
    ///
    /// # Errors
    /// [`ClientError::Cache`].
    pub async fn default_cache(&self) -> Result<Ccache, ClientError> {
        self.resolve(&self.default_name).await
    }

    /// All caches of the default collection, the primary one first; the default cache alone where it
    /// is in none. Those that are not there are not among them.
    ///
    /// # Errors
    /// [`ClientError::Cache`].
    pub async fn all(&self) -> Result<Vec<Ccache>, ClientError> {
        let caches = self.clone();
        let places = at_once(move || {
            let (kind, rest) = split(&caches.default_name)?;
            Ok(match kind {
                Kind::File => {
                    let file = CacheFile::new(rest.into());
                    file.path().exists().then_some(file).into_iter().map(place).collect()
                }
                Kind::Dir => Dir::all(rest)?.into_iter().map(place).collect::<Vec<_>>(),
                Kind::Memory => caches.memory.all().into_iter().map(place).collect(),
                #[cfg(target_os = "linux")]
                Kind::Keyring => Keyring::all(rest)?.into_iter().map(place).collect(),
                #[cfg(unix)]
                Kind::Kcm => Kcm::all(&caches.kcm_socket, rest)?.into_iter().map(place).collect(),
                #[cfg(not(target_os = "linux"))]
                _ => return Err(unknown(&caches.default_name)),
            })
        });
        Ok(places.await?.into_iter().map(|place| self.handle(place)).collect())
    }

    /// The cache of a principal in the default collection. Caches that cannot be read are passed
    /// over.
    ///
    /// # Errors
    /// [`ClientError::Cache`].
    pub async fn find(&self, principal: &Principal) -> Result<Option<Ccache>, ClientError> {
        for cache in self.all().await? {
            if let Ok(held) = cache.read().await
                && held.default_principal.is_same(principal)
            {
                return Ok(Some(cache));
            }
        }
        Ok(None)
    }

    /// A new cache in the default collection, of a name that no other has. It is there once it is
    /// [initialized](Ccache::initialize).
    ///
    /// # Errors
    /// [`CacheError::NoCollection`] if the default cache is in none.
    pub async fn new_cache(&self) -> Result<Ccache, ClientError> {
        let caches = self.clone();
        let place = at_once(move || {
            let (kind, rest) = split(&caches.default_name)?;
            Ok(match kind {
                Kind::File => {
                    let cache = caches.default_name.to_string();
                    return Err(CacheError::NoCollection { cache });
                }
                Kind::Dir => place(Dir::unique(rest)?),
                Kind::Memory => place(caches.memory.unique()),
                #[cfg(target_os = "linux")]
                Kind::Keyring => place(Keyring::unique(rest)?),
                #[cfg(unix)]
                Kind::Kcm => place(Kcm::unique(&caches.kcm_socket)?),
                #[cfg(not(target_os = "linux"))]
                _ => return Err(unknown(&caches.default_name)),
            })
        });
        Ok(self.handle(place.await?))
    }

    fn handle(&self, place: Arc<dyn Place>) -> Ccache {
        Ccache { name: place.name().into(), place, clock: self.clock.clone() }
    }
}

#[cfg(not(target_os = "linux"))]
fn unknown(name: &str) -> CacheError {
    CacheError::UnknownType { cache: name.to_owned() }
}

fn place(place: impl Place + 'static) -> Arc<dyn Place> {
    Arc::new(place)
}

/// One credential cache. Cheap to clone.
#[derive(Clone)]
pub struct Ccache {
    name: Arc<str>,
    place: Arc<dyn Place>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Ccache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Ccache {
    /// Its whole name, `TYPE:residual`: of this very cache, not of the collection that it was found
    /// in.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All that it holds: its principal, tickets, and MIT's configuration entries.
    ///
    /// # Errors
    /// [`ClientError::Cache`]; [`CacheError::NotFound`] if there is no such cache.
    pub async fn read(&self) -> Result<CredentialCache, ClientError> {
        let place = self.place.clone();
        at_once(move || place.read()).await
    }

    /// The ticket-granting ticket of a realm, such as armor is (`kinit -T`).
    ///
    /// # Errors
    /// [`ClientError::NoTicket`], [`ClientError::Cache`].
    pub async fn tgt(&self, realm: &[u8]) -> Result<Credential, ClientError> {
        let krbtgt = Principal::krbtgt(realm);
        let cache = self.read().await?;
        let entry = cache.tickets().find(|entry| entry.server.is_same(&krbtgt));
        let error =
            || ClientError::NoTicket { cache: self.name().to_owned(), server: krbtgt.clone() };
        entry.and_then(|entry| entry.credential().ok()).ok_or_else(error)
    }

    /// Makes the cache, or replaces all that it holds; of a file in one step, so that a reader finds
    /// the old one or the new one. Files are for their owner alone (mode 0600).
    ///
    /// # Errors
    /// [`ClientError::Cache`].
    pub async fn initialize(&self, cache: CredentialCache) -> Result<(), ClientError> {
        let (place, now) = (self.place.clone(), self.now());
        at_once(move || place.initialize(&cache, now)).await
    }

    /// Makes the cache, with these tickets for this principal, or replaces all that it holds.
    ///
    /// # Errors
    /// [`ClientError::Cache`].
    pub async fn initialize_with(
        &self,
        principal: &Principal,
        credentials: &[&Credential],
    ) -> Result<(), ClientError> {
        let mut cache = CredentialCache::new(principal.clone());
        cache.entries.extend(credentials.iter().map(|&credential| credential.into()));
        self.initialize(cache).await
    }

    /// Puts tickets and configuration entries into the cache beside what it holds. A ticket takes the
    /// place of one to the same service that has ended, or that was got in the same way and does not
    /// outlast it; a configuration entry that of its name.
    ///
    /// # Errors
    /// [`ClientError::Cache`]: [`CacheError::NotFound`] if there is no such cache,
    /// [`CacheError::Unsafe`] if others can read it.
    pub async fn store(&self, entries: Vec<CacheEntry>) -> Result<(), ClientError> {
        let (place, now) = (self.place.clone(), self.now());
        at_once(move || place.store(&entries, now)).await
    }

    /// Seconds since 1970, as caches have them.
    fn now(&self) -> u32 {
        self.clock.seconds().clamp(0, u32::MAX.into()) as u32
    }

    /// Takes the cache away. `false` if there was none.
    ///
    /// # Errors
    /// [`ClientError::Cache`].
    pub async fn destroy(&self) -> Result<bool, ClientError> {
        let place = self.place.clone();
        at_once(move || place.destroy()).await
    }

    /// Makes it the primary cache of its collection: the one that the collection's name means.
    ///
    /// # Errors
    /// [`ClientError::Cache`]: [`CacheError::NoCollection`] if its type has none.
    pub async fn switch_to(&self) -> Result<(), ClientError> {
        let place = self.place.clone();
        at_once(move || place.switch_to()).await
    }
}

/// What may wait for a disk, a lock or a daemon for a while, away from everybody else.
async fn at_once<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CacheError> + Send + 'static,
) -> Result<T, ClientError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.unwrap_or(Err(CacheError::Abandoned))?)
}

#[cfg(test)]
mod tests;
