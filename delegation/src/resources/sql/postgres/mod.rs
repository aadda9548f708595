//! PostgreSQL: sessions over its protocol 3.0, encrypted by GSS or TLS, in which the user is who logged
//! in, or (role mode) one of whom a service login takes on the role for each call.

mod answer;
mod cancel;
mod channel;
mod failure;
mod known;
mod login;
mod parameters;
mod queries;
mod secure;
mod session;
mod startup;
mod values;
mod wire;

pub(super) use session::Session;

#[cfg(test)]
mod tests;
