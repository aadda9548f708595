//! An issuer's keys, shared by everybody whose tokens it signed.
//!
//! A fetch runs in a task of its own: whoever waits for it may give up without any effect on it or
//! on the others, and a caller waits no longer than [`WAIT`] for an issuer that is silent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use krb_client::{Clock, Moment};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::key_set::KeySet;

/// Keys are fetched anew after this, asked for or not, or before it if the issuer says so: a key that
/// it withdraws is believed no longer than that.
pub(super) const MAX_AGE: Duration = Duration::from_secs(600);
/// But not earlier than this, whatever the issuer says.
pub(super) const MIN_AGE: Duration = Duration::from_secs(60);
/// Unless the issuer cannot be asked: then it is believed for so long.
pub(super) const STALE: Duration = Duration::from_secs(24 * 3600);
/// From the end of a good fetch to the next one, whatever key a token asks for: the rate that
/// strangers can cause.
pub(super) const COOLDOWN: Duration = Duration::from_secs(30);
/// The same after a fetch that failed. One that was never finished has no such effect.
pub(super) const RETRY: Duration = Duration::from_secs(2);
/// After a failure, if nobody asks.
const IDLE_RETRY: Duration = Duration::from_secs(60);
/// How long a caller waits for a fetch.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// For a fetch as a whole: discovery and keys.
const FETCH: Duration = Duration::from_secs(10);

/// Where keys come from.
#[async_trait]
pub(super) trait Source: Send + Sync {
    /// Gets all keys. The error is a text for the log.
    async fn fetch(&self) -> Result<Listed, String>;
}

/// What an issuer listed.
pub(super) struct Listed {
    pub(super) set: KeySet,
    /// How long it is good for, as the issuer says.
    pub(super) fresh: Option<Duration>,
}

/// The keys cannot be had.
#[derive(PartialEq, Debug)]
pub(super) struct Unavailable;

/// The keys of one issuer.
pub(super) struct Keys(Arc<Shared>);

struct Shared {
    issuer: String,
    source: Box<dyn Source>,
    /// How old keys are goes by it; what is waited for, by tokio's time.
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last good ones.
    current: Option<Fetched>,
    /// Is the last fetch that ended one that failed?
    failed: bool,
    /// No fetch begins before this.
    resting_until: Option<Instant>,
    /// The last fetch; closed as soon as it has ended, in whatever way.
    fetch: Option<watch::Receiver<()>>,
    /// Is there a task that keeps the keys young?
    kept: bool,
}

#[derive(Clone)]
struct Fetched {
    set: Arc<KeySet>,
    at: Moment,
    /// From then on it is old.
    fresh: Duration,
}

impl Fetched {
    /// How long it is good for yet.
    fn rest(&self, now: Moment) -> Duration {
        now.since(self.at).map_or(Duration::ZERO, |age| self.fresh.saturating_sub(age))
    }
}

impl Keys {
    /// Keys of `issuer`, which are fetched when somebody asks for them.
    pub(super) fn new(issuer: &str, source: impl Source + 'static, clock: Arc<dyn Clock>) -> Self {
        let (issuer, source) = (issuer.to_owned(), Box::new(source));
        Self(Arc::new(Shared { issuer, source, clock, state: Mutex::default() }))
    }

    /// Are there keys to verify with, though no issuer is asked?
    pub(super) fn are_had(&self) -> bool {
        self.0.lock().usable(self.0.now()).is_some()
    }

    /// The keys as they were last fetched.
    pub(super) async fn current(&self) -> Result<Arc<KeySet>, Unavailable> {
        let fetch = {
            let mut state = self.0.lock();
            let now = self.0.now();
            let current = state.usable(now);
            // What is old is used while newer ones are on their way.
            let old = current.as_ref().is_none_or(|fetched| fetched.rest(now).is_zero());
            let fetch = if old { self.0.begin(&mut state) } else { None };
            if let Some(fetched) = current {
                return Ok(fetched.set);
            }
            fetch
        };
        ended(fetch.ok_or(Unavailable)?).await;
        self.0.lock().usable(self.0.now()).map(|fetched| fetched.set).ok_or(Unavailable)
    }

