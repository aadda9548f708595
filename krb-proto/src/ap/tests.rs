//! What is left out of the messages, and what Windows puts into them.

mod absent;
mod windows;
