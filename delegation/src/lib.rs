//! From an access token to a real resource *as that user*.
//!
//! The flow reads top to bottom in [`pipeline`]. Each stage earns a type that the next one needs,
//! so that none can be skipped:
//!
//! ```text
//! Presented ─admit▶ Caller ─exchange▶ Subject ─policy▶ Permit ─intent▶ Announced
//!             ─S4U2Self▶ Evidence ─S4U2Proxy▶ ServiceCredential ─resource▶ Outcome ─audit▶ closing record
//! ```

pub mod audit;
pub mod call;
mod config_error;
pub mod credential;
pub mod event;
pub mod exposed;
mod failure;
mod followed;
pub mod identity;
pub mod listed;
mod named_file;
pub mod network;
pub mod oauth_client;
mod one_or_more;
mod open_files;
pub mod pipeline;
pub mod plan;
pub mod policy;
#[cfg(doctest)]
mod proof_chain;
mod reader;
pub mod readiness;
mod request;
pub mod resources;
pub mod secret;
mod secret_form;
mod sha256;
pub mod state;
pub mod targets;
#[cfg(test)]
mod testing;
pub mod token_exchange;
mod trace_context;

pub use config_error::ConfigError;
pub use failure::{Blame, Code, Failure};
pub use named_file::{Holds, Visit};
pub use one_or_more::OneOrMore;
pub use open_files::open_files;
pub use request::{Answer, Question, Request, UserInfo};
pub use resources::{Operation, Outcome};
pub use trace_context::{NoTraceContext, TraceContext};
