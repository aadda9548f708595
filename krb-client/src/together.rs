use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

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
