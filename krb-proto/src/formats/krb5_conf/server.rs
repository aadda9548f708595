use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// Where a server is, as `kdc`, `admin_server` and `kpasswd_server` say it: `HOST`, `HOST:PORT`,
/// `[IPV6]:PORT` or, for a proxy (MS-KKDCP), `https://HOST:PORT/PATH`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerAddress {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How it is spoken to.
    pub transport: ServerTransport,
}

/// How a server is spoken to.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ServerTransport {
    /// Over UDP or TCP (RFC 4120 section 7.2).
    Direct,
    /// Through a KDC proxy (MS-KKDCP) at this path, which has no slash in front.
    Https {
        /// The path of the URL.
        path: String,
    },
}

/// Why a text is no server's address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ServerAddressError {
    /// There is no host in it.
    NoHost,
    /// What should be a host has characters that no host has, or a bracket is missing.
    BadHost,
    /// What stands behind the colon is no port.
    BadPort,
    /// The path of a UNIX domain socket (MIT krb5 since 1.22), which is not spoken to here.
    UnixSocket,
}

impl fmt::Display for ServerAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHost => "the server has no host; write 'host', 'host:port' or '[ipv6]:port'",
            Self::BadHost => {
                "not a host; write 'host', 'host:port', '[ipv6]:port' or 'https://host/path'"
            }
            Self::UnixSocket => {
                "a UNIX domain socket, which is not supported here; name a host beside it"
            }
            Self::BadPort => {
                "the port is no number from 1 to 65535; an IPv6 address is written in brackets"
            }
        })
    }
}

impl core::error::Error for ServerAddressError {}

const HTTPS_PORT: u16 = 443;

impl ServerAddress {
    /// A server that is spoken to itself. The host is taken as it is.
    #[must_use]
    pub fn direct(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, transport: ServerTransport::Direct }
    }

    /// Reads an address. As in MIT's library, what follows a blank is ignored where there is no
    /// port. Heimdal's `tcp/HOST` is refused: libkrb5 would look for a host of that name.
    ///
    /// # Errors
    /// [`ServerAddressError`].
    pub fn parse(text: &str, default_port: u16) -> Result<Self, ServerAddressError> {
        if text.starts_with('/') {
            return Err(ServerAddressError::UnixSocket);
        }
        let (address, default_port, transport) = match text.strip_prefix("https://") {
            Some(url) => {
                let (address, path) = url.split_once('/').unwrap_or((url, ""));
                (address, HTTPS_PORT, ServerTransport::Https { path: path.to_owned() })
            }
            None => (text, default_port, ServerTransport::Direct),
        };
        if address.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ServerAddressError::NoHost); // MIT: a port alone
        }
        let (host, rest) = match address.strip_prefix('[') {
            Some(inner) => inner.split_once(']').ok_or(ServerAddressError::BadHost)?,
            None => address.split_at(address.find([' ', '\t', ':']).unwrap_or(address.len())),
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => number(port)?,
            None if rest.is_empty() || rest.starts_with([' ', '\t']) => default_port,
            None => return Err(ServerAddressError::BadHost),
        };
        if host.is_empty() {
            return Err(ServerAddressError::NoHost);
        }
        if host.contains(|c: char| c.is_control() || c.is_whitespace() || "/[]@\"".contains(c)) {
            return Err(ServerAddressError::BadHost);
        }
        Ok(Self { host: host.to_owned(), port, transport })
    }
}

fn number(port: &str) -> Result<u16, ServerAddressError> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|&port| digits && port != 0);
    port.ok_or(ServerAddressError::BadPort)
}
