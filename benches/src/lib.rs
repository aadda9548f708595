//! What is measured, and the page that says so.
//!
//! `benches/run` builds the peers, measures them and us in alternating rounds, and writes
//! `docs/benchmarks.md`. [`cases`] and [`messages`] are the inputs, the very octets that everybody
//! gets; the benches `codec` and `crypto` measure this library and the peers that are crates, through
//! criterion; the programs in `peers/` measure the others; [`report`] makes the page.

pub mod bare;
pub mod calls;
pub mod cases;
pub mod client;
pub mod first_ticket;
pub mod harness;
pub mod issuer;
pub mod load;
pub mod messages;
pub mod names;
pub mod report;
pub mod tickets;

#[cfg(test)]
mod tests;
