//! Heimdal's KCM protocol, as MIT's library speaks it to sssd-kcm and to Heimdal's daemon: one
//! connection, on which a request follows the reply to the one before.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::super::entries::MAX_ENTRIES;
use crate::cache_error::CacheError;

/// The daemon answers at once, or not at all. All that is asked over one connection takes no longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// No reply is longer, as in MIT's library.
const MAX_REPLY: usize = 10 << 20;
/// Version 2.0.
const VERSION: [u8; 2] = [2, 0];

/// There is no such cache (KRB5_FCC_NOFILE).
pub(super) const NO_FILE: i32 = -1_765_328_189;
/// There are no more, or it is gone (KRB5_CC_END).
pub(super) const END: i32 = -1_765_328_242;

/// What the daemon is asked for: its number, and what it is called.
#[derive(Clone, Copy)]
pub(super) struct Operation(u16, &'static str);

impl Operation {
    pub(super) const GEN_NEW: Self = Self(3, "GEN_NEW");
    pub(super) const INITIALIZE: Self = Self(4, "INITIALIZE");
    pub(super) const DESTROY: Self = Self(5, "DESTROY");
    pub(super) const STORE: Self = Self(6, "STORE");
    pub(super) const GET_PRINCIPAL: Self = Self(8, "GET_PRINCIPAL");
    pub(super) const GET_CRED_UUID_LIST: Self = Self(9, "GET_CRED_UUID_LIST");
    pub(super) const GET_CRED_BY_UUID: Self = Self(10, "GET_CRED_BY_UUID");
    pub(super) const GET_CACHE_UUID_LIST: Self = Self(18, "GET_CACHE_UUID_LIST");
    pub(super) const GET_CACHE_BY_UUID: Self = Self(19, "GET_CACHE_BY_UUID");
    pub(super) const GET_DEFAULT_CACHE: Self = Self(20, "GET_DEFAULT_CACHE");
    pub(super) const SET_DEFAULT_CACHE: Self = Self(21, "SET_DEFAULT_CACHE");
    pub(super) const GET_KDC_OFFSET: Self = Self(22, "GET_KDC_OFFSET");
    pub(super) const SET_KDC_OFFSET: Self = Self(23, "SET_KDC_OFFSET");
    /// MIT's own; Heimdal's daemon and older ones of sssd do not know them.
    pub(super) const GET_CRED_LIST: Self = Self(13001, "GET_CRED_LIST");
    pub(super) const REPLACE: Self = Self(13002, "REPLACE");
}

/// Why a request came to nothing.
pub(super) enum Refused {
    /// The daemon's code.
    Code(Operation, i32),
    /// Nobody listens.
    NoDaemon(Error),
    /// The connection, or what came over it.
    Connection(Error),
    /// More entries than a cache may hold.
    TooMany,
}

impl Refused {
    /// Did the daemon say that what was named is not there?
    pub(super) const fn is_not_there(&self) -> bool {
        matches!(self, Self::Code(_, NO_FILE | END))
    }

    /// As an error about a cache of that name.
    pub(super) fn about(self, cache: &str, socket: &Path) -> CacheError {
        let cache = cache.to_owned();
        match self {
            Self::Code(_, NO_FILE | END) => CacheError::NotFound { cache },
            Self::Code(Operation(_, operation), code) => {
                CacheError::Daemon { cache, operation, code }
            }
            Self::NoDaemon(error) => CacheError::NoDaemon {
                cache,
                socket: socket.display().to_string(),
                error: Arc::new(error),
            },
            Self::Connection(error) => CacheError::Io { cache, error: Arc::new(error) },
            Self::TooMany => CacheError::Full { cache, limit: MAX_ENTRIES },
        }
    }
}

/// A connection to the daemon, for so long.
pub(super) struct Connection {
    stream: UnixStream,
    until: Instant,
}

impl Connection {
    pub(super) fn open(socket: &Path) -> Result<Self, Refused> {
        Self::until(socket, Instant::now() + PATIENCE)
    }

    pub(super) fn until(socket: &Path, until: Instant) -> Result<Self, Refused> {
        let stream = connect(socket, until).map_err(Refused::NoDaemon)?;
        Ok(Self { stream, until })
    }

    /// Asks for an operation, of the cache of a name if one is meant, with these arguments.
    pub(super) fn ask(
        &mut self,
        operation: Operation,
        name: Option<&str>,
        arguments: &[&[u8]],
    ) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let name = name.map(|name| [name.as_bytes(), &[0]].concat()).unwrap_or_default();
        let length = 4 + name.len() + arguments.iter().map(|part| part.len()).sum::<usize>();
        let mut request = Zeroizing::new(Vec::with_capacity(4 + length));
        request.extend_from_slice(&(length as u32).to_be_bytes());
        request.extend_from_slice(&VERSION);
        request.extend_from_slice(&operation.0.to_be_bytes());
        request.extend_from_slice(&name);
        arguments.iter().for_each(|part| request.extend_from_slice(part));
        let reply = self.exchange(&request).map_err(Refused::Connection)?;
        match reply {
            Ok(reply) => Ok(reply),
            Err(code) => Err(Refused::Code(operation, code)),
        }
    }

    /// The reply, or the code of a refusal. That stands in front of the reply, or instead of it.
    fn exchange(&mut self, request: &[u8]) -> io::Result<Result<Zeroizing<Vec<u8>>, i32>> {
        self.write_all(request)?;
        let mut head = [0; 8];
        self.read_exact(&mut head)?;
        let [a, b, c, d, code @ ..] = head;
        let (length, code) = (u32::from_be_bytes([a, b, c, d]) as usize, i32::from_be_bytes(code));
        if code != 0 {
            return Ok(Err(code));
        }
        if length > MAX_REPLY {
            let text = format!("the KCM daemon's reply is longer than {MAX_REPLY} bytes");
            return Err(Error::new(ErrorKind::InvalidData, text));
        }
        let mut reply = Zeroizing::new(vec![0; length]);
        self.read_exact(&mut reply)?;
        match reply.split_first_chunk() {
            None => Err(malformed()),
            Some((code, rest)) => match i32::from_be_bytes(*code) {
                0 => Ok(Ok(Zeroizing::new(rest.to_vec()))),
                code => Ok(Err(code)),
            },
        }
    }
}

/// Up to its end, however little comes each time.
impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        self.stream.read(into).map_err(or_late)
    }
}

impl Write for Connection {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.until)?))?;
        self.stream.write(octets).map_err(or_late)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A daemon that stands still takes no connections once its queue is full, and the kernel waits for
/// one as long as a socket may take to write.
fn connect(socket: &Path, until: Instant) -> io::Result<UnixStream> {
    let address = SockAddr::unix(socket)?;
    let connection = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    loop {
        connection.set_write_timeout(Some(left(until)?))?;
        match connection.connect(&address) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome.map(|()| connection.into()).map_err(or_late),
        }
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(late()) } else { Ok(left) }
}

fn or_late(error: Error) -> Error {
    if error.kind() == ErrorKind::WouldBlock { late() } else { error }
}

fn late() -> Error {
    Error::new(ErrorKind::TimedOut, "the KCM daemon does not answer in time")
}

pub(super) fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "the KCM daemon's reply makes no sense")
}
