//! Enctypes, checksums, string-to-key.

/// A key.
#[derive(Clone, Debug)]
pub struct Key;
