use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::MAX_REPLY;
use super::kept::Kept;

/// The octets of a length, in front of each message.
const LENGTH: usize = 4;
/// Most replies fit in here whole.
const BUFFER: usize = 4096;

/// TCP, with connections that are used again.
#[derive(Default)]
pub(super) struct Tcp {
    kept: Arc<Kept>,
}

/// A connection over which nothing is under way.
pub(super) struct Connection {
    server: SocketAddr,
    stream: TcpStream,
    /// It was kept after a request before this one, since then.
    kept: Option<Instant>,
}

impl Tcp {
    pub(super) async fn ask(&self, server: SocketAddr, message: &[u8]) -> Result<Vec<u8>> {
        let connection = self.connect(server).await?;
        self.ask_over(connection, message).await
    }

    /// A connection that was kept, or a new one.
    pub(super) async fn connect(&self, server: SocketAddr) -> Result<Connection> {
        match self.kept.take(server) {
            Some((stream, since)) => Ok(Connection { server, stream, kept: Some(since) }),
            None => connect(server).await,
        }
    }

    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.kept.count()
    }

    /// The server was silent: what was kept to it may lead nowhere any more.
    pub(super) fn was_silent(&self, server: SocketAddr) {
        self.kept.forget(server);
    }

    /// Sends a message, four octets of length in front, and reads the reply.
    pub(super) async fn ask_over(&self, connection: Connection, message: &[u8]) -> Result<Vec<u8>> {
        let Connection { server, mut stream, kept } = connection;
        match (ask(&mut stream, message).await, kept) {
            (Ok((reply, is_quiet)), _) => {
                if is_quiet {
                    self.kept.keep(server, stream);
                }
                Ok(reply)
            }
            (Err(Failed::BeforeReply(_)), Some(since)) => {
                self.kept.closed(server, since);
                Err(Error::new(ErrorKind::ConnectionAborted, ClosedMeanwhile))
            }
            (Err(Failed::BeforeReply(error) | Failed::Within(error)), _) => Err(error),
        }
    }
}

/// A new connection.
pub(super) async fn connect(server: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(Connection { server, stream, kept: None })
}

enum Failed {
    /// Not an octet came back.
    BeforeReply(Error),
    Within(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Within(error)
    }
}

/// The reply, and whether nothing came after it.
async fn ask(
    stream: &mut TcpStream,
    message: &[u8],
) -> std::result::Result<(Vec<u8>, bool), Failed> {
    let length = u32::try_from(message.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
    let framed = [&length.to_be_bytes(), message].concat();
    stream.write_all(&framed).await.map_err(Failed::BeforeReply)?;
    // Length and reply come together mostly: one system call takes both.
    let mut read = Vec::with_capacity(BUFFER);
    if let Err(error) = read_up_to(stream, &mut read, LENGTH).await {
        let before = read.is_empty();
        return Err(if before { Failed::BeforeReply(error) } else { Failed::Within(error) });
    }
    let length = read.first_chunk().copied().map_or(0, u32::from_be_bytes);
    // The high bit is reserved (RFC 4120 section 7.2.2), so it is too long as well.
    if length > MAX_REPLY {
        let text = format!("the KDC announced a reply of {length} bytes");
        return Err(Error::new(ErrorKind::InvalidData, text).into());
    }
    let end = LENGTH + length as usize;
    read.reserve_exact(end.saturating_sub(read.len()));
    read_up_to(stream, &mut read, end).await?;
    let is_quiet = read.len() == end;
    read.truncate(end);
    read.drain(..LENGTH);
    Ok((read, is_quiet))
}

/// Reads until there are so many octets; what comes with them is read as well, where there is room.
async fn read_up_to(stream: &mut TcpStream, read: &mut Vec<u8>, end: usize) -> Result<()> {
    while read.len() < end {
        if stream.read_buf(read).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Was it a connection kept open that the server had closed, so that this is no failure of it?
pub(crate) fn was_closed_meanwhile(error: &Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<ClosedMeanwhile>())
}

#[derive(Debug)]
struct ClosedMeanwhile;

impl fmt::Display for ClosedMeanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection that was kept open had been closed")
    }
}

impl std::error::Error for ClosedMeanwhile {}
