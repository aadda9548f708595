//! One request to one server over TCP, UDP or HTTPS (RFC 4120 section 7.2, MS-KKDCP).

#[cfg(feature = "reqwest")]
mod by_reqwest;
mod https;
mod kept;
mod tcp;

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use krb_proto::asn1::KrbError;
use krb_proto::iana::ErrorCode;
use krb_proto::kpasswd;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

#[cfg(feature = "reqwest")]
pub use by_reqwest::ReqwestHttps;
pub use https::{Https, Posting};
pub(crate) use tcp::was_closed_meanwhile;

use crate::Endpoint;
use crate::kdc::any_port;
use crate::together::Together;
use tcp::Tcp;

/// The longest reply that is read. Tickets with a PAC of hundreds of groups are some 60 KB.
pub(crate) const MAX_REPLY: u32 = 1 << 20;
/// The longest request that is sent as a datagram at all, as MIT's library has it.
const MAX_DATAGRAM: usize = 32_700;
/// A connection for a change of a password comes about within so long, time for a lost packet
/// included, or another server is asked.
const CONNECTING: Duration = Duration::from_secs(2);

/// A message on its way, and the reply. The error is this server's failure; others may be asked.
pub type Carrying<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send + 'a>>;

/// What carries a message to a server and brings the reply. [`Transport`] is the one that has
/// sockets.
pub trait Carry: Send + Sync {
    /// Sends a message, as the exchange made it, and waits for the reply, until then. Dropped, it
    /// leaves nothing behind.
    ///
    /// A change of a password ([`kpasswd::is_request`]) is sent once. If nothing of it can have been
    /// read, and only then, the error is a [`ConnectionRefused`](ErrorKind::ConnectionRefused),
    /// [`HostUnreachable`](ErrorKind::HostUnreachable),
    /// [`NetworkUnreachable`](ErrorKind::NetworkUnreachable),
    /// [`AddrNotAvailable`](ErrorKind::AddrNotAvailable) or [`Unsupported`](ErrorKind::Unsupported):
    /// the change is then asked of another server.
    fn carry(&self, to: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_>;
}

/// Carries messages over sockets. TCP connections that a KDC leaves open after its reply are used
/// again, within ten seconds; a few are kept.
#[derive(Default)]
pub struct Transport {
    tcp: Tcp,
    udp: Option<usize>,
    https: Option<Arc<dyn Https>>,
}

impl Transport {
    /// TCP alone. The default: AS and S4U replies of AD fit no datagram.
    #[must_use]
    pub fn tcp() -> Self {
        Self::default()
    }

    /// UDP for messages up to so many bytes, and TCP for longer ones (`udp_preference_limit`; MIT's
    /// default is 1465, and 1 means TCP first). Where one of them leads nowhere the other is taken,
    /// and TCP always when the server says that its answer does not fit: that is the reply only where
    /// there is no TCP.
    #[must_use]
    pub fn udp_up_to(bytes: u32) -> Self {
        let udp = Some(usize::try_from(bytes).unwrap_or(MAX_DATAGRAM).min(MAX_DATAGRAM));
        Self { udp, ..Self::default() }
    }

    /// With KDC proxies (MS-KKDCP), which are spoken to through this.
    #[must_use]
    pub fn with_https(self, https: Arc<dyn Https>) -> Self {
        Self { https: Some(https), ..self }
    }

    async fn to(&self, to: &Endpoint, message: &[u8], half: Instant) -> Result<Vec<u8>> {
        let is_change = kpasswd::is_request(message);
        match (to, self.udp) {
            (Endpoint::Direct(server) | Endpoint::Tcp(server), _) if is_change => {
                let or_udp = matches!(to, Endpoint::Direct(_)) && self.udp.is_some();
                self.change_password(*server, message, half, or_udp).await
            }
            (Endpoint::Udp(server), Some(_)) if is_change => udp(*server, message, None).await,
            (Endpoint::Direct(server), Some(limit)) if message.len() <= limit => {
                self.udp_first(*server, message, half).await
            }
            (Endpoint::Direct(server), Some(_)) => self.tcp_first(*server, message, half).await,
            (Endpoint::Direct(server) | Endpoint::Tcp(server), _) => {
                self.tcp.ask(*server, message).await
            }
            (Endpoint::Udp(server), Some(_)) => udp(*server, message, Some(half)).await,
            (Endpoint::Udp(_), None) => {
                let text = "it is listed for UDP only, and UDP is not used here";
                Err(Error::new(ErrorKind::Unsupported, text))
            }
            (Endpoint::Proxy(proxy), _) => https::ask(self.https.as_deref(), proxy, message).await,
        }
    }

