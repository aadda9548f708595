//! What strangers and clients try against a running server.

mod tokens;
