//! TLS's handshake inside of PRELOGIN packets, as TDS 7 has it (MS-TDS 2.2.6.5): behind it, TLS stands
//! alone. The client's half, in `krb-delegation`'s `wire/inside.rs`, is alike and is not used here: the
//! tests' server is not made of what it tests.

use std::io::{Error, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::packet::{FIRST_SIZE, HEADER, PRELOGIN, wrong};
use super::transcript::Transcript;

pub(super) struct Wrapped<S> {
    inner: S,
    /// The handshake is over.
    bare: Arc<AtomicBool>,
    header: Vec<u8>,
    left: usize,
    out: Vec<u8>,
    sending: Vec<u8>,
    transcript: Transcript,
}

impl<S> Wrapped<S> {
    pub(super) fn new(inner: S, bare: Arc<AtomicBool>, transcript: Transcript) -> Self {
        let (header, out, sending) = (Vec::new(), Vec::new(), Vec::new());
        Self { inner, bare, header, left: 0, out, sending, transcript }
    }

    fn is_bare(&self) -> bool {
        self.bare.load(Ordering::SeqCst)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wrapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        while this.left == 0 && !this.is_bare() {
            let mut bytes = [0; HEADER];
            let mut wanted = ReadBuf::new(&mut bytes[..HEADER - this.header.len()]);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut wanted))?;
            if wanted.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.header.extend_from_slice(wanted.filled());
            let &[kind, status, high, low, _, _, _, _] = &this.header[..] else { continue };
            let length = usize::from(u16::from_be_bytes([high, low]));
            if kind != PRELOGIN || status & !1 != 0 || !(HEADER + 1..=FIRST_SIZE).contains(&length)
            {
                let what = format!("TLS's handshake in a packet {:02x?}", this.header);
                return Poll::Ready(Err(wrong(what)));
            }
            this.header.clear();
            this.left = length - HEADER;
        }
        let before = buffer.filled().len();
        if this.left == 0 {
            ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        } else {
            let mut bytes = vec![0; buffer.remaining().min(this.left)];
            let mut part = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
            this.left -= part.filled().len();
            buffer.put_slice(part.filled());
        }
        this.transcript.hear(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wrapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        if self.is_bare() && self.out.is_empty() && self.sending.is_empty() {
            let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
            self.transcript.hear(&bytes[..sent]);
            return Poll::Ready(Ok(sent));
        }
        self.transcript.hear(bytes);
        self.out.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        for payload in std::mem::take(&mut this.out).chunks(FIRST_SIZE - HEADER) {
            let length = u16::try_from(payload.len() + HEADER).expect("a packet");
            let [high, low] = length.to_be_bytes();
            this.sending.extend_from_slice(&[PRELOGIN, 1, high, low, 0, 0, 1, 0]);
            this.sending.extend_from_slice(payload);
        }
        while !this.sending.is_empty() {
            let sent = ready!(Pin::new(&mut this.inner).poll_write(cx, &this.sending))?;
            if sent == 0 {
                return Poll::Ready(Err(Error::from(std::io::ErrorKind::WriteZero)));
            }
            this.sending.drain(..sent);
        }
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
