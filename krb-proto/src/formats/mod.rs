//! Files of other Kerberos tools, from bytes and to bytes.

mod ccache;
mod cursor;
mod keytab;

pub use ccache::{CacheEntry, CredentialCache, KdcOffset};
pub use cursor::{FormatError, FormatErrorKind};
pub use keytab::{Keytab, KeytabEntry};

#[cfg(test)]
mod tests;
