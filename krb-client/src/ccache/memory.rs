use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use krb_proto::formats::{CacheEntry, CredentialCache};

use super::entries::update;
use super::place::Place;
use crate::cache_error::CacheError;

/// So many caches at most are kept in memory under names.
const MAX_CACHES: usize = 1_000;

/// Caches in memory, which end with whoever has this. Zeroized when they go.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Named>);

#[derive(Default)]
struct Named {
    caches: BTreeMap<String, CredentialCache>,
    /// The one that the name of the collection means, if somebody said which.
    primary: Option<String>,
    made: u64,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Named> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cache of that name, whether there is one or not; without a name the primary one.
    pub(super) fn resolve(self: &Arc<Self>, residual: &str) -> Memory {
        let name = match residual {
            "" => self.lock().primary.clone().unwrap_or_else(|| "default".to_owned()),
            name => name.to_owned(),
        };
        Memory { shelf: self.clone(), name }
    }

    /// All there are, the primary one first.
    pub(super) fn all(self: &Arc<Self>) -> Vec<Memory> {
        let named = self.lock();
        let mut names: Vec<_> = named.caches.keys().cloned().collect();
        names.sort_by_key(|name| named.primary.as_ref() != Some(name));
        names.into_iter().map(|name| Memory { shelf: self.clone(), name }).collect()
    }

    /// A cache of a name that no other has.
    pub(super) fn unique(self: &Arc<Self>) -> Memory {
        let mut named = self.lock();
        named.made += 1;
        let mut name = format!("#{}", named.made);
        while named.caches.contains_key(&name) {
            named.made += 1;
            name = format!("#{}", named.made);
        }
        Memory { shelf: self.clone(), name }
    }
}

/// One of them.
pub(super) struct Memory {
    shelf: Arc<Shelf>,
    name: String,
}

impl Place for Memory {
    fn name(&self) -> String {
        format!("MEMORY:{}", self.name)
    }

    fn read(&self) -> Result<CredentialCache, CacheError> {
        let cache = self.shelf.lock().caches.get(&self.name).cloned();
        cache.ok_or_else(|| CacheError::NotFound { cache: self.name() })
    }

    fn initialize(&self, cache: &CredentialCache, _: u32) -> Result<(), CacheError> {
        let mut named = self.shelf.lock();
        if named.caches.len() >= MAX_CACHES && !named.caches.contains_key(&self.name) {
            return Err(CacheError::Full { cache: "MEMORY:".to_owned(), limit: MAX_CACHES });
        }
        named.caches.insert(self.name.clone(), cache.clone());
        Ok(())
    }

    fn store(&self, entries: &[CacheEntry], now: u32) -> Result<(), CacheError> {
        let name = self.name();
        match self.shelf.lock().caches.get_mut(&self.name) {
            Some(cache) => update(&mut cache.entries, entries, now, &name),
            None => Err(CacheError::NotFound { cache: name }),
        }
    }

    fn destroy(&self) -> Result<bool, CacheError> {
        let mut named = self.shelf.lock();
        if named.primary.as_ref() == Some(&self.name) {
            named.primary = None;
        }
        Ok(named.caches.remove(&self.name).is_some())
    }

    fn switch_to(&self) -> Result<(), CacheError> {
        self.shelf.lock().primary = Some(self.name.clone());
        Ok(())
    }
}
