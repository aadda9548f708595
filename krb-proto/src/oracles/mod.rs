//! What must hold for any bytes whatever: one function for each fuzz target.
//!
//! The targets in `fuzz/` only call these; `cargo test` runs each over its corpus and over what
//! lies near it. Past the cryptography everything is reached with the null enctype, which like
//! this module exists only in tests and under `cfg(fuzzing)`.

mod conversation;
mod exchanges;
mod files;
mod kdc;
mod krb5_conf;
mod messages;
mod pac;
mod pkinit;
mod text;
mod tokens;
mod world;

#[cfg(test)]
pub(crate) mod tests;

pub use conversation::conversation;
pub use exchanges::exchanges;
pub use files::files;
pub use kdc::kdc;
pub use krb5_conf::krb5_conf;
pub use messages::messages;
pub use pac::{pac, pac_buffer, xpress_huffman};
pub use pkinit::pkinit;
pub use text::text;
pub use tokens::tokens;

/// Something that panics if it does not hold for these bytes.
pub type Oracle = fn(&[u8]);

/// Every oracle by the name of its fuzz target and of its corpus.
pub const ALL: &[(&str, Oracle)] = &[
    ("conversation", conversation),
    ("exchanges", exchanges),
    ("files", files),
    ("kdc", kdc),
    ("krb5_conf", krb5_conf),
    ("messages", messages),
    ("pac", pac),
    ("pac_buffer", pac_buffer),
    ("pkinit", pkinit),
    ("text", text),
    ("tokens", tokens),
    ("xpress_huffman", xpress_huffman),
];
