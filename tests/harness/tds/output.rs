//! An answer while it is made: whoever makes it learns that the client wants it no more.

use std::io::Result as IoResult;
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

use super::packet::{self, Message, Writer, wrong};
use super::token;

/// Why an answer ends early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client's attention.
    Attention,
    /// The connection is no more, or the client broke the protocol.
    Broken(std::io::Error),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error)
    }
}

pub(super) type Inbox = Receiver<IoResult<Message>>;

pub(super) struct Output<W> {
    pub(super) writer: Writer<W>,
    pub(super) inbox: Inbox,
    /// The last DONE, until it is known whether more comes.
    pending: Option<(u8, u16, u64)>,
    rows: u32,
    /// A server that is deaf to attention, as one that is stuck in something long is.
    pub(super) is_deaf: bool,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    pub(super) fn new(writer: Writer<W>, inbox: Inbox) -> Self {
        Self { writer, inbox, pending: None, rows: 0, is_deaf: false }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.settle(token::MORE).await?;
        self.writer.write(bytes).await?;
        Ok(())
    }

    pub(super) async fn row(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.rows += 1;
        if self.rows.is_multiple_of(64) {
            tokio::task::yield_now().await;
            self.look()?;
        }
        self.send(bytes).await
    }

    fn look(&mut self) -> Result<(), Stop> {
        match self.inbox.try_recv() {
            Err(TryRecvError::Empty) => Ok(()),
            Err(TryRecvError::Disconnected) => Err(Stop::Broken(wrong("it left amid an answer"))),
            Ok(message) => self.interrupted(Some(message)),
        }
    }

    fn interrupted(&mut self, message: Option<IoResult<Message>>) -> Result<(), Stop> {
        match message {
            None => Err(Stop::Broken(std::io::ErrorKind::UnexpectedEof.into())),
            Some(Err(error)) => Err(Stop::Broken(error)),
            Some(Ok(message)) if message.kind == packet::ATTENTION => {
                if !message.body.is_empty() {
                    return Err(Stop::Broken(wrong("an attention that has content")));
                }
                if self.is_deaf { Ok(()) } else { Err(Stop::Attention) }
            }
            Some(Ok(message)) => {
                let what = format!("a message of type {:#04x} before the answer", message.kind);
                Err(Stop::Broken(wrong(what)))
            }
        }
    }

    /// Waits, unless the client wants that no more.
    pub(super) async fn wait(&mut self, time: Duration) -> Result<(), Stop> {
        let until = tokio::time::Instant::now() + time;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Ok(()),
                message = self.inbox.recv() => self.interrupted(message)?,
            }
        }
    }

    pub(super) async fn done(&mut self, token: u8, status: u16, count: u64) -> Result<(), Stop> {
        self.settle(token::MORE).await?;
        self.pending = Some((token, status, count));
        Ok(())
    }

    async fn settle(&mut self, more: u16) -> Result<(), Stop> {
        if let Some((token, status, count)) = self.pending.take() {
            self.writer.write(&token::done(token, status | more, count)).await?;
        }
        Ok(())
    }

    /// Forgets a DONE that is due: an answer that is broken off has another end.
    pub(super) fn forget(&mut self) {
        self.pending = None;
    }

    pub(super) fn is_done(&self) -> bool {
        self.pending.is_some()
    }

    pub(super) async fn end(&mut self) -> Result<(), Stop> {
        self.settle(0).await?;
        self.writer.end().await?;
        Ok(())
    }
}
