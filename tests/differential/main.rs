//! The same messages, keys and contexts through krb-proto and through everybody else: equal, or
//! explained.

mod codec;
mod crypto;
mod entropy;
mod gss;
mod peer;
