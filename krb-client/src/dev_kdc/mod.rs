//! A KDC that a test, a demo or a developer starts: realms of [`krb_proto::kdc`] behind sockets, or
//! in memory without any.
//!
//! **For development and tests.** It refuses what Active Directory refuses, and serves whoever
//! reaches it; but keys and passwords stand in a file or in a program's text, nothing that is
//! changed outlives the process, nobody is locked out, and there is one of it. It listens on the
//! loopback unless told otherwise.
//!
//! In a test no socket is needed, and every client of an account is made by
//! [`InMemory::client_config`]:
//!
//! ```
//! use krb_client::dev_kdc::InMemory;
//! use krb_client::proto::Principal;
//! use krb_client::proto::kdc::{Account, Realm};
//! use krb_client::{Client, OsRandom};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let web = Account::service("svc-web").password("w").spn("HTTP/web.example.test");
//! let front = Account::service("svc-mcp").password("m").spn("HTTP/mcp.example.test").set(|svc| {
//!     svc.trusted_to_auth_for_delegation = true;
//!     svc.allowed_to_delegate_to = vec!["HTTP/web.example.test".into()];
//! });
//! let alice = Account::user("alice").password("alice's password");
//! let realm = Realm::new("EXAMPLE.TEST", &mut OsRandom).with(alice).with(front).with(web);
//! let kdc = InMemory::new(realm);
//! let client = |account| kdc.client_config(account).map(Client::new).ok_or("no such account");
//!
//! // alice logs in; svc-mcp reaches the web application in her name, without her password.
//! let (alice, front) = (client("alice")?, client("svc-mcp")?);
//! alice.tgt().await?;
//! let target = Principal::parse("HTTP/web.example.test", Some("EXAMPLE.TEST"))?.name;
//! let evidence = front.s4u().evidence(alice.account()).await?;
//! // (Who keeps tickets of users who may be replaced tells them apart by the SID in the PAC.)
//! let ticket = front.s4u().proxy_ticket(&evidence, "", &target).await?;
//! let web = client("svc-web")?;
//! web.read_secret().await?;
//! let (opened, _) = web.open(&ticket)?;
//! assert_eq!(opened.client, *alice.account());
//!
//! // A right is taken away, and the KDC refuses. (Tickets that are held stay good: so, without them.)
//! kdc.realms().realm("EXAMPLE.TEST", |realm| {
//!     realm.account_mut("alice").map(|alice| alice.not_delegated = true)
//! });
//! front.s4u().forget_user(alice.account());
//! let evidence = front.s4u().evidence(alice.account()).await?;
//! let refused = front.s4u().proxy_ticket(&evidence, "", &target).await.err().ok_or("granted")?;
//! assert!(refused.to_string().contains("the evidence is not forwardable"), "{refused}");
//! # Ok(()) }
//! ```
//!
//! Time goes by the clock of the realms, which their clients have as well, so that a test can move it:
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicI64, Ordering};
//!
//! use krb_client::dev_kdc::{InMemory, Realms};
//! use krb_client::proto::Timestamp;
//! use krb_client::proto::kdc::{Account, Realm};
//! use krb_client::{Client, Clock, OsRandom};
//!
//! struct Hand(AtomicI64);
//!
//! impl Clock for Hand {
//!     fn now(&self) -> Timestamp {
//!         Timestamp::new(self.0.load(Ordering::SeqCst), 0)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(Hand(AtomicI64::new(1_800_000_000)));
//! let alice = Account::user("alice").password("alice's password");
//! let realm = Realm::new("EXAMPLE.TEST", &mut OsRandom).with(alice);
//! let kdc = InMemory::new(Realms::new([realm]).with_clock(clock.clone()));
//! let alice = Client::new(kdc.client_config("alice").ok_or("no such account")?);
//! let first = alice.tgt().await?;
//! clock.0.fetch_add(10 * 3600, Ordering::SeqCst); // its life
//! let second = alice.tgt().await?;
//! assert_eq!(second.times.endtime.unix() - first.times.endtime.unix(), 10 * 3600);
//! # Ok(()) }
//! ```
//!
//! Behind sockets, for other programs:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use krb_client::dev_kdc::{Bind, DevKdc, RealmFile};
//!
//! let file = RealmFile::parse(
//!     r#"
//!     [[realm]]
//!     name = "EXAMPLE.TEST"
//!     [realm.users]
//!     alice = { password = "alice's password" }
//!     "#,
//! )?;
//! let kdc = DevKdc::start(file.realms(), Bind::loopback()).await?;
//! std::fs::write("krb5.conf", kdc.krb5_conf())?; // for KRB5_CONFIG
//! // … and when it has done its work:
//! kdc.stop().await;
//! # Ok(()) }
//! ```

mod bind;
mod kkdcp;
mod krb5_conf;
mod log;
mod memory;
mod places;
mod realm_file;
mod realms;
mod tcp;
mod udp;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use krb_proto::iana::ErrorCode;
use krb_proto::kpasswd;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{ClientConfig, Transport};

