use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Work that several callers wait for, one piece for each key. It runs in a task of its own, so
/// that it goes on for the others, and for those who come later, whoever gives up waiting.
pub struct Flights<K, V>(Mutex<HashMap<K, watch::Receiver<Option<V>>>>);

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What the work under way for `key` yields, or `work`, which is begun if there is none. `None`
    /// if its task ended without a result: this program is shutting down.
    pub async fn join<F>(self: &Arc<Self>, key: K, work: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        self.find_or_join(key, |_| None, |_| work(), |_, _| ()).await
    }

    /// The same in front of a cache: what `find` finds comes first, and `land` puts away what the
    /// work yields. Nothing comes between looking and beginning, or between landing and the end,
    /// so nobody begins again what has just landed.
    pub async fn find_or_join<F>(
        self: &Arc<Self>,
        key: K,
        find: impl FnOnce(&K) -> Option<V>,
        work: impl FnOnce(&K) -> F,
        land: impl FnOnce(K, &V) + Send + 'static,
    ) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flight = match self.find_or_begin(key, find, work, land) {
            Ok(found) => return Some(found),
            Err(flight) => flight,
        };
        let value = flight.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }

    fn find_or_begin<F>(
        self: &Arc<Self>,
        key: K,
        find: impl FnOnce(&K) -> Option<V>,
        work: impl FnOnce(&K) -> F,
        land: impl FnOnce(K, &V) + Send + 'static,
    ) -> Result<V, watch::Receiver<Option<V>>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flights = self.lock();
        match flights.get(&key) {
            // A flight whose task is gone is begun anew.
            Some(flight) if flight.has_changed().is_ok() => return Err(flight.clone()),
            _ => {}
        }
        if let Some(found) = find(&key) {
            return Ok(found);
        }
        let (sender, receiver) = watch::channel(None);
        // In a place of its own from the beginning: it is large, and a task is moved several times
        // before it runs.
        let work = Box::pin(work(&key));
        flights.insert(key.clone(), receiver.clone());
        let (flights, ours) = (self.clone(), receiver.clone());
        tokio::spawn(async move {
            let value = work.await;
            let mut under_way = flights.lock();
            // Whoever asks from now on begins anew, unless it is found where it has landed. Work
            // that was forgotten meanwhile lands nowhere.
            if under_way.get(&key).is_some_and(|flight| flight.same_channel(&ours)) {
                under_way.remove(&key);
                land(key, &value);
            }
            drop(under_way);
            sender.send_replace(Some(value));
        });
        Err(receiver)
    }

    /// Lets go of all work under way for such keys: whoever waits still gets what it yields, but it
    /// does not land, and whoever asks from now on begins anew.
    pub fn forget(&self, of: impl Fn(&K) -> bool) {
        self.lock().retain(|key, _| !of(key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, watch::Receiver<Option<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_whoever_gives_up() {
        let flights = Arc::new(Flights::default());
        let begun = Arc::new(AtomicUsize::new(0));
        let join = |key: u8| {
            let begun = begun.clone();
            flights.join(key, || async move {
                let number = begun.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_secs(1)).await;
                number
            })
        };
        // Each of these gives up long before the work is done, and others take their place.
        for _ in 0..45 {
            assert!(timeout(Duration::from_millis(20), join(1)).await.is_err());
        }
        assert_eq!(join(1).await, Some(0), "the first one's work");
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        assert_eq!(tokio::join!(join(1), join(1), join(2)), (Some(1), Some(1), Some(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_forgotten_on_its_way_does_not_land() {
        let flights = Arc::new(Flights::default());
        let landed = Arc::new(Mutex::new(Vec::new()));
        let join = |value: u8| {
            let kept = landed.clone();
            let find = |_: &char| None;
            let work = move |_: &char| async move {
                sleep(Duration::from_secs(1)).await;
                value
            };
            flights.find_or_join('k', find, work, move |_, value| kept.lock().unwrap().push(*value))
        };
        let (first, second) = tokio::join!(join(1), async {
            sleep(Duration::from_millis(500)).await;
            flights.forget(|key| *key == 'k');
            // The first is still under way, and neither joined nor allowed to end this one.
            join(2).await
        });
        assert_eq!((first, second), (Some(1), Some(2)));
        assert_eq!(*landed.lock().unwrap(), [2]);
        let found = flights.find_or_join('k', |_| Some(3), |_| async { 4 }, |_, _| ()).await;
        assert_eq!(found, Some(3), "found, and nothing begun");
    }
}
