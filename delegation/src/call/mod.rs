//! One call on its way through the stages, and what may be done at each point of it.
//!
//! [`Attempt`] is a call of which nothing is decided, [`Announced`] one whose intent record is
//! written. Whatever happens to either is told to the audit log, the trace and the metrics; neither
//! can end without all three knowing how.

mod announced;
mod attempt;
mod failure;
mod story;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use announced::Announced;
pub use attempt::Attempt;
pub(crate) use failure::GivenUp;
