//! Records as syslog messages: RFC 5424 over UDP (RFC 5426) and TCP (RFC 6587, counted); to the
//! socket of the machine's own daemon in the form that those read there.

use std::io::{self, ErrorKind, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::config::{Address, SyslogConfig};
use super::{Delivered, Line, Sink};
use crate::ConfigError;
use crate::audit::record::Severity;

/// For a connection, and for each write.
const TIME: Duration = Duration::from_secs(2);
/// RFC 5424 section 6.2.1: security and authorization messages.
const AUTHPRIV: u8 = 10;
/// Where Linux tells the machine's name.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
const NAME: &str = "krb-mcp";
/// Where a record's timestamp stands, which is of RFC 5424's form.
const TIMESTAMP: std::ops::Range<usize> = 14..38;

/// A syslog daemon.
pub(super) struct Syslog {
    address: Address,
    socket: Option<Socket>,
    host: String,
    is_required: bool,
}

enum Socket {
    Unix(UnixDatagram),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Syslog {
    pub(super) fn new(config: &SyslogConfig) -> Result<Self, ConfigError> {
        let host = std::fs::read_to_string(HOSTNAME).unwrap_or_default();
        let host = host.trim();
        let is_name = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        Ok(Self {
            address: config.address()?,
            socket: None,
            host: if is_name { host.to_owned() } else { "-".to_owned() },
            is_required: config.required,
        })
    }

    fn connect(&self) -> io::Result<Socket> {
        match &self.address {
            Address::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                socket.set_write_timeout(Some(TIME))?;
                Ok(Socket::Unix(socket))
            }
            Address::Udp(to) => {
                let from: SocketAddr = match to {
                    SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let socket = UdpSocket::bind(from)?;
                socket.connect(to)?;
                socket.set_write_timeout(Some(TIME))?;
                Ok(Socket::Udp(socket))
            }
            Address::Tcp(to) => {
                let stream = TcpStream::connect_timeout(to, TIME)?;
                stream.set_write_timeout(Some(TIME))?;
                Ok(Socket::Tcp(stream))
            }
        }
    }

    fn send(&self, socket: &mut Socket, lines: &[Line], done: &mut usize) -> io::Result<()> {
        match socket {
            Socket::Unix(socket) => {
                for line in lines {
                    socket.send(local(line).as_bytes())?;
                    *done += 1;
                }
            }
            Socket::Udp(socket) => {
                for line in lines {
                    socket.send(message(line, &self.host).as_bytes())?;
                    *done += 1;
                }
            }
            Socket::Tcp(stream) => {
                let mut frames = Vec::new();
                for line in lines {
                    let message = message(line, &self.host);
                    frames.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
                }
                // What follows on a frame that is not whole is not understood: all or nothing.
                stream.write_all(&frames)?;
                *done = lines.len();
            }
        }
        Ok(())
    }
}

impl Sink for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn is_required(&self) -> bool {
        self.is_required
    }

    fn deliver(&mut self, lines: &[Line]) -> Delivered {
        let mut done = 0;
        let mut deliver = || {
            let mut socket = match self.socket.take() {
                Some(socket) if !is_closed(&socket) => socket,
                _ => self.connect()?,
            };
            self.send(&mut socket, lines, &mut done)?;
            self.socket = Some(socket);
            Ok(())
        };
        let delivered: io::Result<()> = deliver();
        delivered.map(|()| 0).map_err(|error| (done, error.to_string()))
    }
}

/// Whether the other side has ended the connection: what is written then is lost without a word.
fn is_closed(socket: &Socket) -> bool {
    let Socket::Tcp(stream) = socket else { return false };
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let is_open = match peeked {
        // A daemon says nothing; one that does is none.
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    };
    !is_open || stream.set_nonblocking(false).is_err()
}

fn priority(severity: Severity) -> u8 {
    let severity = match severity {
        Severity::Warning => 4,
        Severity::Notice => 5,
        Severity::Info => 6,
    };
    AUTHPRIV * 8 + severity
}

/// RFC 5424 section 6.
fn message(line: &Line, host: &str) -> String {
    let (priority, process) = (priority(line.severity), std::process::id());
    let time = line.text.get(TIMESTAMP).unwrap_or("-");
    format!("<{priority}>1 {time} {host} {NAME} {process} audit - {}", line.text)
}

/// What `/dev/log` is written to with: daemons that listen there know no other form, and put the time
/// and the host there themselves.
fn local(line: &Line) -> String {
    let (priority, process) = (priority(line.severity), std::process::id());
    format!("<{priority}>{NAME}[{process}]: {}", line.text)
}
