//! Tickets in users' names, in common with other processes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_proto::{Credential, Principal};

use crate::Client;
use crate::clock::Moment;
use crate::store::{Fetched, SharedTicket, SharedTickets, TicketKey};

/// What a KDC refused is not taken from elsewhere for so long.
const PASSED_OVER: Duration = Duration::from_secs(60);
/// So many users at most; beyond, nobody's is taken from elsewhere.
const MAX_PASSED_OVER: usize = 1000;

/// Tickets of other processes.
pub(crate) struct Shared {
    tickets: Arc<dyn SharedTickets>,
    /// Users whose tickets were no good, and since when that is known.
    passed_over: Mutex<Vec<(Principal, Moment)>>,
}

/// Where a ticket lies for all.
pub(crate) struct Slot {
    name: Vec<u8>,
    user: Principal,
}

impl Shared {
    pub(crate) fn new(tickets: Arc<dyn SharedTickets>) -> Self {
        Self { tickets, passed_over: Mutex::default() }
    }

    /// The tickets of this user are no good, wherever they lie.
    pub(crate) fn pass_over(&self, user: &Principal, now: Moment) {
        let mut users = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        users.retain(|(other, since)| other != user && now.is_within(PASSED_OVER, *since));
        if users.len() < MAX_PASSED_OVER {
            users.push((user.clone(), now));
        }
    }

    fn passes_over(&self, user: &Principal, now: Moment) -> bool {
        let users = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        let is_meant =
            |other: &Principal, since| other == user && now.is_within(PASSED_OVER, since);
        users.len() >= MAX_PASSED_OVER || users.iter().any(|(other, since)| is_meant(other, *since))
    }
}

impl Client {
    pub(crate) fn slot(&self, key: &TicketKey, user: &Principal, evidence: &[u8]) -> Option<Slot> {
        self.inner.shared.as_ref()?;
        Some(Slot { name: key.slot(evidence), user: user.clone() })
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::now(&*self.inner.clock)
    }

    /// A ticket that another process got.
    pub(crate) async fn find_shared(&self, slot: Option<&Slot>) -> Option<Fetched> {
        let (shared, slot) = (self.inner.shared.as_ref()?, slot?);
        let now = self.now();
        if shared.passes_over(&slot.user, now) {
            return None;
        }
        let found = shared.tickets.find(&slot.name).await?;
        let since = found.since(now);
        let lives = found.credential.times.endtime.unix() > now.wall();
        let is_good = lives && now.is_within(self.inner.max_age, since);
        is_good.then_some(Fetched { credential: found.credential, since: Some(since) })
    }

    /// Lets others have a ticket. Nobody waits for it.
    pub(crate) fn share(&self, slot: Option<Slot>, ticket: &Credential, asked_at: Moment) {
        let (Some(_), Some(slot)) = (&self.inner.shared, slot) else { return };
        let ticket = SharedTicket { asked_at: asked_at.wall(), credential: ticket.clone() };
        let (client, life) = (self.clone(), self.inner.max_age);
        tokio::spawn(async move {
            if let Some(shared) = &client.inner.shared {
                shared.tickets.keep(&slot.name, ticket, life).await;
            }
        });
    }
}
