//! Exchanged tokens that are kept for as long as their caller's session lasts, which is one token of
//! the caller's.
//!
//! What is kept are the verified claims of an exchanged token, not the token: nobody could use them
//! anywhere. They are sealed with a key that is made of the caller's token, the session's salt and a
//! secret of this process, and made again for each call: in memory is nothing that opens them.

mod key;
mod sessions;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use krb_client::{Clock, Flights, Moment};
use zeroize::Zeroizing;

use super::config::CacheConfig;
use crate::Failure;
use crate::identity::{Caller, Claims};
use key::{Digest, Pepper, salt};
pub(super) use key::{Key, field};
use sessions::{Bounds, Entry, Kept, MAX_BYTES, MAX_SESSIONS, Owner, Sessions};

/// How long a definite refusal is remembered.
const REFUSED_FOR: Duration = Duration::from_secs(3);
/// So much before its end nothing is used any more, since the use takes time.
const MARGIN: i64 = 10;

/// What an exchange came to.
pub(super) struct Exchanged {
    /// What the verified exchanged token says.
    pub(super) result: Result<Claims, Failure>,
    pub(super) keep: Keep,
}

/// For how long what an exchange came to is good for others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keep {
    /// For nobody: nothing says how long, or it may be different the next time.
    No,
    /// A token with this end, in seconds since 1970, by whatever says the least.
    Until(i64),
    /// A refusal that is definite.
    Refusal,
}

/// The cache of one issuer's exchanges.
pub(super) struct Cache {
    pepper: Pepper,
    sessions: Mutex<Sessions>,
    flights: Arc<Flights<Digest, Arc<Exchanged>>>,
    time: Duration,
    clock: Arc<dyn Clock>,
}

impl Cache {
    pub(super) fn new(config: &CacheConfig, clock: Arc<dyn Clock>) -> Result<Self, Unspecified> {
        let bounds = Bounds {
            sessions: MAX_SESSIONS,
            bytes: MAX_BYTES,
            entries: config.max_entries_per_session.into(),
            idle: Duration::from_millis(config.session_timeout_ms),
        };
        Self::bounded(config, bounds, clock)
    }

    fn bounded(
        config: &CacheConfig,
        bounds: Bounds,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unspecified> {
        Ok(Self {
            pepper: Pepper::new()?,
            sessions: Mutex::new(Sessions::new(bounds)),
            flights: Arc::default(),
            time: Duration::from_secs(config.ttl_seconds.into()),
            clock,
        })
    }

    /// Under what an exchange for this caller is kept; `None` if nothing may be.
    pub(super) fn key(
        &self,
        asked: &Digest,
        caller: &Caller,
        actor: Option<&str>,
        generation: u64,
    ) -> Option<Key> {
        Key::new(&self.pepper, asked, caller, actor, generation)
    }

    /// What is kept, and not for `max_age`: claims, or a refusal of a moment ago.
    pub(super) fn find(
        &self,
        key: &Key,
        max_age: Option<Duration>,
    ) -> Option<Result<Claims, Failure>> {
        let now = self.now();
        let (salt, sealed) = {
            let mut sessions = self.lock();
            let (salt, entry) = sessions.find(&key.session, &key.entry, max_age, now)?;
            match &entry.kept {
                Kept::Refused(failure) => return Some(Err((**failure).clone())),
                Kept::Sealed(sealed) => (salt, Zeroizing::new(sealed.to_vec())),
            }
        };
        let claims = key.open(&salt, sealed).and_then(|json| Claims::from_json(&json));
        if claims.is_none() {
            // Somebody wrote where nobody should have.
            self.lock().forget(&key.session, &key.entry);
        }
        claims.map(Ok)
    }

    /// What is kept by now, or what `exchange` yields: it is done once however many ask for it, and
    /// goes on whoever of them gives up. `None` if this program is shutting down.
    pub(super) async fn find_or_exchange<F>(
        self: &Arc<Self>,
        key: &Arc<Key>,
        caller: &Caller,
        max_age: Option<Duration>,
        exchange: impl FnOnce() -> F,
    ) -> Option<Arc<Exchanged>>
    where
        F: Future<Output = Exchanged> + Send + 'static,
    {
        let find = |_: &Digest| {
            let result = self.find(key, max_age)?;
            Some(Arc::new(Exchanged { result, keep: Keep::No }))
        };
        let work = |_: &Digest| {
            let work = exchange();
            async { Arc::new(work.await) }
        };
        let (owner, asked) = (self.owner(caller), self.now());
        let (cache, kept_by) = (Arc::clone(self), Arc::clone(key));
        let land = move |_, value: &Arc<Exchanged>| cache.keep(&kept_by, owner, value, asked);
        self.flights.find_or_join(key.entry, find, work, land).await
    }

    /// Puts an exchanged token away, which is as old as the question. Whatever goes wrong with that, the next
    /// call exchanges.
    fn keep(&self, key: &Key, owner: Owner, exchanged: &Exchanged, asked: Moment) {
        let now = self.now();
        let until = |ends: i64| {
            let left = ends.min(owner.ends).saturating_sub(MARGIN).saturating_sub(asked.wall());
            u64::try_from(left).map_or(Duration::ZERO, Duration::from_secs).min(self.time)
        };
        let (since, time) = match exchanged.keep {
            Keep::No => return,
            Keep::Until(ends) => (asked, until(ends)),
            // It spares a provider that is slow, above all.
            Keep::Refusal => (now, REFUSED_FOR.min(self.time)),
        };
        if time.is_zero() {
            return;
        }
        let Ok(salt) = salt() else { return };
        let salt = self.lock().salt(key.session, owner, salt, now);
        let kept = match &exchanged.result {
            Ok(claims) => match key.seal(&salt, &claims.to_json()) {
                Ok(sealed) => Kept::Sealed(sealed),
                Err(_) => return,
            },
            Err(failure) => Kept::Refused(Box::new(failure.clone())),
        };
        let entry = Entry { name: key.entry, kept, since, time };
        self.lock().keep(&key.session, &salt, entry);
    }

    /// Forgets what is kept under this name, because it proved to be wrong. What is under way may come
    /// to the same, so it is not waited for by anybody else.
    pub(super) fn reject(&self, key: &Key) {
        self.flights.forget(|name| *name == key.entry);
        self.lock().forget(&key.session, &key.entry);
    }

    fn owner(&self, caller: &Caller) -> Owner {
        let application = caller.client_id().unwrap_or_default();
        let parts = [caller.issuer(), caller.subject(), application];
        Owner { application: self.pepper.name(parts), ends: caller.expires_at() }
    }

    fn now(&self) -> Moment {
        Moment::now(&*self.clock)
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
