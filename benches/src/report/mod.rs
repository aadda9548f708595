//! The page of all figures.

mod client;
mod codec;
mod crypto;
mod figures;
mod kdcs;
mod mac;
mod memory;
mod page;
mod parts;
mod server;
mod sql;
mod table;
mod target;
mod tickets;

pub use figures::Figures;
pub use page::{page, part};
