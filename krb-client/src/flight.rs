use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Work that several callers wait for, one piece for each key. It runs in a task of its own, so
/// that it goes on for the others, and for those who come later, whoever gives up waiting.
pub(crate) struct Flights<K, V>(Mutex<HashMap<K, watch::Receiver<Option<V>>>>);

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
    pub(crate) async fn join<F>(self: &Arc<Self>, key: K, work: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flight = self.find_or_begin(key, work);
        let value = flight.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }

    fn find_or_begin<F>(
        self: &Arc<Self>,
        key: K,
        work: impl FnOnce() -> F,
    ) -> watch::Receiver<Option<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match flights.get(&key) {
            // A flight whose task is gone is begun anew.
            Some(flight) if flight.has_changed().is_ok() => return flight.clone(),
            _ => {}
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(key.clone(), receiver.clone());
        let (flights, work) = (self.clone(), work());
        tokio::spawn(async move {
            let value = work.await;
            // Whoever asks from now on begins anew: what is kept, and how long, is not decided here.
            flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            sender.send_replace(Some(value));
        });
        receiver
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
}
