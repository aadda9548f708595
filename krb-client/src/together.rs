use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

/// A few futures that run side by side inside of whoever owns them: dropped with their owner, they
/// leave no task and no socket behind.
pub(crate) struct Together<'a, T>(Vec<Pin<Box<dyn Future<Output = T> + Send + 'a>>>);

impl<T> Default for Together<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T> Together<'a, T> {
    pub(crate) fn start(&mut self, future: impl Future<Output = T> + Send + 'a) {
        self.0.push(Box::pin(future));
    }

    /// What the next one of them yields; waits for ever if there is none.
    pub(crate) async fn next(&mut self) -> T {
        poll_fn(|cx| {
            for (i, future) in self.0.iter_mut().enumerate() {
                if let Poll::Ready(value) = future.as_mut().poll(cx) {
                    drop(self.0.swap_remove(i));
                    return Poll::Ready(value);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// What two futures yield. Once one has yielded what is enough, the other one is waited for only so
/// long.
pub(crate) async fn both<'a, T, E>(
    one: impl Future<Output = Result<T, E>> + Send + 'a,
    other: impl Future<Output = Result<T, E>> + Send + 'a,
    patience: Duration,
    enough: impl Fn(&T) -> bool,
) -> [Option<Result<T, E>>; 2] {
    let (mut two, mut found) = (Together::default(), [None, None]);
    two.start(async { (0, one.await) });
    two.start(async { (1, other.await) });
    let (which, first) = two.next().await;
    let second = match &first {
        Ok(value) if enough(value) => timeout(patience, two.next()).await.ok(),
        _ => Some(two.next().await),
    };
    for (which, value) in [Some((which, first)), second].into_iter().flatten() {
        if let Some(place) = found.get_mut(which) {
            *place = Some(value);
        }
    }
    found
}
