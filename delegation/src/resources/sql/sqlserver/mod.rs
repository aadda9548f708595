//! SQL Server: sessions over MS-TDS 7.4 or 8.0, encrypted from the login to their end, in which the user is
//! who logged in, or whom a service login executes as for each call.

mod answer;
mod failure;
mod login;
mod session;
mod wire;

pub(super) use session::Session;
