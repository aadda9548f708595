//! `Negotiate` (RFC 4559): logins by Kerberos in HTTP, for applications' clients and servers.
#![cfg_attr(
    feature = "reqwest",
    doc = "\n\nA client of one's own, with [`Negotiate`] around its requests (feature `reqwest`)."
)]
#![cfg_attr(
    feature = "tower",
    doc = "\n\nA server of axum's, or of anything else that is made of tower's services, with a \
           [`NegotiateLayer`] (feature `tower`)."
)]

#[cfg(feature = "reqwest")]
mod client;
#[cfg(feature = "tower")]
mod server;

#[cfg(feature = "reqwest")]
pub use client::{Negotiate, NegotiateError};
#[cfg(feature = "tower")]
pub use server::{NegotiateLayer, NegotiateService};
