//! One request to one KDC over TCP or UDP (RFC 4120 section 7.2).

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;

use krb_proto::asn1::KrbError;
use krb_proto::iana::ErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

/// The longest reply that is read. Tickets with a PAC of hundreds of groups are some 60 KB.
const MAX_REPLY: u32 = 1 << 20;

/// A message on its way, and the reply. The error is this KDC's failure; others may be asked.
pub type Carrying<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send + 'a>>;

/// What carries a message to a KDC and brings the reply. [`Transport`] is the one that has sockets.
pub trait Carry: Send + Sync {
    /// Sends a message, as the exchange made it, and waits for the reply, until then. Dropped, it
    /// leaves nothing behind.
    fn carry(&self, kdc: SocketAddr, message: Vec<u8>, until: Instant) -> Carrying<'_>;
}

/// How to carry a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Transport {
    /// TCP. The default: AS and S4U replies of AD fit no datagram.
    #[default]
    Tcp,
    /// UDP first, TCP if the KDC says that its answer does not fit.
    Udp,
}

impl Carry for Transport {
    fn carry(&self, kdc: SocketAddr, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        let carried = async move {
            if *self == Self::Udp {
                let half = (until - Instant::now()) / 2;
                let reply = udp(kdc, &message, Instant::now() + half).await?;
                if !matches!(error_and_time(&reply), Some((ErrorCode::RESPONSE_TOO_BIG, _))) {
                    return Ok(reply);
                }
            }
            tcp(kdc, &message).await
        };
        let silent = |_| Err(Error::new(ErrorKind::TimedOut, "no answer in time"));
        Box::pin(async move { timeout_at(until, carried).await.unwrap_or_else(silent) })
    }
}

/// Code and server time, if the reply is a KRB-ERROR.
pub(crate) fn error_and_time(reply: &[u8]) -> Option<(ErrorCode, i64)> {
    let error: KrbError<'_> = krb_proto::der::decode(reply).ok()?;
    Some((error.error_code, error.stime.unix()))
}

/// Sends a message over a new TCP connection, four octets of length in front, and reads the reply.
async fn tcp(kdc: SocketAddr, message: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(kdc).await?;
    stream.set_nodelay(true)?;
    let length = u32::try_from(message.len()).map_err(|_| ErrorKind::InvalidInput)?;
    let framed = [&length.to_be_bytes(), message].concat();
    stream.write_all(&framed).await?;
    let length = stream.read_u32().await?;
    // The high bit is reserved (RFC 4120 section 7.2.2), so it is too long as well.
    if length > MAX_REPLY {
        let text = format!("the KDC announced a reply of {length} bytes");
        return Err(Error::new(ErrorKind::InvalidData, text));
    }
    let mut reply = vec![0; length as usize];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}

/// Sends a message as one datagram and waits for the reply from that address. It is sent once more
/// if there is none by `again`: datagrams are lost.
async fn udp(kdc: SocketAddr, message: &[u8], again: Instant) -> Result<Vec<u8>> {
    let any: SocketAddr =
        if kdc.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(kdc).await?;
    socket.send(message).await?;
    let mut reply = vec![0; 1 << 16];
    let length = match timeout_at(again, socket.recv(&mut reply)).await {
        Ok(length) => length?,
        Err(_) => {
            socket.send(message).await?;
            socket.recv(&mut reply).await?
        }
    };
    reply.truncate(length);
    Ok(reply)
}
