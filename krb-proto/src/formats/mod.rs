//! Files of other Kerberos tools, from bytes and to bytes.

mod ccache;
mod cursor;
mod keytab;
mod kirbi;

pub use ccache::{CacheEntry, CredentialCache, KdcOffset};
pub use cursor::{FormatError, FormatErrorKind};
pub use keytab::{Keytab, KeytabEntry};
pub use kirbi::{KirbiError, read_kirbi, write_kirbi};

#[cfg(test)]
mod tests;
