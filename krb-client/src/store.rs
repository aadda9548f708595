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
    Ready {
        credential: Arc<Credential>,
        good_until: i64,
    },
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
            slots.retain(
                |_, slot| !matches!(slot, Slot::Ready { good_until, .. } if *good_until <= now),
            );
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use std::time::Duration;

    use krb_proto::KerberosTime;
    use krb_proto::Timestamp;
    use krb_proto::credential::TicketTimes;
    use krb_proto::crypto::Key;
    use krb_proto::exchange::ExchangeError;
    use krb_proto::iana::{EncType, TicketFlags};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    struct TestClock(AtomicI64);

    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            Timestamp::new(self.0.load(Ordering::SeqCst), 0)
        }
    }

    fn store() -> (Arc<TicketStore>, Arc<TestClock>) {
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        (TicketStore::new(clock.clone()), clock)
    }

    fn user(name: &str) -> Principal {
        Principal::new(Name::user(name), "R")
    }

    fn evidence(name: &str) -> TicketKey {
        TicketKey::Evidence { user: user(name) }
    }

    fn credential(name: &str, endtime: i64) -> Credential {
        Credential {
            client: user(name),
            server: Principal::krbtgt(b"R"),
            session_key: Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[1; 32]).unwrap(),
            times: TicketTimes {
                endtime: KerberosTime::from_unix(endtime),
                ..TicketTimes::default()
            },
            flags: TicketFlags::NONE,
            ticket: Vec::new(),
        }
    }

    #[tokio::test]
    async fn however_many_ask_one_fetches() {
        let (store, _) = store();
        let fetches = Arc::new(AtomicUsize::new(0));
        let ask = |name: &'static str| {
            let (store, fetches) = (store.clone(), fetches.clone());
            tokio::spawn(async move {
                let fetch = || async move {
                    fetches.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok(credential(name, NOW + 3600))
                };
                store.get(evidence(name), 900, fetch).await.unwrap().client.clone()
            })
        };
        let asked: Vec<_> = (0..50).map(|i| ask(["alice", "bob"][i % 2])).collect();
        for (i, task) in asked.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), user(["alice", "bob"][i % 2]));
        }
        assert_eq!(fetches.load(Ordering::SeqCst), 2, "one for alice, one for bob");
    }

    #[tokio::test]
    async fn a_failure_is_shared_but_not_kept() {
        let (store, _) = store();
        let fail = || async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Err(ClientError::Exchange(ExchangeError::NoCommonEnctype))
        };
        let (a, b) = tokio::join!(
            store.get(evidence("alice"), 900, fail),
            store.get(evidence("alice"), 900, || async { panic!("the first one is under way") }),
        );
        assert!(a.is_err() && b.is_err());
        let again = || async { Ok(credential("alice", NOW + 3600)) };
        assert!(store.get(evidence("alice"), 900, again).await.is_ok());
    }

    #[tokio::test]
    async fn a_fetch_outlives_whoever_began_it() {
        let (store, _) = store();
        let fetch = || async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Ok(credential("alice", NOW + 3600))
        };
        let impatient = store.get(evidence("alice"), 900, fetch);
        assert!(tokio::time::timeout(Duration::from_millis(5), impatient).await.is_err());
        let waited = store.get(evidence("alice"), 900, || async { panic!("it goes on") }).await;
        assert!(waited.is_ok());
    }

    #[tokio::test]
    async fn tickets_are_kept_to_their_age_and_not_into_their_last_minute() {
        let (store, clock) = store();
        let fetches = AtomicUsize::new(0);
        let get = async |name: &'static str, lifetime: i64| {
            let fetch = || {
                fetches.fetch_add(1, Ordering::SeqCst);
                let end = clock.0.load(Ordering::SeqCst) + lifetime;
                async move { Ok(credential(name, end)) }
            };
            store.get(evidence(name), 900, fetch).await.unwrap();
            fetches.load(Ordering::SeqCst)
        };
        assert_eq!(get("alice", 36_000).await, 1);
        for (after, fetched) in [(899, 1), (900, 2), (901, 2)] {
            clock.0.store(NOW + after, Ordering::SeqCst);
            assert_eq!(get("alice", 36_000).await, fetched, "after {after} s");
        }
        clock.0.store(NOW, Ordering::SeqCst);
        assert_eq!(get("bob", 300).await, 3);
        for (after, fetched) in [(239, 3), (240, 4)] {
            clock.0.store(NOW + after, Ordering::SeqCst);
            assert_eq!(get("bob", 300).await, fetched, "after {after} s");
        }
    }

    #[tokio::test]
    async fn what_is_forgotten_while_it_is_fetched_is_not_kept() {
        let (store, _) = store();
        let fetch = || async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(credential("alice", NOW + 3600))
        };
        let flight = {
            let store = store.clone();
            tokio::spawn(async move { store.get(evidence("alice"), 900, fetch).await.is_ok() })
        };
        tokio::time::sleep(Duration::from_millis(5)).await;
        store.forget(|key| *key == evidence("alice"));
        assert!(flight.await.unwrap(), "whoever waits still gets it");
        let fetched = Arc::new(AtomicUsize::new(0));
        let again = fetched.clone();
        let fetch = || async move {
            again.fetch_add(1, Ordering::SeqCst);
            Ok(credential("alice", NOW + 3600))
        };
        store.get(evidence("alice"), 900, fetch).await.unwrap();
        assert_eq!(fetched.load(Ordering::SeqCst), 1);
    }
}
