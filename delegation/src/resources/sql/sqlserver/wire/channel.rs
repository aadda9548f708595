//! Packets and messages (MS-TDS 2.2.3) over a connection.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroize;

use super::cursor::{Cursor, Unread};
use crate::network::Stream;

/// Types of messages.
pub(in super::super) const BATCH: u8 = 0x01;
pub(in super::super) const CALL: u8 = 0x03;
const RESPONSE: u8 = 0x04;
const ATTENTION: u8 = 0x06;
pub(in super::super) const LOGIN7: u8 = 0x10;
pub(in super::super) const SSPI: u8 = 0x11;
pub(in super::super) const PRELOGIN: u8 = 0x12;

const END: u8 = 0x01;
const RESET: u8 = 0x08;
pub(super) const HEADER: usize = 8;
/// Until a login has agreed on another (2.2.3.1).
pub(super) const FIRST_SIZE: usize = 4096;
const MAX_SIZE: usize = 32_767;
/// Of a message of a login.
const MAX_MESSAGE: usize = 1 << 20;
/// Of what is read and thrown away when something is cancelled: what was on its way.
const MAX_DROPPED: usize = 64 << 20;
/// DONE (2.2.7.6), with which every answer ends.
const DONE_LENGTH: usize = 13;
const DONE: u8 = 0xfd;
const DONE_ATTENTION: u8 = 0x20;

/// The connection is of no more use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Lost {
    /// It broke.
    Broken(String),
    /// The server does not speak as MS-TDS says.
    Wrong(&'static str),
}

impl From<std::io::Error> for Lost {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(why) => f.write_str(why),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// What the next bytes of an answer are.
pub(in super::super) enum Next<T> {
    Read(T),
    /// The answer is complete.
    End,
    /// More bytes than wanted, and it is not all of it.
    Long,
}

/// A connection to a server, in whose answers tokens are read one after the other.
pub(in super::super) struct Channel {
    stream: Box<dyn Stream>,
    size: usize,
    /// Of the message that is being read: what of it is there, and how much of that is read.
    there: Vec<u8>,
    at: usize,
    /// Its last packet is there.
    is_whole: bool,
}

impl Channel {
    pub(in super::super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, size: FIRST_SIZE, there: Vec::new(), at: 0, is_whole: true }
    }

    pub(in super::super) fn into_stream(self) -> Box<dyn Stream> {
        self.stream
    }

    /// Packets of this size from now on.
    pub(in super::super) fn set_size(&mut self, size: usize) -> Result<(), Lost> {
        if !(512..=MAX_SIZE).contains(&size) {
            return Err(Lost::Wrong("it agrees on an impossible packet size"));
        }
        self.size = size;
        Ok(())
    }

    /// Sends a message; `reset`: as a session that is new (RESETCONNECTION).
    pub(in super::super) async fn send(
        &mut self,
        kind: u8,
        body: &[u8],
        reset: bool,
    ) -> Result<(), Lost> {
        (self.at, self.is_whole) = (0, false);
        self.there.clear();
        let room = self.size - HEADER;
        let count = body.len().div_ceil(room).max(1);
        let mut packets = Vec::with_capacity(body.len() + count * HEADER);
        for number in 0..count {
            let part = body.get(number * room..).unwrap_or_default();
            let part = part.get(..room).unwrap_or(part);
            let end = if number + 1 == count { END } else { 0 };
            let status = end | if reset && number == 0 { RESET } else { 0 };
            let length = u16::try_from(part.len() + HEADER).unwrap_or(u16::MAX).to_be_bytes();
            // PacketID counts from 1, modulo 256.
            let id = ((number + 1) % 256) as u8;
            packets.extend_from_slice(&[kind, status, length[0], length[1], 0, 0, id, 0]);
            packets.extend_from_slice(part);
        }
        let sent = async {
            self.stream.write_all(&packets).await?;
            self.stream.flush().await
        };
        let sent = sent.await;
        if kind == LOGIN7 {
            packets.zeroize();
        }
        Ok(sent?)
    }

    /// One more packet of the answer.
    async fn packet(&mut self) -> Result<(), Lost> {
        let mut header = [0; HEADER];
        self.stream.read_exact(&mut header).await?;
        let [kind, status, high, low, ..] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        // A size that was agreed on may hold from this very message on.
        if kind != RESPONSE || !(HEADER..=MAX_SIZE).contains(&length) {
            return Err(Lost::Wrong("something else than a packet of an answer came"));
        }
        if self.at > 0 {
            self.there.drain(..self.at);
            self.at = 0;
        }
        let start = self.there.len();
        self.there.resize(start + length - HEADER, 0);
        self.stream.read_exact(&mut self.there[start..]).await?;
        self.is_whole = status & END != 0;
        Ok(())
    }

    /// A whole message, of a login.
    pub(in super::super) async fn message(&mut self) -> Result<Vec<u8>, Lost> {
        (self.at, self.is_whole) = (0, false);
        self.there.clear();
        while !self.is_whole {
            self.packet().await?;
            if self.there.len() > MAX_MESSAGE {
                return Err(Lost::Wrong("its answer to the login is too long"));
            }
        }
        Ok(std::mem::take(&mut self.there))
    }

