//! What strangers and clients try against a running server.

mod bodies;
mod requests;
mod tokens;
