//! The places that connections take, and who leaves when there are no more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::debug;

use super::Connection;

/// How late it may be noticed that a connection has had its time.
const TICK: Duration = Duration::from_secs(1);
/// How late it may be noticed that one has become ready to give way.
const GLANCE: Duration = Duration::from_millis(100);

/// All open connections.
pub(super) struct Places {
    number: usize,
    taken: Mutex<Taken>,
    left: Notify,
}

#[derive(Default)]
struct Taken {
    last: u64,
    connections: HashMap<u64, Arc<Connection>>,
}

/// A connection's place, until dropped.
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
    pub(super) connection: Arc<Connection>,
}

impl Places {
    pub(super) fn new(number: usize) -> Arc<Self> {
        Arc::new(Self { number, taken: Mutex::default(), left: Notify::new() })
    }

    /// A place for a newcomer: a free one, or that of the connection that is readiest to give way.
    /// Waits while all work for verified callers.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        loop {
            if let Some(place) = self.try_take(Instant::now()) {
                return place;
            }
            // Those that neither work nor leave become ready by the mere passing of time.
            let _ = timeout(GLANCE, self.left.notified()).await;
        }
    }

    fn try_take(self: &Arc<Self>, now: Instant) -> Option<Place> {
        let mut taken = self.taken();
        if taken.connections.len() >= self.number && !taken.shed(now) {
            return None;
        }
        taken.last += 1;
        let (id, connection) = (taken.last, Arc::new(Connection::new(now)));
        taken.connections.insert(id, Arc::clone(&connection));
        drop(taken);
        Some(Place { places: Arc::clone(self), id, connection })
    }

    /// Ends the connection that is readiest to give way; false if there is none.
    pub(super) fn shed(&self) -> bool {
        self.taken().shed(Instant::now())
    }

    /// Ends connections whose clients have had their time, for ever.
    pub(super) async fn keep_time(&self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.end_overdue(Instant::now());
        }
    }

    pub(super) fn end_overdue(&self, now: Instant) {
        for connection in self.taken().connections.values() {
            if connection.is_over(now) {
                connection.close();
            }
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn shed(&mut self, now: Instant) -> bool {
        let ready = self
            .connections
            .iter()
            .filter_map(|(id, connection)| Some((connection.readiness(now)?, *id)))
            .min();
        let Some((readiness, id)) = ready else { return false };
        if let Some(connection) = self.connections.remove(&id) {
            debug!(?readiness, "a connection gives way to a newcomer");
            connection.close();
        }
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().connections.remove(&self.id);
        self.places.left.notify_one();
    }
}
