//! The service's side: who comes with a Kerberos ticket.
//!
//! An [`Acceptor`] takes what a client sends, SPNEGO or Kerberos alone, and says who it is: the name in
//! the ticket, and the account that the ticket's PAC proves. Whatever carries the tokens is the
//! application's business; for HTTP there is the feature `tower`.
//!
//! ```no_run
//! # async fn run(token: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! use krb_client::accept::{Acceptor, AcceptorConfig, ServiceKeys};
//! use krb_client::proto::gss::ChannelPolicy;
//!
//! let acceptor = Acceptor::new(AcceptorConfig::new(ServiceKeys::keytab_file("http.keytab")));
//! acceptor.read_keys().await?; // what is wrong with the keytab is better known at the start
//! let accepted = acceptor.accept(token, ChannelPolicy::Ignore).await?;
//! if let Some(account) = &accepted.caller.account {
//!     println!("{} is {}, in {:?}", accepted.caller.principal, account.sid, account.groups);
//! }
//! let to_be_sent_back = accepted.answer; // it proves to the client who we are
//! # Ok(()) }
//! ```
//!
//! What is looked at, always: that the ticket is for one of the service's own keys, that whoever sent it
//! knows its session key, now (clocks may be [`AcceptorConfig::skew`] apart) and for the first time, that
//! a PAC in it is signed for this service and made for this ticket, and that who comes through realms which
//! no KDC checked is an account that the PAC proves (KDCs of Active Directory check none). What depends on
//! the application: the channel below ([`ChannelPolicy`](krb_proto::gss::ChannelPolicy)), and whether who
//! comes must be an account of a directory ([`AcceptorConfig::demands_account`]).
//!
//! The memory of logins is this process's, unless [`AcceptorConfig::shared_logins`] or
//! [`with_replay_cache`](AcceptorConfig::with_replay_cache) says otherwise: of several that have the same
//! keys, each takes a login that another has taken.
//!
//! A caller's ticket is [evidence](Caller::ticket) with which a service that may delegate reaches others
//! in the caller's name (S4U2Proxy): [`Client::adopt`](crate::Client::adopt) it.

mod acceptor;
mod keys;
mod logins;
mod refusal;
mod replay_cache;
#[cfg(unix)]
mod replay_file;
mod shared;

pub use acceptor::{Accepted, Acceptor, AcceptorConfig, Caller, Negotiation, Step};
pub use keys::ServiceKeys;
pub use refusal::{NotAccepted, Refusal};
pub use shared::{Login, NotRemembered, SharedLogins};
