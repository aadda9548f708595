//! Connections that servers left open, for the next request.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// How long one is kept: Samba and AD leave them open for longer, and what lies between forgets
/// connections after minutes at the earliest.
const AGE: Duration = Duration::from_secs(10);
/// So many are kept to one server, and in all.
const MAX_OF_ONE: usize = 8;
const MAX: usize = 64;
/// A server that closes connections sooner than this, as MIT's and Heimdal's KDCs do at once, is
/// known for it so long: none is kept to it.
const SOON: Duration = Duration::from_secs(1);
const CLOSES: Duration = Duration::from_secs(10 * 60);
/// And so many are known.
const MAX_CLOSING: usize = 1024;

/// Nothing is under way on any of them.
#[derive(Default)]
pub(super) struct Kept(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// The oldest first.
    idle: Vec<Idle>,
    /// Servers that close connections at once, and until when that is believed.
    closing: HashMap<SocketAddr, Instant>,
    /// Somebody sees to it that those that are too old are closed.
    is_swept: bool,
}

struct Idle {
    server: SocketAddr,
    stream: TcpStream,
    since: Instant,
}

impl Idle {
    /// Nothing came over it since. What did is the end, or no answer to anything that was asked.
    fn is_quiet(&self) -> bool {
        let read = self.stream.try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one to this server that was used last, if it is still open, and since when it was kept.
    pub(super) fn take(&self, server: SocketAddr) -> Option<(TcpStream, Instant)> {
        let mut inner = self.lock();
        let now = Instant::now();
        inner.idle.retain(|idle| idle.since + AGE > now);
        while let Some(at) = inner.idle.iter().rposition(|idle| idle.server == server) {
            let idle = inner.idle.remove(at);
            if idle.is_quiet() {
                return Some((idle.stream, idle.since));
            }
            inner.closed(server, idle.since);
        }
        None
    }

    /// Keeps a connection over which the reply was read to its end.
    pub(super) fn keep(self: &Arc<Self>, server: SocketAddr, stream: TcpStream) {
        let mut inner = self.lock();
        let now = Instant::now();
        if inner.closing.get(&server).is_some_and(|until| *until > now) {
            return;
        }
        let of_this = |idle: &Idle| idle.server == server;
        if inner.idle.iter().filter(|idle| of_this(idle)).count() >= MAX_OF_ONE {
            let oldest = inner.idle.iter().position(of_this);
            oldest.map(|at| inner.idle.remove(at));
        }
        if inner.idle.len() >= MAX {
            inner.idle.remove(0);
        }
        inner.idle.push(Idle { server, stream, since: now });
        if !inner.is_swept {
            inner.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// One to this server that was kept since then turned out to be closed, so the others are, too.
    pub(super) fn closed(&self, server: SocketAddr, since: Instant) {
        self.forget(server);
        self.lock().closed(server, since);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().idle.len()
    }

    /// Closes all to this server.
    pub(super) fn forget(&self, server: SocketAddr) {
        self.lock().idle.retain(|idle| idle.server != server);
    }
}

impl Inner {
    fn closed(&mut self, server: SocketAddr, since: Instant) {
        let now = Instant::now();
        if since + SOON <= now {
            return;
        }
        if self.closing.len() >= MAX_CLOSING {
            self.closing.retain(|_, until| *until > now);
        }
        if self.closing.len() < MAX_CLOSING {
            self.closing.insert(server, now + CLOSES);
        }
    }
}

/// Closes those that are too old, until there are none left or nobody keeps them.
async fn sweep(kept: Weak<Kept>) {
    loop {
        let oldest = {
            let Some(kept) = kept.upgrade() else { return };
            let mut inner = kept.lock();
            let now = Instant::now();
            inner.idle.retain(|idle| idle.since + AGE > now);
            match inner.idle.first() {
                Some(idle) => idle.since,
                None => {
                    inner.is_swept = false;
                    return;
                }
            }
        };
        sleep_until(oldest + AGE).await;
    }
}
