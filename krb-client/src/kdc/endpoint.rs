use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// What is asked of a realm's servers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Service {
    /// Tickets, of its KDCs.
    Kdc,
    /// Changes of passwords (RFC 3244).
    Kpasswd,
}

impl Service {
    /// The port that it has unless somebody says otherwise.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Kdc => 88,
            Self::Kpasswd => 464,
        }
    }

    /// How its names in DNS begin.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Kdc => "_kerberos",
            Self::Kpasswd => "_kpasswd",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kdc => "KDC",
            Self::Kpasswd => "kpasswd server",
        })
    }
}

/// Where one server is spoken to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Endpoint {
    /// At this address, over whichever of TCP and UDP is preferred.
    Direct(SocketAddr),
    /// At this address over TCP alone.
    Tcp(SocketAddr),
    /// At this address over UDP alone.
    Udp(SocketAddr),
    /// Through a KDC proxy (MS-KKDCP).
    Proxy(Arc<KdcProxy>),
}

impl Endpoint {
    /// Its address; a proxy is known by a name only.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Direct(address) | Self::Tcp(address) | Self::Udp(address) => Some(*address),
            Self::Proxy(_) => None,
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Direct(address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(address) | Self::Tcp(address) => address.fmt(f),
            Self::Udp(address) => write!(f, "{address} (UDP)"),
            Self::Proxy(proxy) => f.write_str(&proxy.url()),
        }
    }
}

/// A KDC proxy, which passes messages on to the servers of a realm (MS-KKDCP).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KdcProxy {
    /// Its host: a name, which its certificate must have, or an address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The path of the URL, without the slash in front.
    pub path: String,
    /// The realm whose servers are meant.
    pub realm: String,
}

impl KdcProxy {
    /// Where to POST to.
    #[must_use]
    pub fn url(&self) -> String {
        let Self { host, port, path, .. } = self;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        match port {
            443 => format!("https://{host}/{path}"),
            port => format!("https://{host}:{port}/{path}"),
        }
    }
}

/// Any port of ours that a peer can be spoken to from.
pub(crate) fn any_port(peer: SocketAddr) -> SocketAddr {
    let (v4, v6): (SocketAddr, SocketAddr) = (([0, 0, 0, 0], 0).into(), ([0; 16], 0).into());
    if peer.is_ipv4() { v4 } else { v6 }
}

/// How a server that DNS or a file names may be spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Any,
    Tcp,
    Udp,
}

impl Way {
    pub(crate) const fn to(self, address: SocketAddr) -> Endpoint {
        match self {
            Self::Any => Endpoint::Direct(address),
            Self::Tcp => Endpoint::Tcp(address),
            Self::Udp => Endpoint::Udp(address),
        }
    }
}

/// Where one server is, or several under one name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    At(Endpoint),
    /// A name to be resolved, and the port.
    Host {
        host: String,
        port: u16,
        way: Way,
    },
}
