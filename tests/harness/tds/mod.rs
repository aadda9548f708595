//! A server that speaks TDS as SQL Server does, for tests: strict about the protocol, with logins by
//! ticket and by password, TLS both ways, impersonation, and as much Transact-SQL as clients say.
//!
//! Whatever a client does that MS-TDS does not allow is written down, and ends the test that dropped
//! the server without a look at it.

mod accept;
mod bytes;
mod catalogue;
mod connection;
mod contexts;
mod directory;
mod login;
mod objects;
mod output;
mod packet;
mod prelogin;
mod request;
mod session;
mod sql;
mod tls;
mod token;
mod transcript;
mod value;
mod wrapped;

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use krb_client::proto::ap::ReplayCache;
use krb_client::proto::formats::Keytab;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use accept::Keys;
pub use accept::Who;
pub use directory::{Directory, Grant, Login, User};

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// TDS 7: TLS's handshake in PRELOGIN packets, then all of the session.
    Required,
    /// TDS 8: TLS first.
    Strict,
}

/// A server that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It answers that it does not encrypt.
    DoesNotEncrypt,
    /// It answers that the login alone is encrypted.
    EncryptsTheLogin,
    /// It lets in without a proof of who it is.
    ProvesNothing,
    /// It answers to no attention before its answer is complete.
    IsDeaf,
    /// REVERT succeeds and changes nothing.
    RevertsNothing,
    /// REVERT is not answered.
    NeverReverts,
    /// EXECUTE AS succeeds and changes nothing.
    ImpersonatesNobody,
    /// RESETCONNECTION is not answered.
    ResetsNothing,
}

/// What a server is started with.
#[derive(Clone)]
pub struct Options {
    pub address: IpAddr,
    /// 0: one that is free.
    pub port: u16,
    pub encryption: Encryption,
    /// PEM files of the certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Of the service, whose name without a realm stands beside it.
    pub keytab: Option<(Keytab, String)>,
    pub directory: Directory,
    /// A ticket must be bound to its TLS connection by `tls-unique`.
    pub extended_protection: bool,
    /// It lets in and sends on.
    pub routes_to: Option<(String, u16)>,
    /// Of packets, the largest that it agrees to.
    pub packet_size: usize,
    pub faults: Vec<Fault>,
}

impl Options {
    /// A server on the loopback that does not encrypt.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self {
            address: [127, 0, 0, 1].into(),
            port: 0,
            encryption: Encryption::None,
            certificate: None,
            keytab: None,
            directory,
            extended_protection: false,
            routes_to: None,
            packet_size: 8000,
            faults: Vec::new(),
        }
    }

    /// With TLS by this certificate.
    #[must_use]
    pub fn encrypted(self, encryption: Encryption, certificate: &Path, key: &Path) -> Self {
        Self { encryption, certificate: Some((certificate.into(), key.into())), ..self }
    }
}

/// A login that came about.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    pub login: String,
    /// What the ticket proved, if it was one.
    pub who: Option<Who>,
    pub database: String,
    pub application: String,
    pub server: String,
    pub tds: u32,
    /// The protocol of TLS, and what was agreed on inside.
    pub tls: Option<String>,
    pub alpn: Option<String>,
    /// The ticket was bound to its connection.
    pub is_bound: bool,
    pub read_only: bool,
}

/// A request, and as whom it was begun.
#[derive(Clone, Debug)]
pub struct Said {
    pub connection: u16,
    pub original: String,
    pub user: String,
    pub text: String,
    pub is_call: bool,
    pub reset: bool,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub logins: Vec<LoggedIn>,
    pub requests: Vec<Said>,
    pub refused: Vec<String>,
    pub attentions: usize,
    pub violations: Vec<String>,
}

struct Shared {
    directory: Mutex<Directory>,
    keys: Option<Keys>,
    options: Options,
    tls: Option<tls::Server>,
    seen: Mutex<Seen>,
    transactions: AtomicU64,
    connections: AtomicUsize,
    running: Mutex<Vec<AbortHandle>>,
    /// Requests are written down; off where there are millions.
    is_listening: std::sync::atomic::AtomicBool,
}

impl Shared {
    fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, fault: Fault) -> bool {
        self.options.faults.contains(&fault)
    }

    fn next_transaction(&self) -> u64 {
        self.transactions.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A running server; it ends with its value.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: AbortHandle,
}

impl Server {
    /// Starts it.
    ///
    /// # Panics
    /// If its address stays taken or its certificate cannot be used.
    pub async fn start(options: Options) -> Self {
        let listener = listener(&options).await;
        let address = listener.local_addr().expect("a port");
        let keys = options.keytab.as_ref().map(|(keytab, service)| Keys {
            keytab: keytab.clone(),
            service: service.replace("{port}", &address.port().to_string()),
            replays: Mutex::new(ReplayCache::new(1_000_000, 300)),
        });
        let tls = options.certificate.as_ref().map(|(certificate, key)| {
            tls::Server::new(certificate, key, options.encryption == Encryption::Strict)
        });
        let shared = Arc::new(Shared {
            directory: Mutex::new(options.directory.clone()),
            keys,
            tls,
            options,
            seen: Mutex::default(),
            transactions: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            running: Mutex::default(),
            is_listening: true.into(),
        });
        connection::fill(&shared).await;
        let accepted = shared.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = accepted.clone();
                let number = shared.connections.fetch_add(1, Ordering::Relaxed) + 51;
                let number = u16::try_from(number % 32_000).expect("small");
                let task = tokio::spawn(connection::serve(shared.clone(), socket, number));
                let mut running = shared.running.lock().unwrap_or_else(PoisonError::into_inner);
                running.retain(|handle| !handle.is_finished());
                running.push(task.abort_handle());
            }
        });
        Self { shared, address, accepting: accepting.abort_handle() }
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happened until now.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.shared.seen().clone()
    }

    /// What clients did against the protocol, which then is no reason to fail any more.
    #[must_use]
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.seen().violations)
    }

    /// Forgets what happened.
    pub fn forget(&self) {
        let mut seen = self.shared.seen();
        let violations = std::mem::take(&mut seen.violations);
        *seen = Seen { violations, ..Seen::default() };
    }

    /// Requests are not written down any more.
    pub fn stop_listening(&self) {
        self.shared.is_listening.store(false, Ordering::Relaxed);
    }

    /// Changes what it knows.
    pub fn change(&self, change: impl FnOnce(&mut Directory)) {
        change(&mut self.shared.directory());
    }

    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        let running = self.shared.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().filter(|handle| !handle.is_finished()).count()
    }

    /// Ends one of the open connections, the `number`th modulo how many there are.
    pub fn kill(&self, number: usize) {
        let mut running = self.shared.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|handle| !handle.is_finished());
        if !running.is_empty() {
            let number = number % running.len();
            running.remove(number).abort();
        }
    }
}

/// The one that had the address before has ended, and its task may be about to let go of it.
async fn listener(options: &Options) -> TcpListener {
    let mut tries = 0;
    loop {
        match TcpListener::bind((options.address, options.port)).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse && tries < 100 => tries += 1,
            bound => return bound.expect("a port"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        for handle in self.shared.running.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            handle.abort();
        }
        let seen = self.seen();
        if std::thread::panicking() {
            eprintln!("SQL Server saw {seen:#?}");
        } else {
            assert!(seen.violations.is_empty(), "{:?}", seen.violations);
        }
    }
}
