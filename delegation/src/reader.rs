//! Reading what lies in files, beside the runtime and not for ever: a pipe without a writer, or a share
//! that is away, would else take every call with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long reading may take.
const READ_TIME: Duration = Duration::from_secs(2);
const LATE: &str = "reading it takes too long";

/// Reads one place, by one thread at a time: where reading hangs, one thread hangs. Clones are one.
#[derive(Clone, Default, Debug)]
pub(crate) struct Reader(Arc<Reading>);

#[derive(Default, Debug)]
struct Reading {
    /// Held by the thread that reads.
    one: Arc<Mutex<()>>,
    /// Whether the thread that reads was given up.
    is_late: AtomicBool,
}

impl Reader {
    /// What this reads. While another reads it is waited for, but not for one that hangs.
    ///
    /// # Errors
    /// What is wrong with it, or that it takes too long.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let reading = async {
            let one = match Arc::clone(&self.0.one).try_lock_owned() {
                Ok(one) => one,
                Err(_) if self.0.is_late.load(Ordering::SeqCst) => return Err(LATE.into()),
                Err(_) => Arc::clone(&self.0.one).lock_owned().await,
            };
            self.0.is_late.store(false, Ordering::SeqCst);
            let read = tokio::task::spawn_blocking(move || {
                let read = read();
                drop(one);
                read
            });
            read.await.map_err(|error| error.to_string())?
        };
        timeout(READ_TIME, reading).await.unwrap_or_else(|_| {
            self.0.is_late.store(true, Ordering::SeqCst);
            Err(LATE.into())
        })
    }
}

impl PartialEq for Reader {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Reader {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn what_hangs_is_given_up_and_holds_one_thread_alone() {
        let (reader, (release, hang)) = (Reader::default(), mpsc::channel::<()>());
        let hangs = reader.read(move || {
            let _ = hang.recv();
            Ok(1)
        });
        assert_eq!(hangs.await, Err(LATE.into()));
        let again = Instant::now();
        assert_eq!(reader.clone().read(|| Ok(2)).await, Err(LATE.into()));
        assert!(again.elapsed() < READ_TIME, "nobody waits for it once more");
        release.send(()).unwrap();
        for _ in 0..100 {
            if reader.read(|| Ok(3)).await == Ok(3) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it stays given up");
    }

    #[tokio::test]
    async fn those_who_come_at_once_all_read() {
        let reader = Reader::default();
        let reads = (0..20).map(|number| reader.read(move || Ok(number)));
        let read = futures_util::future::join_all(reads).await;
        assert_eq!(read, (0..20).map(Ok).collect::<Vec<_>>());
    }
}
