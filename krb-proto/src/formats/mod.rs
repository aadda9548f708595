//! Files of other Kerberos tools, from bytes and to bytes.

mod ber;
mod ccache;
mod cursor;
mod java_ticket;
mod key_text;
mod keytab;
mod kirbi;
pub mod krb5_conf;
mod managed_password;
mod pem;

pub use ccache::{CacheEntry, CachePlaces, CredentialCache, KdcOffset};
pub use cursor::{FormatError, FormatErrorKind};
pub use java_ticket::{JavaTicketError, read_java_ticket};
pub use key_text::{KeyTextError, danger_parse_key};
pub use keytab::{Keytab, KeytabEntry};
pub use kirbi::{KirbiError, read_kirbi, write_kirbi};
pub use krb5_conf::{ConfError, Krb5Conf};
pub use managed_password::{ManagedPassword, ManagedPasswords};
pub use pem::read_pem;

#[cfg(test)]
mod tests;
