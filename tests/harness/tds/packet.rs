//! Packets and messages (MS-TDS 2.2.3).

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(super) const BATCH: u8 = 0x01;
pub(super) const RPC: u8 = 0x03;
pub(super) const RESPONSE: u8 = 0x04;
pub(super) const ATTENTION: u8 = 0x06;
pub(super) const TRANSACTION: u8 = 0x0e;
pub(super) const LOGIN7: u8 = 0x10;
pub(super) const SSPI: u8 = 0x11;
pub(super) const PRELOGIN: u8 = 0x12;

const END: u8 = 0x01;
const RESET: u8 = 0x08;
pub(super) const HEADER: usize = 8;
/// Before LOGIN7 has agreed on another (2.2.3.1).
pub(super) const FIRST_SIZE: usize = 4096;
/// Of a message: a batch of 16 million characters is nobody's.
const MAX_MESSAGE: usize = 32 << 20;

/// What a client did that the protocol does not allow.
#[derive(Debug)]
pub(super) struct Violation(pub(super) String);

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

pub(super) fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, Violation(what.into()))
}

/// A message of the client's.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: u8,
    /// RESETCONNECTION on its first packet.
    pub(super) reset: bool,
    pub(super) body: Vec<u8>,
}

/// The next message; `None` where the connection ends between two.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    size: usize,
) -> Result<Option<Message>> {
    let mut message: Option<(Message, u8)> = None;
    loop {
        let mut header = [0; HEADER];
        match stream.read_exact(&mut header).await {
            Ok(_) => {}
            Err(error) if message.is_none() && error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let [kind, status, high, low, _, _, id, window] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !(HEADER..=size).contains(&length) {
            return Err(wrong(format!("a packet of {length} bytes, where {size} are agreed")));
        }
        if window != 0 {
            return Err(wrong("Window is not 0"));
        }
        let is_first = message.is_none();
        let allowed = if is_first { END | RESET } else { END };
        if status & !allowed != 0 {
            return Err(wrong(format!("status {status:#04x} in packet {id} of a message")));
        }
        if status & RESET != 0 && ![BATCH, RPC, TRANSACTION].contains(&kind) {
            return Err(wrong(format!("RESETCONNECTION on a message of type {kind:#04x}")));
        }
        let is_last = status & END != 0;
        if !is_last && length != size {
            return Err(wrong(format!("{length} bytes in a packet that is not the last one")));
        }
        let (message, last_id) = message.get_or_insert_with(|| {
            let reset = status & RESET != 0;
            (Message { kind, reset, body: Vec::new() }, id.wrapping_sub(1))
        });
        if message.kind != kind {
            return Err(wrong(format!("type {kind:#04x} in a message of {:#04x}", message.kind)));
        }
        if id != last_id.wrapping_add(1) {
            return Err(wrong(format!("packet {id} after {last_id}")));
        }
        *last_id = id;
        let start = message.body.len();
        if start + length > MAX_MESSAGE {
            return Err(wrong("a message without end"));
        }
        message.body.resize(start + length - HEADER, 0);
        stream.read_exact(&mut message.body[start..]).await?;
        if is_last {
            let body = std::mem::take(&mut message.body);
            return Ok(Some(Message { kind: message.kind, reset: message.reset, body }));
        }
    }
}

/// A message to the client that is sent as it is written.
pub(super) struct Writer<W> {
    stream: W,
    size: usize,
    id: u8,
    pending: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(super) fn new(stream: W, size: usize) -> Self {
        Self { stream, size, id: 0, pending: Vec::new() }
    }

    /// More of the message; full packets go out.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        let room = self.size - HEADER;
        if self.pending.len() <= room {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let mut rest = &pending[..];
        while rest.len() > room {
            let (packet, behind) = rest.split_at(room);
            self.packet(packet, 0).await?;
            rest = behind;
        }
        self.pending = rest.to_vec();
        Ok(())
    }

    /// The end of the message.
    pub(super) async fn end(&mut self) -> Result<()> {
        let last = std::mem::take(&mut self.pending);
        self.packet(&last, END).await?;
        self.id = 0;
        self.stream.flush().await
    }

    async fn packet(&mut self, payload: &[u8], status: u8) -> Result<()> {
        self.id = self.id.wrapping_add(1);
        let length = u16::try_from(payload.len() + HEADER).expect("below the size");
        let [high, low] = length.to_be_bytes();
        let mut packet = vec![RESPONSE, status, high, low, 0, 51, self.id, 0];
        packet.extend_from_slice(payload);
        self.stream.write_all(&packet).await
    }
}
