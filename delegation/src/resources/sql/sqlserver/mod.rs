//! SQL Server: sessions over MS-TDS 7.4 or 8.0, encrypted from the login to their end, in which the user is
//! who logged in, or whom a service login executes as for each call.

mod answer;
mod failure;
mod login;
mod session;
mod wire;

use super::config::Endpoint;
use crate::resources::Wrong;

pub(super) use session::Session;

/// What SQL Server has of its own in a configuration: nothing.
pub(super) const fn check(_: &Endpoint) -> Result<(), Wrong> {
    Ok(())
}
