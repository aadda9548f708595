//! What systemd gives to a service, and is told by it: sockets that it listens on already
//! (sd_listen_fds(3)), and how the service stands (sd_notify(3)). Elsewhere there is neither, and
//! nothing is done.

use std::env;
use std::ffi::OsStr;
use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use listenfd::ListenFd;
use tokio::net::TcpListener;
use tracing::debug;

/// Sockets that were passed, in the order of the unit's `ListenStream=`: first MCP's, then that of the
/// metrics.
pub(crate) struct Sockets(ListenFd);

impl Sockets {
    /// Takes those that were passed to this process. It reads and clears the environment: to be called
    /// before there are threads.
    pub(crate) fn take() -> Self {
        Self(ListenFd::from_env())
    }

    /// How many were passed.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The listener in that place, if there is one. Within a runtime.
    ///
    /// # Errors
    /// If something else than a listening TCP socket was passed.
    pub(crate) fn listener(&mut self, place: usize) -> io::Result<Option<TcpListener>> {
        let Some(listener) = self.0.take_tcp_listener(place)? else { return Ok(None) };
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener).map(Some)
    }
}

/// Who wants to know how the service stands.
pub(crate) struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// Whoever `NOTIFY_SOCKET` names.
    pub(crate) fn from_env() -> Self {
        let named = env::var_os("NOTIFY_SOCKET");
        Self(named.and_then(|name| Some((UnixDatagram::unbound().ok()?, address(&name).ok()?))))
    }

    /// Calls are taken at this address.
    pub(crate) fn ready(&self, address: &std::net::SocketAddr) {
        self.tell(&format!("READY=1\nSTATUS=listening on {address}"));
    }

    /// No more are taken; those that run may end.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=waiting for the calls that run");
    }

    fn tell(&self, state: &str) {
        let Some((socket, address)) = &self.0 else { return };
        if let Err(error) = socket.send_to_addr(state.as_bytes(), address) {
            debug!(%error, "the service manager cannot be told");
        }
    }
}

/// A path, or a name behind `@` (unix(7): an abstract one).
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_bytes().strip_prefix(b"@") {
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_is_told_at_a_path_and_at_an_abstract_name() {
        let path = env::temp_dir().join(format!("krb-notify-{}", std::process::id()));
        let abstract_name = format!("@krb-notify-{}", std::process::id());
        for name in [path.as_os_str(), OsStr::new(&abstract_name)] {
            let manager = UnixDatagram::bind_addr(&address(name).unwrap()).unwrap();
            let to = (UnixDatagram::unbound().unwrap(), address(name).unwrap());
            let notify = Notify(Some(to));
            notify.ready(&"127.0.0.1:8080".parse().unwrap());
            notify.stopping();
            let told = || {
                let mut bytes = [0; 200];
                let length = manager.recv(&mut bytes).unwrap();
                String::from_utf8_lossy(&bytes[..length]).into_owned()
            };
            assert_eq!(told(), "READY=1\nSTATUS=listening on 127.0.0.1:8080");
            assert!(told().starts_with("STOPPING=1\n"));
        }
        std::fs::remove_file(path).unwrap();
        // Nobody listens any more, and nobody ever asked: neither is a failure.
        Notify(Some((UnixDatagram::unbound().unwrap(), address(OsStr::new("/none")).unwrap())))
            .stopping();
        Notify(None).stopping();
    }
}
