//! The sockets: the same number for TCP and UDP, held from the moment it is known.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, UdpSocket};

/// So often a number that the system picked for TCP may be somebody's for UDP.
const MAX_TRIES: usize = 64;

/// Where a [`DevKdc`](super::DevKdc) listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Bind {
    /// The address; the loopback's unless asked otherwise.
    pub address: IpAddr,
    /// The KDC's port, UDP and TCP; 0 for a free one.
    pub port: u16,
    /// The port of changes of passwords (RFC 3244), UDP and TCP; 0 for a free one.
    pub kpasswd_port: u16,
    /// The port of the KDC proxy (MS-KKDCP) over plain HTTP, for the TLS of a proxy in front of
    /// it; 0 for a free one, `None` for no such listener.
    pub proxy_port: Option<u16>,
}

impl Bind {
    /// Free ports on 127.0.0.1.
    #[must_use]
    pub const fn loopback() -> Self {
        Self::at(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))
    }

    /// The KDC there, the rest on free ports of the same address.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        let (address, port) = (address.ip(), address.port());
        Self { address, port, kpasswd_port: 0, proxy_port: Some(0) }
    }
}

/// A socket could not be had.
#[derive(Debug, thiserror::Error)]
#[error("listening on {address} ({protocol}): {error}")]
#[non_exhaustive]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// Why not.
    #[source]
    pub error: Error,
}

impl BindError {
    fn of(protocol: &'static str, address: SocketAddr) -> impl Fn(Error) -> Self {
        move |error| Self { address, protocol, error }
    }
}

/// A listener and a datagram socket of one number.
pub(super) struct Pair {
    pub(super) address: SocketAddr,
    pub(super) tcp: TcpListener,
    pub(super) udp: UdpSocket,
}

pub(super) async fn pair(ip: IpAddr, port: u16) -> Result<Pair, BindError> {
    // Numbers that were no use are held until the end, so that they are not picked again.
    let mut held = Vec::new();
    loop {
        let tcp = tcp(ip, port).await?;
        let address = tcp.local_addr().map_err(BindError::of("TCP", SocketAddr::new(ip, port)))?;
        match UdpSocket::bind(address).await {
            Ok(udp) => return Ok(Pair { address, tcp, udp }),
            Err(error)
                if port == 0 && error.kind() == ErrorKind::AddrInUse && held.len() < MAX_TRIES =>
            {
                held.push(tcp);
            }
            Err(error) => return Err(BindError::of("UDP", address)(error)),
        }
    }
}

pub(super) async fn tcp(ip: IpAddr, port: u16) -> Result<TcpListener, BindError> {
    let address = SocketAddr::new(ip, port);
    TcpListener::bind(address).await.map_err(BindError::of("TCP", address))
}
