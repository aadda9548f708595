//! What strangers and clients try against a running server.

mod aborted;
mod bodies;
mod browser;
mod callers;
mod connections;
mod keys;
mod names;
mod record;
mod requests;
mod tokens;
