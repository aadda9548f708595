//! What the end-to-end tests and the main job share: the lab, a running server, an issuer;
//! and the world in memory of the hermetic tests.

mod directory;
mod issuer;
pub mod keycloak;
pub mod lab;
pub mod logs;
pub mod memory;
pub mod pac;
mod redis;
pub mod server;
mod skipped;
pub mod tds;
pub mod world;

pub use issuer::issuer;
pub use lab::{Lab, lab};
pub use redis::Redis;
pub use server::{Answer, Server, Setup};
pub use skipped::skipped;
