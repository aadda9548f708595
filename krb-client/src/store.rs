//! The one store of tickets, with the only single-flight for them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use krb_proto::{Credential, Name, Principal};
use tokio::sync::watch;

use crate::clock::Moment;
use crate::user_ticket::UserTicket;
use crate::{ClientError, Clock};

/// So many tickets are kept at most; beyond, what expires first goes first.
const MAX_ENTRIES: usize = 10_000;
/// A ticket is not handed out in its last seconds: it has to live until the resource sees it.
const MARGIN: Duration = Duration::from_secs(60);

/// What makes a ticket somebody's.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum TicketKey {
    /// The service account's own TGT.
    Tgt,
    /// Evidence, by the name that was sent, exactly.
    Evidence {
        /// The user, as sent.
        user: Principal,
    },
    /// A service ticket in a user's name.
    Proxy {
        /// The user, as sent.
        user: Principal,
        /// The account's SID, as its evidence proved it.
        sid: String,
        /// The very evidence that it was got with: what was judged is what is used, and no older.
        evidence: u64,
        /// The target.
        target: Name,
    },
}

/// A ticket, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) credential: Arc<Credential>,
    /// When the KDC was asked for it; for a service ticket, when it was asked for its evidence.
    pub(crate) since: Moment,
    /// No other fetch has this number.
    pub(crate) number: u64,
}

impl Held {
    pub(crate) fn new(credential: Arc<Credential>, since: Moment) -> Self {
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        let number = FETCHES.fetch_add(1, Ordering::Relaxed);
        Self { credential, since, number }
    }
}

type Outcome = Result<Held, ClientError>;

enum Slot {
    /// Somebody is fetching it; the value appears when they are done.
    Flying(watch::Receiver<Option<Outcome>>),
    Ready(Ready),
}

struct Ready {
    held: Held,
    /// How long it is handed out, from `held.since` on.
    keep: Duration,
    landed: Moment,
    /// How long it is good, without its last seconds, from `landed` on.
    life: Duration,
}

impl Ready {
    fn new(held: Held, keep: Duration, landed: Moment) -> Self {
        let life = held.credential.times.endtime.unix().saturating_sub(landed.wall());
        let life = Duration::from_secs(life.try_into().unwrap_or(0)).saturating_sub(MARGIN);
        Self { held, keep, landed, life }
    }

    fn is_good(&self, now: Moment) -> bool {
        now.is_within(self.keep, self.held.since) && now.is_within(self.life, self.landed)
    }

    /// How long it is good from now on, if the clocks run as they should.
    fn left(&self, now: Moment) -> Duration {
        let left = |whole: Duration, since| match now.since(since) {
            Some(past) => whole.saturating_sub(past),
            None => Duration::ZERO,
        };
        left(self.keep, self.held.since).min(left(self.life, self.landed))
    }
}

/// How long a ticket in a user's name is handed out, so that whoever gets one has time to use it.
fn reuse(max_age: Duration) -> Duration {
    max_age - MARGIN.min(max_age / 2)
}

/// Tickets of one service account, in plain zeroized memory.
pub(crate) struct TicketStore {
    slots: Mutex<HashMap<TicketKey, Slot>>,
    clock: Arc<dyn Clock>,
    max_entries: usize,
}

