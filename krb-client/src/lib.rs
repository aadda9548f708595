#![cfg_attr(all(feature = "reqwest", feature = "tower"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "reqwest", feature = "tower")),
    doc = "Async Kerberos 5 client on tokio: it carries the messages that [`krb_proto`] decides on, \
           and keeps the tickets that come back."
)]

pub mod accept;
mod account;
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
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub mod negotiate;
mod random;
mod realms;
pub mod remedy;
mod renewal;
mod resolver;
mod s4u;
mod sharing;
mod store;
#[cfg(test)]
mod testing;
mod together;
mod trace;
mod transport;

pub use account::{Account, NotProven, Proven};
pub use cache_error::CacheError;
pub use ccache::{Ccache, Ccaches};
pub use client::{Armor, Client, ClientConfig};
pub use clock::{Clock, Moment, SystemClock};
pub use defaults::Defaults;
pub use drive::{Driver, Patience};
pub use error::{ClientError, KdcFailure, Unreachable};
pub use flight::Flights;
pub use kdc::{Endpoint, KdcProxy, KdcSource, Listed, Origin, Service, Sites};
pub use keyring::AccountSecret;
pub use random::{Entropy, OsRandom};
pub use realms::{Krb5ConfError, Realms, krb5_conf_from_environment, read_krb5_conf};
pub use renewal::Renewal;
pub use resolver::{ResolveError, Resolver};
pub use s4u::S4u;
pub use store::{SharedTicket, SharedTickets, Sharing, UserTicket};
pub use trace::TRACE;
#[cfg(feature = "reqwest")]
pub use transport::ReqwestHttps;
pub use transport::{Carry, Carrying, Https, Posting, Transport};

pub use krb_proto as proto;
