//! The one store of tickets. What many ask for at once is fetched once ([`Flights`]).

mod held;
mod key;
mod shared;
mod shelf;
mod user_ticket;

use std::future::Future;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use krb_proto::Credential;

use crate::clock::{Moment, nanoseconds};
use crate::flight::Flights;
use crate::{ClientError, Clock};
pub(crate) use held::Held;
pub(crate) use key::{Behalf, Options, TicketKey, User};
pub use shared::{SharedTicket, SharedTickets, Sharing};
use shelf::Shelf;
pub use user_ticket::UserTicket;

/// So many tickets are kept at most unless asked otherwise; beyond, what expires first goes first.
pub(crate) const MAX_ENTRIES: usize = 10_000;
/// A ticket is not handed out in its last seconds: it has to live until the resource sees it.
const MARGIN: Duration = Duration::from_secs(60);
/// What a KDC has refused for good is not asked for again for so long, from when it was asked.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// So many refusals are remembered at most; beyond, the oldest goes first.
const MAX_REFUSALS: usize = 1_000;

type Outcome = Result<Held, ClientError>;

/// What a fetch brings: a ticket, and since when it says what it says, if not since it was begun.
pub(crate) struct Fetched {
    pub(crate) credential: Credential,
    pub(crate) since: Option<Moment>,
}

impl From<Credential> for Fetched {
    fn from(credential: Credential) -> Self {
        Self { credential, since: None }
    }
}

struct Ready {
    credential: Arc<Credential>,
    number: NonZeroU64,
    since: Moment,
    /// How long it is handed out, from `since` on: nanoseconds, as moments have them.
    keep: u64,
    landed: Moment,
}

impl Ready {
    fn new(held: Held, keep: Duration, landed: Moment) -> Self {
        let Held { credential, since, number, was_stored: _ } = held;
        Self { credential, number, since, keep: nanoseconds(keep), landed }
    }

    /// How long it is good, without its last seconds, from `landed` on.
    fn life(&self) -> Duration {
        let life = self.credential.times.endtime.unix().saturating_sub(self.landed.wall());
        Duration::from_secs(life.try_into().unwrap_or(0)).saturating_sub(MARGIN)
    }

    fn is_good(&self, now: Moment) -> bool {
        now.is_within(Duration::from_nanos(self.keep), self.since)
            && now.is_within(self.life(), self.landed)
    }

    /// When it is no longer good, by the clock that cannot be set. Where the other one was set
    /// forward it is so earlier, and then lies here unused until its turn comes.
    fn end(&self) -> u64 {
        self.since.end_of(Duration::from_nanos(self.keep)).min(self.landed.end_of(self.life()))
    }

    fn stored(&self) -> Held {
        let Self { ref credential, number, since, .. } = *self;
        Held { credential: credential.clone(), since, number, was_stored: true }
    }
}

/// How long a ticket in a user's name is handed out, so that whoever gets one has time to use it.
fn reuse(max_age: Duration) -> Duration {
    max_age - MARGIN.min(max_age / 2)
}

/// A KDC's no, and when it was asked.
struct Refused {
    error: ClientError,
    since: Moment,
}

/// Tickets, in plain zeroized memory.
pub(crate) struct TicketStore {
    /// Most who come only look.
    tickets: RwLock<Shelf<TicketKey, u64, Ready>>,
    refusals: Mutex<Shelf<TicketKey, u64, Refused>>,
    flights: Arc<Flights<TicketKey, Outcome>>,
    clock: Arc<dyn Clock>,
}

impl TicketStore {
    pub(crate) fn of_size(max_entries: usize, clock: Arc<dyn Clock>) -> Arc<Self> {
        let tickets = RwLock::new(Shelf::new(max_entries));
        let refusals = Mutex::new(Shelf::new(MAX_REFUSALS.min(max_entries)));
        Arc::new(Self { tickets, refusals, flights: Arc::default(), clock })
    }

