//! Tickets in users' names, in common with other processes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_proto::Principal;

use crate::clock::Moment;
use crate::store::SharedTickets;

/// What a KDC refused is not taken from elsewhere for so long.
const PASSED_OVER: Duration = Duration::from_secs(60);
/// So many users at most; beyond, nobody's is taken from elsewhere.
const MAX_PASSED_OVER: usize = 1000;

/// Tickets of other processes.
pub(crate) struct Shared {
    pub(crate) tickets: Arc<dyn SharedTickets>,
    /// Users whose tickets were no good, and since when that is known.
    passed_over: Mutex<Vec<(Principal, Moment)>>,
}

/// Where a ticket lies for all.
pub(crate) struct Slot {
    pub(crate) name: Vec<u8>,
    pub(crate) user: Principal,
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

    pub(crate) fn passes_over(&self, user: &Principal, now: Moment) -> bool {
        let users = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        let is_meant =
            |other: &Principal, since| other == user && now.is_within(PASSED_OVER, since);
        users.len() >= MAX_PASSED_OVER || users.iter().any(|(other, since)| is_meant(other, *since))
    }
}
