//! TLS's handshake inside of PRELOGIN packets (MS-TDS 2.2.6.5), after which TLS stands alone.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::channel::{FIRST_SIZE, HEADER, PRELOGIN};
use crate::network::Stream;

/// A connection below TLS.
pub(in super::super) struct Inside {
    stream: Box<dyn Stream>,
    /// The handshake is over: packets are inside of TLS, and no more the other way round.
    is_over: bool,
    header: Vec<u8>,
    /// Of a packet that is being read.
    left: usize,
    waiting: Vec<u8>,
    packets: Vec<u8>,
}

impl Inside {
    pub(in super::super) fn new(stream: Box<dyn Stream>) -> Self {
        let (header, waiting, packets) = (Vec::new(), Vec::new(), Vec::new());
        Self { stream, is_over: false, header, left: 0, waiting, packets }
    }

    /// The handshake is over.
    pub(in super::super) fn over(&mut self) {
        self.is_over = true;
    }
}

impl AsyncRead for Inside {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        if this.is_over && this.left == 0 {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        while this.left == 0 {
            let mut bytes = [0; HEADER];
            let mut wanted = ReadBuf::new(&mut bytes[..HEADER - this.header.len()]);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut wanted))?;
            if wanted.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.header.extend_from_slice(wanted.filled());
            let &[kind, _, high, low, _, _, _, _] = &this.header[..] else { continue };
            let length = usize::from(u16::from_be_bytes([high, low]));
            // SQL Server's are of the type of answers, too.
            if ![PRELOGIN, 0x04].contains(&kind) || length < HEADER {
                let what = "its part of TLS's handshake is not in packets";
                return Poll::Ready(Err(Error::new(ErrorKind::InvalidData, what)));
            }
            this.header.clear();
            this.left = length - HEADER;
        }
        let mut part = buffer.take(this.left);
        let before = part.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
        let read = part.filled().len() - before;
        let bytes = part.filled().to_vec();
        this.left -= read;
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Inside {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        if self.is_over && self.waiting.is_empty() && self.packets.is_empty() {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        // A handshake is short, and each of its parts is flushed.
        self.waiting.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        let waiting = std::mem::take(&mut this.waiting);
        let parts = waiting.chunks(FIRST_SIZE - HEADER);
        let count = parts.len();
        for (number, part) in parts.enumerate() {
            let length = u16::try_from(part.len() + HEADER).unwrap_or(u16::MAX).to_be_bytes();
            let end = u8::from(number + 1 == count);
            let id = ((number + 1) % 256) as u8;
            this.packets.extend_from_slice(&[PRELOGIN, end, length[0], length[1], 0, 0, id, 0]);
            this.packets.extend_from_slice(part);
        }
        while !this.packets.is_empty() {
            let sent = ready!(Pin::new(&mut this.stream).poll_write(cx, &this.packets))?;
            if sent == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            this.packets.drain(..sent);
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
