//! The calls that run, so that their caller can cancel them.
//!
//! Clients of the revisions before 2026-07-28 cancel with a notification on a connection of its
//! own, which names the call by its JSON-RPC id and nothing else. Ids are the client's: two
//! sessions of one client use the same. So a notification cancels only what it can mean: the one
//! running call of that user, by that client, under that id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::envelope::Id;
use crate::backend::Principal;

/// Calls beyond that many run, but no notification finds them.
const MAX_CALLS: usize = 4096;

type Key = (Arc<Principal>, Id);

/// The table of running calls.
#[derive(Default)]
pub(super) struct Running {
    calls: Mutex<HashMap<Key, Vec<CancellationToken>>>,
}

impl Running {
    /// Enters a call.
    pub(super) fn begin(self: &Arc<Self>, principal: Arc<Principal>, id: Id) -> RunningCall {
        let (key, cancel) = ((principal, id), CancellationToken::new());
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() < MAX_CALLS || calls.contains_key(&key) {
            calls.entry(key.clone()).or_default().push(cancel.clone());
        }
        drop(calls);
        RunningCall { table: Arc::clone(self), key, cancel }
    }

    /// Cancels the caller's call of that id, if there is exactly one.
    pub(super) fn cancel(&self, principal: Arc<Principal>, id: Id) -> bool {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let same = calls.get(&(principal, id)).into_iter().flatten();
        let mut running = same.filter(|call| !call.is_cancelled());
        match (running.next(), running.next()) {
            (Some(call), None) => {
                call.cancel();
                true
            }
            _ => false,
        }
    }
}

/// A call that runs as long as this lives: dropped with the request's future, when the client has
/// closed the connection, it cancels the call.
pub(super) struct RunningCall {
    table: Arc<Running>,
    key: Key,
    cancel: CancellationToken,
}

impl RunningCall {
    /// Raised when nobody waits for the call any more.
    pub(super) fn cancel(&self) -> Cancel {
        Cancel(self.cancel.clone())
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.cancel.cancel();
        let mut calls = self.table.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = calls.get_mut(&self.key) {
            same.retain(|call| !call.is_cancelled());
            if same.is_empty() {
                calls.remove(&self.key);
            }
        }
    }
}

/// What a call is cancelled by, handed on in the request's extensions.
#[derive(Clone)]
pub(crate) struct Cancel(pub(crate) CancellationToken);