    /// The next of an answer; of something longer than `most` bytes not even what is there.
    pub(in super::super) async fn next<T>(
        &mut self,
        most: usize,
        mut read: impl FnMut(&mut Cursor<'_>) -> Result<T, Unread>,
    ) -> Result<Next<T>, Lost> {
        loop {
            let rest = &self.there[self.at..];
            if !rest.is_empty() {
                let mut cursor = Cursor::new(rest);
                match read(&mut cursor) {
                    Ok(found) => {
                        self.at += rest.len() - cursor.left();
                        return Ok(Next::Read(found));
                    }
                    Err(Unread::Wrong(what)) => return Err(Lost::Wrong(what)),
                    Err(Unread::Short) if self.is_whole => {
                        return Err(Lost::Wrong("its answer ends in the middle of something"));
                    }
                    Err(Unread::Short) if rest.len() > most => return Ok(Next::Long),
                    Err(Unread::Short) => {}
                }
            } else if self.is_whole {
                return Ok(Next::End);
            }
            self.packet().await?;
        }
    }

    /// Has the server stop what it is at, and waits for it to say that it did (2.2.1.7): in the answer
    /// that it broke off, or in one of its own behind that.
    pub(in super::super) async fn cancel(&mut self) -> Result<(), Lost> {
        self.stream.write_all(&[ATTENTION, END, 0, 8, 0, 0, 1, 0]).await?;
        self.stream.flush().await?;
        let mut dropped = 0;
        loop {
            while !self.is_whole {
                // What an answer ends with is all that is of interest.
                let keep = self.there.len().saturating_sub(DONE_LENGTH);
                self.at = self.at.max(keep);
                self.packet().await?;
                dropped += self.there.len();
                if dropped > MAX_DROPPED {
                    return Err(Lost::Wrong("it goes on although it was told to stop"));
                }
            }
            let end = self.there.len().checked_sub(DONE_LENGTH).map(|start| &self.there[start..]);
            let is_acknowledged =
                matches!(end, Some([DONE, status, ..]) if status & DONE_ATTENTION != 0);
            (self.at, self.is_whole) = (0, is_acknowledged);
            self.there.clear();
            if is_acknowledged {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn packet(payload: &[u8], end: bool) -> Vec<u8> {
        let length = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
        [&[4, u8::from(end), length[0], length[1], 0, 0, 1, 0], payload].concat()
    }

    fn done(status: u8) -> Vec<u8> {
        [&[0xfd, status][..], &[0; 11]].concat()
    }

    #[tokio::test]
    async fn what_is_cancelled_is_acknowledged_in_the_answer_or_behind_it() {
        for answer in [
            packet(&[vec![1; 100], done(0x20)].concat(), true),
            [packet(&[1; 100], false), packet(&done(2), true), packet(&done(0x20), true)].concat(),
            [
                packet(&[&[1; 100][..], &done(0x22)[..5]].concat(), false),
                packet(&done(0x22)[5..], true),
            ]
            .concat(),
        ] {
            let (ours, mut theirs) = duplex(4096);
            let mut channel = Channel::new(Box::new(ours));
            channel.send(BATCH, b"", false).await.unwrap();
            theirs.write_all(&answer).await.unwrap();
            channel.cancel().await.unwrap();
            let mut sent = [0; 16];
            theirs.read_exact(&mut sent).await.unwrap();
            assert_eq!(sent[8..], [6, 1, 0, 8, 0, 0, 1, 0]);
            assert!(matches!(channel.next(0, |_| Ok(())).await, Ok(Next::End)));
        }
    }

    #[tokio::test]
    async fn a_message_is_cut_into_packets_of_the_size_agreed_on() {
        let (ours, mut theirs) = duplex(1 << 20);
        let mut channel = Channel::new(Box::new(ours));
        channel.set_size(512).unwrap();
        assert!(channel.set_size(511).is_err() && channel.set_size(32_768).is_err());
        for (length, packets) in [(0, 1), (504, 1), (505, 2), (1008, 2), (504 * 300, 300)] {
            channel.send(BATCH, &vec![7; length], true).await.unwrap();
            for number in 0..packets {
                let mut header = [0; 8];
                theirs.read_exact(&mut header).await.unwrap();
                let last = number + 1 == packets;
                assert_eq!(header[1], u8::from(last) | if number == 0 { 8 } else { 0 });
                assert_eq!(header[6], ((number + 1) % 256) as u8);
                let size = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
                assert_eq!(size, if last { length - 504 * number } else { 504 });
                theirs.read_exact(&mut vec![0; size]).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn what_ends_in_the_middle_or_is_no_answer_is_an_error() {
        for (answer, expected) in [
            (packet(&[1], true), "in the middle"),
            (vec![1, 1, 0, 9, 0, 0, 0, 0, 0], "something else"),
            (vec![4, 1, 0, 7, 0, 0, 0, 0, 0], "something else"),
        ] {
            let (ours, mut theirs) = duplex(4096);
            let mut channel = Channel::new(Box::new(ours));
            channel.send(BATCH, b"", false).await.unwrap();
            theirs.write_all(&answer).await.unwrap();
            let error = channel.next(100, |cursor| cursor.u16()).await.err().unwrap();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
