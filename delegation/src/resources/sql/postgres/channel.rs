use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;

use bytes::{Buf, BufMut, BytesMut};
use krb_client::Entropy;
use krb_proto::gss::{Initiator, Protection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::network::Stream;

/// A frame of GSS encryption is at most so long, its four octets of length included; no end may make
/// or take longer ones (PostgreSQL manual, "GSSAPI Session Encryption").
const MAX_FRAME: usize = 16_384;
/// What a frame holds of what is sent: the rest is more than any enctype's header, confounder, padding
/// and checksum.
const MAX_SENT: usize = MAX_FRAME - 4 - 124;
/// So much is made room for when something is read.
const CHUNK: usize = 16 << 10;

/// Bytes to and from a server, all of them encrypted.
pub(super) enum Channel {
    /// By TLS.
    Tls(Box<dyn Stream>),
    /// By Wrap tokens of a Kerberos context (RFC 4121 section 4.2.6.2).
    Sealed(Box<Sealed>),
}

/// A stream in whose frames both ends seal what they say.
pub(super) struct Sealed {
    stream: Box<dyn Stream>,
    context: Initiator,
    random: Arc<dyn Entropy>,
    frames: BytesMut,
}

impl Channel {
    /// Reads some bytes. Dropped before it is done, it has lost none.
    pub(super) async fn read(&mut self, into: &mut BytesMut) -> Result<()> {
        match self {
            Self::Tls(stream) => some(stream, into).await,
            Self::Sealed(sealed) => sealed.read(into).await,
        }
    }

    /// Writes all of it.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Self::Sealed(sealed) => sealed.write(bytes).await,
        }
    }
}

/// At least one byte.
async fn some(stream: &mut Box<dyn Stream>, into: &mut BytesMut) -> Result<()> {
    into.reserve(CHUNK);
    match stream.read_buf(into).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

impl Sealed {
    /// With an established context.
    pub(super) fn new(
        stream: Box<dyn Stream>,
        context: Initiator,
        random: Arc<dyn Entropy>,
    ) -> Box<Self> {
        Box::new(Self { stream, context, random, frames: BytesMut::new() })
    }

    async fn read(&mut self, into: &mut BytesMut) -> Result<()> {
        let before = into.len();
        while into.len() == before {
            match self.frame()? {
                Some(token) => self.open(&token, into)?,
                None => some(&mut self.stream, &mut self.frames).await?,
            }
        }
        // What has come already needs no further look at the socket.
        while let Some(token) = self.frame()? {
            self.open(&token, into)?;
        }
        Ok(())
    }

    /// The next token, if it is here whole.
    fn frame(&mut self) -> Result<Option<BytesMut>> {
        let Some(length) = self.frames.first_chunk() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if !(1..=MAX_FRAME - 4).contains(&length) {
            return Err(invalid(format!("a frame of {length} bytes")));
        }
        if self.frames.len() < 4 + length {
            return Ok(None);
        }
        self.frames.advance(4);
        Ok(Some(self.frames.split_to(length)))
    }

    fn open(&mut self, token: &[u8], into: &mut BytesMut) -> Result<()> {
        let context = self.context.context_mut().ok_or_else(|| invalid("no context".into()))?;
        match context.unwrap(token) {
            Ok((message, Protection::Confidentiality)) => into.extend_from_slice(&message),
            Ok((_, Protection::Integrity)) => {
                return Err(invalid("a frame that is not encrypted".into()));
            }
            Err(error) => {
                return Err(invalid(format!("a frame that is not the server's: {error}")));
            }
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut random: &dyn Entropy = &*self.random;
        let context = self.context.context_mut().ok_or_else(|| invalid("no context".into()))?;
        for part in bytes.chunks(MAX_SENT) {
            let token = context.wrap(part, Protection::Confidentiality, &mut random);
            let mut frame = BytesMut::with_capacity(4 + token.len());
            // No token is as long as a frame may be.
            frame.put_u32(u32::try_from(token.len()).unwrap_or(u32::MAX));
            frame.put_slice(&token);
            self.stream.write_all(&frame).await?;
        }
        self.stream.flush().await
    }
}

fn invalid(what: String) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
