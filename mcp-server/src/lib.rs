//! The MCP server: HTTP with bearer authentication in front, Kerberos delegation behind.
//!
//! ```text
//! HTTP ─▶ http (bearer, challenges, RFC 9728) ─▶ mcp (rmcp) ─▶ tools ─▶ Backend (krb-delegation)
//! ```
//!
//! Nothing of a request's body is read before its token has been verified. What a caller may do,
//! and as whom, is decided in `krb-delegation`; here is only what MCP, HTTP, configuration and the
//! command line need.

mod audit;
mod backend;
mod check;
pub mod cli;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
mod failure;
mod http;
mod logging;
mod mcp;
mod metrics;
mod pins;
mod place;
mod policy;
mod print;
mod revoke;
mod serve;
mod setup;
mod start;
mod systemd;
#[cfg(test)]
mod testing;
mod tools;

pub use config::Config;
pub use start::Server;
