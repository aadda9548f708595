//! Reading what lies in files, beside the runtime and not for ever: a pipe without a writer, or a share
//! that is away, would else take every call with it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long reading may take.
const READ_TIME: Duration = Duration::from_secs(2);
const LATE: &str = "reading it takes too long";

/// Reads one place, by one thread at a time: where reading hangs, one thread hangs. Clones are one.
#[derive(Clone, Default, Debug)]
pub(crate) struct Reader(Arc<Reading>);

#[derive(Debug)]
struct Reading {
    /// Held by the thread that reads.
    one: Arc<Mutex<()>>,
    /// Since when that is so, whoever of them it is.
    since: std::sync::Mutex<Instant>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { one: Arc::default(), since: Instant::now().into() }
    }
}

impl Reading {
    fn begins(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_late(&self) -> bool {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= READ_TIME
    }
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
        let one = match Arc::clone(&self.0.one).try_lock_owned() {
            Ok(one) => one,
            Err(_) if self.0.is_late() => return Err(LATE.into()),
            Err(_) => timeout(READ_TIME, Arc::clone(&self.0.one).lock_owned())
                .await
                .map_err(|_| LATE.to_owned())?,
        };
        self.0.begins();
        let reading = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || {
            let read = read();
            // For whoever is the next.
            reading.begins();
            drop(one);
            read
        });
        match timeout(READ_TIME, read).await {
            Ok(read) => read.map_err(|error| error.to_string())?,
            Err(_) => Err(LATE.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

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
    async fn who_only_waited_too_long_gives_up_nobody_who_reads() {
        let reader = Reader::default();
        let slow = || async {
            let read = reader.read(|| {
                std::thread::sleep(READ_TIME * 3 / 4);
                Ok(())
            });
            read.await.is_ok()
        };
        let later = async {
            tokio::time::sleep(READ_TIME * 5 / 4).await;
            reader.read(|| Ok(())).await.is_ok()
        };
        // The third has given up when the last comes; the second is within its own time.
        let all = tokio::join!(slow(), slow(), slow(), later);
        assert_eq!(all, (true, true, false, true));
    }

    #[tokio::test]
    async fn those_who_come_at_once_all_read() {
        let reader = Reader::default();
        let reads = (0..20).map(|number| reader.read(move || Ok(number)));
        let read = futures_util::future::join_all(reads).await;
        assert_eq!(read, (0..20).map(Ok).collect::<Vec<_>>());
    }
}