    fn look(&self) -> RwLockReadGuard<'_, Shelf<TicketKey, u64, Ready>> {
        self.tickets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Shelf<TicketKey, u64, Ready>> {
        self.tickets.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusals(&self) -> MutexGuard<'_, Shelf<TicketKey, u64, Refused>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ticket of that key: a stored one, or the one that `fetch` brings. However many ask at
    /// once, one fetches, and all get its result, be it a ticket or an error; so does whoever asks
    /// within five seconds for a ticket in a user's name that a KDC refused for good. The fetch goes on
    /// even if whoever began it gives up. It is handed out for as long as `keep` says, from `since`
    /// on; without that, from now on.
    pub(crate) async fn get<F, T>(
        self: &Arc<Self>,
        key: TicketKey,
        since: Option<Moment>,
        keep: Duration,
        fetch: impl FnOnce() -> F,
    ) -> Outcome
    where
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
        T: Into<Fetched>,
    {
        if let Some(outcome) = self.find(&key) {
            return outcome;
        }
        let fetch = |key: &TicketKey| {
            // Whatever happens to the fetch, the old one is done with.
            let _old = self.change().remove(key);
            self.refusals().remove(key);
            fetch()
        };
        self.fly(key, since, keep, |key| self.find(key), fetch).await
    }

    /// The ticket that `fetch` brings, though there may be one that is good still; that one is handed
    /// out until the other lands. Whoever asks for a new one at once gets the same.
    pub(crate) async fn get_anew<F, T>(
        self: &Arc<Self>,
        key: TicketKey,
        keep: Duration,
        fetch: impl FnOnce() -> F,
    ) -> Outcome
    where
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
        T: Into<Fetched>,
    {
        self.fly(key, None, keep, |_| None, |_| fetch()).await
    }

    async fn fly<F, T>(
        self: &Arc<Self>,
        key: TicketKey,
        since: Option<Moment>,
        keep: Duration,
        find: impl FnOnce(&TicketKey) -> Option<Outcome>,
        fetch: impl FnOnce(&TicketKey) -> F,
    ) -> Outcome
    where
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
        T: Into<Fetched>,
    {
        let begun = self.now();
        let begin = |key: &TicketKey| {
            let (fetch, since) = (fetch(key), since.unwrap_or_else(|| self.now()));
            async move {
                let fetched: Fetched = fetch.await?.into();
                Ok(Held::new(Arc::new(fetched.credential), fetched.since.unwrap_or(since)))
            }
        };
        let store = self.clone();
        let land = move |key: TicketKey, outcome: &Outcome| match outcome {
            Ok(held) => store.land(key, held.clone(), keep),
            Err(error) if key.is_in_a_users_name() && error.is_definite() => {
                let refused = Refused { error: error.clone(), since: begun };
                store.refusals().insert(key, begun.monotonic(), refused);
            }
            Err(_) => {}
        };
        let outcome = self.flights.find_or_join(key, find, begin, land);
        // Without one the fetching task panicked or the runtime is shutting down.
        outcome.await.unwrap_or(Err(ClientError::Abandoned))
    }

    fn find(&self, key: &TicketKey) -> Option<Outcome> {
        let now = self.now();
        if let Some(ready) = self.look().get(key).filter(|ready| ready.is_good(now)) {
            return Some(Ok(ready.stored()));
        }
        let refusals = self.refusals();
        let refused = refusals.get(key).filter(|one| now.is_within(REFUSED_FOR, one.since))?;
        Some(Err(refused.error.clone()))
    }

    fn land(&self, key: TicketKey, held: Held, keep: Duration) {
        let now = self.now();
        let ready = Ready::new(held, keep, now);
        if ready.is_good(now) {
            // What it takes the place of is wiped once nobody waits any more.
            let _put_out = self.change().insert(key, ready.end(), ready);
        }
    }

    /// Evidence for a user: what is stored, or what `fetch` brings.
    pub(crate) async fn evidence<F, T>(
        self: &Arc<Self>,
        key: TicketKey,
        max_age: Duration,
        fetch: impl FnOnce() -> F,
    ) -> Result<UserTicket, ClientError>
    where
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
        T: Into<Fetched>,
    {
        Ok(UserTicket::new(self.get(key, None, reuse(max_age), fetch).await?, max_age))
    }

    /// A service ticket that is got with this evidence: what is stored, or what `fetch` brings. It
    /// is as old as the evidence, since it says the same of the user.
    pub(crate) async fn proxied<F, T>(
        self: &Arc<Self>,
        key: TicketKey,
        evidence: &UserTicket,
        fetch: impl FnOnce() -> F,
    ) -> Result<UserTicket, ClientError>
    where
        F: Future<Output = Result<T, ClientError>> + Send + 'static,
        T: Into<Fetched>,
    {
        let UserTicket { held, max_age } = evidence;
        let held = self.get(key, Some(held.since), reuse(*max_age), fetch).await?;
        Ok(UserTicket::new(held, *max_age))
    }

    /// Drops every ticket for which `of` holds, and every refusal; a flight under way no longer lands.
    pub(crate) fn forget(&self, of: impl Fn(&TicketKey) -> bool) {
        // In this order: what was under way has landed and is dropped, or never lands.
        self.flights.forget(&of);
        self.change().remove_all(&of);
        self.refusals().remove_all(of);
    }

    /// Is this ticket, fetched under this key, still the one that would be handed out?
    pub(crate) fn has(&self, key: &TicketKey, credential: &Arc<Credential>) -> bool {
        let tickets = self.look();
        tickets.get(key).is_some_and(|ready| Arc::ptr_eq(&ready.credential, credential))
    }

    fn now(&self) -> Moment {
        Moment::now(&*self.clock)
    }
}

#[cfg(test)]
mod tests;