pub use bind::{Bind, BindError};
pub use memory::InMemory;
pub use realm_file::{RealmFile, RealmFileError};
pub use realms::Realms;

/// How long [`DevKdc::stop`] waits for answers that are on their way.
const STOP_TIME: Duration = Duration::from_secs(1);

/// A running KDC. Dropped, it is gone at once.
pub struct DevKdc {
    realms: Realms,
    addresses: Addresses,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Where a [`DevKdc`] listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Addresses {
    /// Tickets, by UDP and TCP.
    pub kdc: SocketAddr,
    /// Changes of passwords, by UDP and TCP.
    pub kpasswd: SocketAddr,
    /// Tickets and changes of passwords by HTTP, at any path, if there is such a listener.
    pub proxy: Option<SocketAddr>,
}

impl DevKdc {
    /// Starts a KDC of one realm or several. When this returns, it listens.
    ///
    /// # Errors
    /// [`BindError`].
    pub async fn start(realms: impl Into<Realms>, bind: Bind) -> Result<Self, BindError> {
        let realms = realms.into();
        let kdc = bind::pair(bind.address, bind.port).await?;
        let kpasswd = bind::pair(bind.address, bind.kpasswd_port).await?;
        let proxy = match bind.proxy_port {
            Some(port) => Some(bind::tcp(bind.address, port).await?),
            None => None,
        };
        let addresses = Addresses {
            kdc: kdc.address,
            kpasswd: kpasswd.address,
            proxy: proxy.as_ref().and_then(|proxy| proxy.local_addr().ok()),
        };
        let (stop, told) = watch::channel(false);
        let (told, mut tasks) = (Stop(told), JoinSet::new());
        let service = |kind| Service { realms: realms.clone(), kind };
        for (pair, kind) in [(kdc, Kind::Kdc), (kpasswd, Kind::Kpasswd(bind.address))] {
            tasks.spawn(tcp::listen(pair.tcp, service(kind), told.clone()));
            let socket = Arc::new(pair.udp);
            for _ in 0..parallelism(kind) {
                tasks.spawn(udp::listen(socket.clone(), service(kind), told.clone()));
            }
        }
        if let Some(proxy) = proxy {
            tasks.spawn(kkdcp::listen(proxy, service(Kind::Both(bind.address)), told));
        }
        let names = realms.names().join(", ");
        tracing::info!(
            kdc = %addresses.kdc, kpasswd = %addresses.kpasswd, realms = names,
            "listening: a KDC for development and tests"
        );
        Ok(Self { realms, addresses, stop, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The realms, to be looked at and changed while they are served.
    #[must_use]
    pub const fn realms(&self) -> &Realms {
        &self.realms
    }

    /// What a [`Client`](crate::Client) of an account here is made of, as of
    /// [`InMemory::client_config`]; over TCP.
    #[must_use]
    pub fn client_config(&self, account: &str) -> Option<ClientConfig> {
        self.realms.client_config(account, self.addresses.kdc, Arc::new(Transport::tcp()))
    }

    /// A `krb5.conf` with which MIT's and Heimdal's programs and Java find this KDC, and ask nobody
    /// else: no DNS.
    #[must_use]
    pub fn krb5_conf(&self) -> String {
        krb5_conf::write(&self.realms, self.addresses)
    }

    /// Ends it: nothing is taken any more, and what is being answered has a second.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(STOP_TIME, ended).await;
    }
}

/// Datagrams are answered one after another by each task that reads them.
fn parallelism(kind: Kind) -> usize {
    match kind {
        Kind::Kdc => std::thread::available_parallelism().map_or(1, |number| number.get().min(16)),
        Kind::Kpasswd(_) | Kind::Both(_) => 1,
    }
}

/// Tells a task when to stop.
#[derive(Clone)]
struct Stop(watch::Receiver<bool>);

impl Stop {
    async fn told(&mut self) {
        // Whoever could tell is gone: that is the same.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// What a listener is for.
#[derive(Clone, Copy)]
enum Kind {
    Kdc,
    /// Which address it has is part of its answers.
    Kpasswd(IpAddr),
    /// What a KDC proxy is sent is for either.
    Both(IpAddr),
}

/// What answers a listener's requests.
#[derive(Clone)]
struct Service {
    realms: Realms,
    kind: Kind,
}

impl Service {
    /// The answer; empty if there is none.
    fn answer(&self, message: &[u8], peer: SocketAddr, transport: &'static str) -> Vec<u8> {
        let (message, event) = match self.kind {
            Kind::Kpasswd(server) => self.realms.change_password(message, server),
            Kind::Both(server) if kpasswd::is_request(message) => {
                self.realms.change_password(message, server)
            }
            Kind::Kdc | Kind::Both(_) => self.realms.answer(message),
        };
        log::write(&event, peer, transport);
        message
    }

    /// What a listener itself has to say.
    fn refusal(&self, code: ErrorCode) -> Vec<u8> {
        self.realms.refusal(code)
    }
}

#[cfg(test)]
mod tests;