impl TicketStore {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::of_size(MAX_ENTRIES, clock)
    }

    fn of_size(max_entries: usize, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::default(), clock, max_entries })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TicketKey, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ticket of that key: a stored one, or the one that `fetch` brings. However many ask at
    /// once, one fetches, and all get its result, be it a ticket or an error. The fetch goes on
    /// even if whoever began it gives up. It is handed out for as long as `keep` says, from `since`
    /// on; without that, from now on.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        key: TicketKey,
        since: Option<Moment>,
        keep: Duration,
        fetch: impl FnOnce() -> F,
    ) -> Outcome
    where
        F: Future<Output = Result<Credential, ClientError>> + Send + 'static,
    {
        let mut flight = match self.find_or_start(key, since, keep, fetch) {
            Ok(ready) => return Ok(ready),
            Err(flight) => flight,
        };
        loop {
            if let Some(outcome) = flight.borrow_and_update().clone() {
                return outcome;
            }
            if flight.changed().await.is_err() {
                // The fetching task panicked or the runtime is shutting down.
                return Err(ClientError::Abandoned);
            }
        }
    }

    fn find_or_start<F>(
        self: &Arc<Self>,
        key: TicketKey,
        since: Option<Moment>,
        keep: Duration,
        fetch: impl FnOnce() -> F,
    ) -> Result<Held, watch::Receiver<Option<Outcome>>>
    where
        F: Future<Output = Result<Credential, ClientError>> + Send + 'static,
    {
        let now = self.now();
        let mut slots = self.lock();
        match slots.get(&key) {
            Some(Slot::Ready(ready)) if ready.is_good(now) => return Ok(ready.held.clone()),
            // A flight whose task is gone without a result is started anew.
            Some(Slot::Flying(flight)) if flight.has_changed().is_ok() => {
                return Err(flight.clone());
            }
            _ => {}
        }
        let (sender, receiver) = watch::channel(None);
        slots.insert(key.clone(), Slot::Flying(receiver.clone()));
        let (store, fetch) = (self.clone(), fetch());
        let since = since.unwrap_or(now);
        tokio::spawn(async move {
            let fetched = fetch.await;
            let outcome = fetched.map(|credential| Held::new(Arc::new(credential), since));
            store.land(key, &sender.subscribe(), outcome.as_ref().ok().cloned(), keep);
            sender.send_replace(Some(outcome));
        });
        Err(receiver)
    }

    /// Puts a fetched ticket in its slot, unless the slot was cleared or taken over meanwhile.
    fn land(
        &self,
        key: TicketKey,
        flight: &watch::Receiver<Option<Outcome>>,
        held: Option<Held>,
        keep: Duration,
    ) {
        let now = self.now();
        let mut slots = self.lock();
        match slots.get(&key) {
            Some(Slot::Flying(ours)) if ours.same_channel(flight) => {}
            _ => return,
        }
        let ready = held.map(|held| Ready::new(held, keep, now)).filter(|ready| ready.is_good(now));
        let Some(ready) = ready else {
            slots.remove(&key);
            return;
        };
        slots.insert(key, Slot::Ready(ready));
        if slots.len() > self.max_entries {
            slots.retain(|_, slot| !matches!(slot, Slot::Ready(ready) if !ready.is_good(now)));
        }
        while slots.len() > self.max_entries {
            let first = slots.iter().filter_map(|(key, slot)| match slot {
                Slot::Ready(ready) => Some((ready.left(now), key)),
                Slot::Flying(_) => None,
            });
            let Some(key) = first.min().map(|(_, key)| key.clone()) else { break };
            slots.remove(&key);
        }
    }

    /// Evidence for a user: what is stored, or what `fetch` brings.
    pub(crate) async fn evidence<F>(
        self: &Arc<Self>,
        user: Principal,
        max_age: Duration,
        fetch: impl FnOnce() -> F,
    ) -> Result<UserTicket, ClientError>
    where
        F: Future<Output = Result<Credential, ClientError>> + Send + 'static,
    {
        let held = self.get(TicketKey::Evidence { user }, None, reuse(max_age), fetch).await?;
        Ok(UserTicket::new(held, max_age))
    }

    /// A service ticket that is got with this evidence: what is stored, or what `fetch` brings. It
    /// is as old as the evidence, since it says the same of the user.
    pub(crate) async fn proxied<F>(
        self: &Arc<Self>,
        evidence: &UserTicket,
        sid: &str,
        target: Name,
        fetch: impl FnOnce() -> F,
    ) -> Result<UserTicket, ClientError>
    where
        F: Future<Output = Result<Credential, ClientError>> + Send + 'static,
    {
        let UserTicket { held, max_age } = evidence;
        let key = TicketKey::Proxy {
            user: held.credential.client.clone(),
            sid: sid.to_owned(),
            evidence: held.number,
            target,
        };
        let held = self.get(key, Some(held.since), reuse(*max_age), fetch).await?;
        Ok(UserTicket::new(held, *max_age))
    }

    /// Drops every ticket for which `of` holds; a flight under way no longer lands.
    pub(crate) fn forget(&self, of: impl Fn(&TicketKey) -> bool) {
        self.lock().retain(|key, _| !of(key));
    }

    /// Is this ticket, fetched under this key, still the one that would be handed out?
    pub(crate) fn has(&self, key: &TicketKey, credential: &Arc<Credential>) -> bool {
        match self.lock().get(key) {
            Some(Slot::Ready(ready)) => Arc::ptr_eq(&ready.held.credential, credential),
            _ => false,
        }
    }

    fn now(&self) -> Moment {
        Moment::now(&*self.clock)
    }
}

#[cfg(test)]
mod tests;
