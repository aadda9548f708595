//! The messages of RFC 4120 and its extensions, as they stand on the wire.
//!
//! Every type borrows from the message it was read from and is named, member by member, as in its
//! ASN.1 module. What a member *means* (names, times, keys) is for the types at the crate's root.

mod ap;
mod base;
mod encrypted_part;
mod error;
mod kdc;
mod pa_data;
mod s4u;

pub use ap::{ApRep, ApReq, Authenticator, EncApRepPart};
pub use base::{
    AuthorizationData, AuthorizationDataElement, Checksum, EncryptedData, EncryptionKey,
    HostAddress, NameString, PaData, PrincipalName, SecretOctets, Ticket,
};
pub use encrypted_part::{EncKdcRepPart, EncTicketPart, LastReqEntry, TransitedEncoding};
pub use error::{ErrorData, KerbErrorData, KerbExtError, KrbError};
pub use kdc::{AsRep, AsReq, KdcReqBody, TgsRep, TgsReq};
pub use pa_data::{EtypeInfo2Entry, PaEncTsEnc, PaPacOptions, PaPacRequest};
pub use s4u::{PaForUser, PaS4uX509User, S4uUserId};

#[cfg(test)]
mod tests;
