//! What strangers and clients try against a running server.

mod bodies;
mod keys;
mod names;
mod record;
mod requests;
mod tokens;
