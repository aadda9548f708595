//! The one store of tickets, with the only single-flight for them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use krb_proto::{Credential, Name, Principal};
use tokio::sync::watch;

use crate::{ClientError, Clock};

/// So many tickets are kept at most; beyond, what expires first goes first.
const MAX_ENTRIES: usize = 10_000;
/// A ticket is not handed out in its last seconds: it has to live until the resource sees it.
const MARGIN_SECONDS: i64 = 60;

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
        /// The target.
        target: Name,
    },
}

type Outcome = Result<Arc<Credential>, ClientError>;

enum Slot {
    /// Somebody is fetching it; the value appears when they are done.
    Flying(watch::Receiver<Option<Outcome>>),
    Ready { credential: Arc<Credential>, good_until: i64 },
}

/// Tickets of one service account, in plain zeroized memory.
pub(crate) struct TicketStore {
    slots: Mutex<HashMap<TicketKey, Slot>>,
    clock: Arc<dyn Clock>,
}

impl TicketStore {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::default(), clock })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TicketKey, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ticket of that key: a stored one, or the one that `fetch` brings. However many ask at
    /// once, one fetches, and all get its result, be it a ticket or an error. The fetch goes on
    /// even if whoever began it gives up. A ticket is kept `max_age` seconds at most.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        key: TicketKey,
        max_age: i64,
        fetch: impl FnOnce() -> F,
    ) -> Outcome
    where
        F: Future<Output = Result<Credential, ClientError>> + Send + 'static,
    {
        let mut flight = match self.find_or_start(key, max_age, fetch) {
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
        max_age: i64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<Credential>, watch::Receiver<Option<Outcome>>>
    where
        F: Future<Output = Result<Credential, ClientError>> + Send + 'static,
    {
        let mut slots = self.lock();
        match slots.get(&key) {
            Some(Slot::Ready { credential, good_until }) if self.now() < *good_until => {
                return Ok(credential.clone());
            }
            // A flight whose task is gone without a result is started anew.
            Some(Slot::Flying(flight)) if flight.has_changed().is_ok() => {
                return Err(flight.clone());
            }
            _ => {}
        }
        let (sender, receiver) = watch::channel(None);
        slots.insert(key.clone(), Slot::Flying(receiver.clone()));
        let (store, fetch) = (self.clone(), fetch());
        tokio::spawn(async move {
            let outcome = fetch.await.map(Arc::new);
            store.land(key, &sender.subscribe(), outcome.as_ref().ok().cloned(), max_age);
            sender.send_replace(Some(outcome));
        });
        Err(receiver)
    }

    /// Puts a fetched ticket in its slot, unless the slot was cleared or taken over meanwhile.
    fn land(
        &self,
        key: TicketKey,
        flight: &watch::Receiver<Option<Outcome>>,
        credential: Option<Arc<Credential>>,
        max_age: i64,
    ) {
        let now = self.now();
        let mut slots = self.lock();
        match slots.get(&key) {
            Some(Slot::Flying(ours)) if ours.same_channel(flight) => {}
            _ => return,
        }
        let Some(credential) = credential else {
            slots.remove(&key);
            return;
        };
        let good_until =
            (now + max_age).min(credential.times.endtime.unix().saturating_sub(MARGIN_SECONDS));
        slots.insert(key, Slot::Ready { credential, good_until });
        if slots.len() > MAX_ENTRIES {
            slots.retain(|_, slot| !matches!(slot, Slot::Ready { good_until, .. } if *good_until <= now));
        }
        while slots.len() > MAX_ENTRIES {
            let first = slots.iter().filter_map(|(key, slot)| match slot {
                Slot::Ready { good_until, .. } => Some((*good_until, key)),
                Slot::Flying(_) => None,
            });
            let Some(key) = first.min().map(|(_, key)| key.clone()) else { break };
            slots.remove(&key);
        }
    }

    /// Drops every ticket for which `of` holds; a flight under way no longer lands.
    pub(crate) fn forget(&self, of: impl Fn(&TicketKey) -> bool) {
        self.lock().retain(|key, _| !of(key));
    }

    fn now(&self) -> i64 {
        self.clock.now().seconds.unix()
    }
}
