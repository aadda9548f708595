//! The product shown on a machine that has nothing: what stands around the server in a demonstration,
//! and in tests.

mod issuer;
pub mod webapp;

pub use issuer::{Issuer, SERVER_CLIENT, SERVER_SECRET, USER_CLIENT};
