//! One request to one KDC over TCP or UDP (RFC 4120 section 7.2).

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// The longest reply that is read. Tickets with a PAC of hundreds of groups are some 60 KB.
const MAX_REPLY: u32 = 1 << 20;

/// How to carry a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Transport {
    /// TCP. The default: AS and S4U replies of AD fit no datagram.
    #[default]
    Tcp,
    /// UDP first, TCP if the KDC says that its answer does not fit.
    Udp,
}

/// Sends a message over a new TCP connection, four octets of length in front, and reads the reply.
pub(crate) async fn tcp(kdc: SocketAddr, message: &[u8]) -> Result<Vec<u8>> {
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

/// Sends a message as one datagram and waits for the reply from that address.
pub(crate) async fn udp(kdc: SocketAddr, message: &[u8]) -> Result<Vec<u8>> {
    let any: SocketAddr =
        if kdc.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(kdc).await?;
    socket.send(message).await?;
    let mut reply = vec![0; 1 << 16];
    let length = socket.recv(&mut reply).await?;
    reply.truncate(length);
    Ok(reply)
}
