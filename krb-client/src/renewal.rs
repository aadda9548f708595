//! Tickets that are got anew before they end, in the background.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::clock::Moment;
use crate::{ClientError, Clock, Entropy};

/// A wait is no longer than this before the clock is asked again: it can be set, and machines sleep.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Between two tries that fail, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// A task that gets something anew before it ends, for as long as this is kept. Dropped, it ends with
/// whatever it had under way.
#[derive(Debug)]
#[must_use = "the task ends when this is dropped"]
pub struct Renewal(AbortHandle);

/// What is good for so long, and since when.
pub(crate) struct Good {
    pub(crate) life: Duration,
    pub(crate) age: Duration,
}

impl Good {
    /// Is it time for another one?
    pub(crate) fn is_old(&self) -> bool {
        self.age >= self.life / 2
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Renewal {
    /// `renew` sees to it that it is good, and says for how long and since when it is. It is asked at
    /// once, and again between half and three quarters of that life, each time and each process at a
    /// moment of its own; if it fails, after two seconds, then after twice as long each time, up to
    /// five minutes.
    pub(crate) fn start<F>(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Entropy>,
        mut renew: impl FnMut() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Good, ClientError>> + Send,
    {
        let task = tokio::spawn(async move {
            let mut retry = RETRY.0;
            loop {
                let pause = match renew().await {
                    Ok(Good { life, age }) => {
                        retry = RETRY.0;
                        (life / 2 + share(&*random, life / 4)).saturating_sub(age)
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a ticket could not be got anew; trying again");
                        let pause = retry + share(&*random, retry / 2);
                        retry = (2 * retry).min(RETRY.1);
                        pause
                    }
                };
                wait(&*clock, pause.max(RETRY.0)).await;
            }
        });
        Self(task.abort_handle())
    }
}

/// Any part of it.
fn share(random: &dyn Entropy, whole: Duration) -> Duration {
    let mut octets = [0; 4];
    random.fill(&mut octets);
    whole.mul_f64(f64::from(u32::from_be_bytes(octets)) / f64::from(u32::MAX))
}

/// Waits for so long by whichever of the clocks says more, so that a machine that slept, or whose
/// clock was set, does not go on with what has ended.
async fn wait(clock: &dyn Clock, pause: Duration) {
    let begun = Moment::now(clock);
    loop {
        let Some(passed) = Moment::now(clock).since(begun) else { return };
        let Some(left) = pause.checked_sub(passed).filter(|left| !left.is_zero()) else { return };
        sleep(left.min(LOOK_EVERY)).await;
    }
}