    /// The keys, if there are others than `seen`, which did not verify a token. `None`: `seen` is
    /// what the issuer has listed a moment ago.
    pub(super) async fn newer(
        &self,
        seen: &Arc<KeySet>,
    ) -> Result<Option<Arc<KeySet>>, Unavailable> {
        let fetch = {
            let mut state = self.0.lock();
            if let Some(newer) = state.other_than(seen, self.0.now()) {
                return Ok(Some(newer));
            }
            self.0.begin(&mut state)
        };
        let may_be_newer = fetch.is_some();
        if let Some(fetch) = fetch {
            ended(fetch).await;
        }
        let mut state = self.0.lock();
        match state.other_than(seen, self.0.now()) {
            Some(newer) => Ok(Some(newer)),
            None if may_be_newer || state.failed => Err(Unavailable),
            None => Ok(None),
        }
    }
}

/// Waits until a fetch has ended, but not for ever.
async fn ended(mut fetch: watch::Receiver<()>) {
    let _ = timeout(WAIT, fetch.changed()).await;
}

impl State {
    /// What became too old, or was fetched later than it is now, which says nothing about its age, is
    /// gone, and nobody waits for the rest after its fetch.
    fn usable(&mut self, now: Moment) -> Option<Fetched> {
        if self.current.as_ref().is_some_and(|fetched| !now.is_within(STALE, fetched.at)) {
            self.current = None;
            self.resting_until = None;
        }
        self.current.clone()
    }

    fn other_than(&mut self, seen: &Arc<KeySet>, now: Moment) -> Option<Arc<KeySet>> {
        self.usable(now).map(|fetched| fetched.set).filter(|set| !Arc::ptr_eq(set, seen))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment::now(&*self.clock)
    }

    /// The fetch that runs, or a new one; `None` if it is too soon for one.
    fn begin(self: &Arc<Self>, state: &mut State) -> Option<watch::Receiver<()>> {
        if let Some(fetch) = state.fetch.as_ref().filter(|fetch| fetch.has_changed().is_ok()) {
            return Some(fetch.clone());
        }
        let now = Instant::now();
        if state.resting_until.is_some_and(|until| now < until) {
            return None;
        }
        let (running, fetch) = watch::channel(());
        state.fetch = Some(fetch.clone());
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            shared.fetch().await;
            drop(running);
        });
        if !std::mem::replace(&mut state.kept, true) {
            tokio::spawn(keep_young(Arc::downgrade(self)));
        }
        Some(fetch)
    }

    async fn fetch(&self) {
        let result = timeout(FETCH, self.source.fetch()).await;
        let result = result.unwrap_or_else(|_| Err("the issuer did not answer in time".to_owned()));
        let now = Instant::now();
        let mut state = self.lock();
        state.failed = result.is_err();
        match result {
            Ok(Listed { set, fresh }) => {
                let fresh = fresh.unwrap_or(MAX_AGE).clamp(MIN_AGE, MAX_AGE);
                // An issuer that lists none means it, but hardly for long.
                let rest = if set.is_empty() { RETRY } else { COOLDOWN };
                state.resting_until = Some(now + rest);
                state.current = Some(Fetched { set: Arc::new(set), at: self.now(), fresh });
            }
            Err(error) => {
                state.resting_until = Some(now + RETRY);
                drop(state);
                let issuer = &self.issuer;
                tracing::warn!(issuer, error, "the issuer's keys cannot be fetched");
            }
        }
    }
}

/// Fetches the keys again whenever they are old, as long as there is somebody to use them.
async fn keep_young(keys: Weak<Shared>) {
    loop {
        let pause = match keys.upgrade() {
            None => return,
            Some(keys) => {
                let mut state = keys.lock();
                let rest = state.current.as_ref().map(|fetched| fetched.rest(keys.now()));
                match rest.filter(|rest| !rest.is_zero()) {
                    Some(rest) => rest,
                    None => {
                        keys.begin(&mut state);
                        IDLE_RETRY
                    }
                }
            }
        };
        sleep(pause).await;
    }
}
