//! Closing a connection whose client still sends, so that it reads the last answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long bytes that nobody wants are still taken.
const MAX_TIME: Duration = Duration::from_secs(2);
const MAX_BYTES: usize = 8 << 20;

/// A connection's wish to be closed slowly.
#[derive(Clone, Default)]
pub(crate) struct Linger(Arc<AtomicBool>);

impl Linger {
    /// The answer that goes out next is the last, and the client may still be sending.
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A stream that, if [`Linger`] asks for it, says that nothing more comes and then reads on for a
/// while before it is closed: the kernel answers bytes that arrive after that with a reset, which
/// takes the last answer from the client that has not read it.
pub(super) struct Lingering<S> {
    stream: S,
    linger: Linger,
    since_shutdown: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S, linger: Linger) -> Self {
        Self { stream, linger, since_shutdown: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let (time, left) = match &mut this.since_shutdown {
            Some(since) => since,
            None => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                if !this.linger.0.load(Ordering::Relaxed) {
                    return Poll::Ready(Ok(()));
                }
                this.since_shutdown.insert((Box::pin(sleep(MAX_TIME)), MAX_BYTES))
            }
        };
        let mut thrown_away = [0; 8192];
        while time.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            if ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer)).is_err() {
                break;
            }
            match left.checked_sub(buffer.filled().len()) {
                Some(rest) if !buffer.filled().is_empty() => *left = rest,
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
