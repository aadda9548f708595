use std::io::{Error, ErrorKind, Result};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::FutureExt as _;

use super::channel::Channel;

/// So much is looked through for what has come.
const MAX_AHEAD: usize = 64 << 10;

/// Messages of PostgreSQL's protocol 3.0, over an encrypted channel. What is sent is gathered, so that
/// what needs no answer in between takes one round.
pub(super) struct Wire {
    channel: Channel,
    incoming: BytesMut,
    outgoing: BytesMut,
}

/// What a server said.
pub(super) struct Message {
    pub(super) tag: u8,
    pub(super) body: Bytes,
}

impl Wire {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, incoming: BytesMut::new(), outgoing: BytesMut::new() }
    }

    /// Gathers a message.
    pub(super) fn put(&mut self, tag: u8, write: impl FnOnce(&mut BytesMut)) {
        self.outgoing.put_u8(tag);
        self.put_untagged(write);
    }

    /// Gathers one of those that have no tag: a session's first.
    pub(super) fn put_untagged(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let start = self.outgoing.len();
        self.outgoing.put_u32(0);
        write(&mut self.outgoing);
        // Statements and values of calls are far from 4 GB.
        let length = u32::try_from(self.outgoing.len() - start).unwrap_or(u32::MAX);
        if let Some(place) = self.outgoing.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// Sends what was gathered.
    pub(super) async fn send(&mut self) -> Result<()> {
        self.channel.write(&self.outgoing).await?;
        self.outgoing.clear();
        Ok(())
    }

    /// The tag and the length of the next message's body, which stays where it is.
    pub(super) async fn peek(&mut self) -> Result<(u8, usize)> {
        loop {
            if let Some([tag, a, b, c, d]) = self.incoming.first_chunk().copied() {
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                let length = length.checked_sub(4);
                return length.map(|length| (tag, length)).ok_or_else(|| wrong("a length below 4"));
            }
            self.channel.read(&mut self.incoming).await?;
        }
    }

    /// Whether so many messages with this tag have come. It waits for nothing.
    pub(super) fn has(&mut self, tag: u8, count: usize) -> bool {
        loop {
            if self.count(tag) >= count {
                return true;
            }
            let is_much = self.incoming.len() > MAX_AHEAD;
            // What is wrong with it, whoever waits for it finds out.
            if is_much
                || !matches!(self.channel.read(&mut self.incoming).now_or_never(), Some(Ok(())))
            {
                return false;
            }
        }
    }

    fn count(&self, tag: u8) -> usize {
        let (mut rest, mut count) = (&self.incoming[..], 0);
        while let Some([one, a, b, c, d]) = rest.first_chunk().copied() {
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            let Some(next) = rest.get(length.saturating_add(1)..) else { break };
            count += usize::from(one == tag);
            rest = next;
        }
        count
    }

    /// The next message, with a body of so many bytes at most.
    pub(super) async fn receive(&mut self, most: usize) -> Result<Message> {
        let (tag, length) = self.peek().await?;
        if length > most {
            return Err(wrong("a message that is too long"));
        }
        while self.incoming.len() < 5 + length {
            self.channel.read(&mut self.incoming).await?;
        }
        self.incoming.advance(5);
        Ok(Message { tag, body: self.incoming.split_to(length).freeze() })
    }

    /// Passes over the next message, however long it is, without keeping it.
    pub(super) async fn skip(&mut self) -> Result<()> {
        let (_, length) = self.peek().await?;
        let mut left = 5 + length;
        loop {
            let here = left.min(self.incoming.len());
            self.incoming.advance(here);
            left -= here;
            if left == 0 {
                return Ok(());
            }
            self.channel.read(&mut self.incoming).await?;
        }
    }
}

#[cfg(test)]
impl Wire {
    /// So much it has taken for what comes in.
    pub(super) fn room(&self) -> usize {
        self.incoming.capacity()
    }
}

/// What a server said is not what the protocol has.
pub(super) fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// Text as it stands in messages. None of ours has a NUL.
pub(super) fn put_text(out: &mut BytesMut, text: &str) {
    out.put_slice(text.as_bytes());
    out.put_u8(0);
}

/// Takes a message's body apart.
pub(super) struct Body(pub(super) Bytes);

impl Body {
    pub(super) fn u8(&mut self) -> Result<u8> {
        self.0.try_get_u8().map_err(|_| wrong("a message that is too short"))
    }

    pub(super) fn i16(&mut self) -> Result<i16> {
        self.0.try_get_i16().map_err(|_| wrong("a message that is too short"))
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        self.0.try_get_i32().map_err(|_| wrong("a message that is too short"))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.0.try_get_u32().map_err(|_| wrong("a message that is too short"))
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Result<Bytes> {
        if self.0.len() < length {
            return Err(wrong("a message that is too short"));
        }
        Ok(self.0.split_to(length))
    }

    /// Bytes up to a NUL.
    pub(super) fn text(&mut self) -> Result<String> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let text = self.bytes(end.ok_or_else(|| wrong("a text without an end"))?)?;
        self.0.advance(1);
        String::from_utf8(text.into()).map_err(|_| wrong("a text that is not UTF-8"))
    }

    /// A value of a row; `None` is NULL.
    pub(super) fn value(&mut self) -> Result<Option<Bytes>> {
        match usize::try_from(self.i32()?) {
            Ok(length) => self.bytes(length).map(Some),
            Err(_) => Ok(None),
        }
    }
}
