//! Async Kerberos 5 client on tokio: it carries the messages that [`krb_proto`] decides on, and
//! keeps the tickets that come back.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use krb_client::{Client, ClientConfig, KdcSource, files};
//! use krb_proto::{Name, Principal};
//!
//! let service = Principal::parse("svc-mcp-server@W25AD.NET", None)?;
//! let keytab = files::read_keytab("mcp.keytab".as_ref()).await?;
//! let client = Client::new(ClientConfig::new(
//!     service.clone(),
//!     files::client_keys(&keytab, &service)?,
//!     KdcSource::Addresses(vec!["127.0.0.1:88".parse()?]),
//! ));
//! // In alice's name, without her password:
//! let alice = Principal::new(Name::user("ALICE_ADMIN"), &service.realm);
//! let evidence = client.s4u().evidence(&alice).await?;
//! let target = Name::new(krb_proto::iana::NameType::SRV_INST, ["cifs", "fileserver.w25ad.net"]);
//! let ticket = client.s4u().proxy_ticket(&evidence, "S-1-5-21-…", &target).await?;
//! println!("{} at {}", ticket.client, ticket.server);
//! # Ok(()) }
//! ```
//!
//! Nothing here reads the environment or a file unasked.
//!
//! | feature | |
//! |---|---|
//! | `dev-kdc` | the module `dev_kdc`: a KDC for the tests of a crate, in memory or on the loopback |
//! | `spake` | logins prove the password by SPAKE where the KDC offers it |
//! | `pkinit` | logins with certificates, and of nobody (RFC 8062), whose ticket armors other logins |
//! | `cli` | the program `krb` |

mod cache_error;
pub mod ccache;
mod client;
mod clock;
mod contact;
mod defaults;
#[cfg(feature = "dev-kdc")]
pub mod dev_kdc;
mod drive;
mod error;
pub mod files;
mod flight;
mod kdc;
mod keyring;
mod random;
mod realms;
pub mod remedy;
mod renewal;
mod resolver;
mod s4u;
mod sharing;
mod store;
mod together;
mod trace;
mod transport;

pub use cache_error::CacheError;
pub use ccache::{Ccache, Ccaches};
pub use client::{Armor, Client, ClientConfig};
pub use clock::{Clock, Moment, SystemClock};
pub use defaults::Defaults;
pub use drive::{Driver, Patience};
pub use error::{ClientError, KdcFailure, Unreachable};
pub use flight::Flights;
pub use kdc::{Endpoint, KdcProxy, KdcSource, Service, Sites};
pub use keyring::AccountSecret;
pub use random::{Entropy, OsRandom};
pub use realms::{Krb5ConfError, Realms, krb5_conf_from_environment, read_krb5_conf};
pub use renewal::Renewal;
pub use resolver::{ResolveError, Resolver};
pub use s4u::S4u;
pub use store::{SharedTicket, SharedTickets, Sharing, UserTicket};
pub use trace::TRACE;
pub use transport::{Carry, Carrying, Https, Posting, Transport};

pub use krb_proto as proto;
