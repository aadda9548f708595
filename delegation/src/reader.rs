//! Reading what lies in files, beside the runtime and not for ever: a pipe without a writer, or a share
//! that is away, would else take every call with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long reading may take.
const READ_TIME: Duration = Duration::from_secs(2);
const LATE: &str = "reading it takes too long";

/// Reads one place, for whoever looks at it alone: where reading hangs, one thread hangs, which holds
/// what is in here.
#[derive(Default, Debug)]
pub(crate) struct Reader(Arc<Mutex<()>>);

impl Reader {
    /// What this reads.
    ///
    /// # Errors
    /// What is wrong with it, or that it takes too long, now or still.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let one = Arc::clone(&self.0).try_lock_owned().map_err(|_| LATE.to_owned())?;
        let read = tokio::task::spawn_blocking(move || {
            let read = read();
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
        let again = timeout(Duration::ZERO, reader.read(|| Ok(2))).await;
        assert_eq!(again.expect("nobody waits for it once more"), Err(LATE.into()));
        release.send(()).unwrap();
        for _ in 0..100 {
            if reader.read(|| Ok(3)).await == Ok(3) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it stays given up");
    }
}