    /// A change of a password, which nobody says is harmless if it is heard twice: over a connection
    /// of its own; by one datagram if the server takes no connections. A server that is silent while
    /// connecting was sent nothing.
    async fn change_password(
        &self,
        server: SocketAddr,
        message: &[u8],
        half: Instant,
        or_udp: bool,
    ) -> Result<Vec<u8>> {
        let patience = half.min(Instant::now() + CONNECTING);
        match timeout_at(patience, tcp::connect(server)).await {
            Ok(Ok(connection)) => self.tcp.ask_over(connection, message).await.map_err(as_sent),
            Ok(Err(_)) if or_udp && message.len() <= MAX_DATAGRAM => {
                udp(server, message, None).await
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::new(ErrorKind::HostUnreachable, "no connection in time")),
        }
    }

    /// A server that is silent for half of the time is asked over TCP as well: datagrams may not
    /// reach it, or it may not read them.
    async fn udp_first(
        &self,
        server: SocketAddr,
        message: &[u8],
        half: Instant,
    ) -> Result<Vec<u8>> {
        let mut ways = Together::default();
        ways.start(udp(server, message, Some(half)));
        match timeout_at(half, ways.next()).await {
            Ok(Ok(reply)) if !is_too_big(&reply) => return Ok(reply),
            Ok(_) => return self.tcp.ask(server, message).await,
            Err(_) => ways.start(self.tcp.ask(server, message)),
        }
        either(ways).await
    }

    /// Where no connection is to be had, UDP is tried. One that is not there after half of the time
    /// is waited for beside the datagram: a server under load takes it later, and its answer may fit
    /// no datagram.
    async fn tcp_first(
        &self,
        server: SocketAddr,
        message: &[u8],
        half: Instant,
    ) -> Result<Vec<u8>> {
        let began = Instant::now();
        let mut connecting = Box::pin(self.tcp.connect(server));
        let connected = timeout_at(half, &mut connecting).await;
        let fits = message.len() <= MAX_DATAGRAM;
        match connected {
            Ok(Ok(connection)) => self.tcp.ask_over(connection, message).await,
            Ok(Err(_)) if fits => udp(server, message, Some(half)).await,
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let mut ways = Together::default();
                ways.start(async { self.tcp.ask_over(connecting.await?, message).await });
                if !fits {
                    return ways.next().await;
                }
                ways.start(udp(server, message, Some(half + (half - began) / 2)));
                either(ways).await
            }
        }
    }
}

impl Carry for Transport {
    fn carry(&self, to: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        let half = Instant::now() + until.saturating_duration_since(Instant::now()) / 2;
        Box::pin(async move {
            let carried = self.to(&to, &message, half);
            if let Ok(carried) = timeout_at(until, carried).await {
                return carried;
            }
            if let Some(server) = to.address() {
                self.tcp.was_silent(server);
            }
            Err(Error::new(ErrorKind::TimedOut, "no answer in time"))
        })
    }
}

/// What the first of two ways brings, or the other one if that is nothing.
async fn either(mut ways: Together<'_, Result<Vec<u8>>>) -> Result<Vec<u8>> {
    match ways.next().await {
        Ok(reply) if !is_too_big(&reply) => Ok(reply),
        _ => ways.next().await,
    }
}

/// Was nothing of a change of a password read ([`Carry::carry`])?
pub(crate) const fn is_unread(error: ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::Unsupported
    )
}

/// The network's word about a message that was sent says nothing of whether it arrived before.
fn as_sent(error: Error) -> Error {
    if is_unread(error.kind()) { Error::new(ErrorKind::ConnectionReset, error) } else { error }
}

fn is_too_big(reply: &[u8]) -> bool {
    matches!(error_and_time(reply), Some((ErrorCode::RESPONSE_TOO_BIG, _)))
}

/// Code and server time, if the reply is a KRB-ERROR.
pub(crate) fn error_and_time(reply: &[u8]) -> Option<(ErrorCode, i64)> {
    let error: KrbError<'_> = krb_proto::der::decode(reply).ok()?;
    Some((error.error_code, error.stime.unix()))
}

/// Sends a message as one datagram and waits for the reply from that address. It is sent once more
/// if there is none by `again`, if that is said: datagrams are lost.
async fn udp(server: SocketAddr, message: &[u8], again: Option<Instant>) -> Result<Vec<u8>> {
    let socket = UdpSocket::bind(any_port(server)).await?;
    socket.connect(server).await?;
    socket.send(message).await?;
    let mut reply = vec![0; 1 << 16];
    if let Some(again) = again {
        match timeout_at(again, socket.recv(&mut reply)).await {
            Ok(length) => {
                reply.truncate(length?);
                return Ok(reply);
            }
            Err(_) => drop(socket.send(message).await?),
        }
    }
    let length = socket.recv(&mut reply).await?;
    reply.truncate(length);
    Ok(reply)
}

#[cfg(test)]
mod tests;
