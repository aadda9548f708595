//! Looking into a ticket that was issued to ourselves.

use alloc::vec::Vec;
use core::fmt;

use crate::asn1::{EncTicketPart, Ticket};
use crate::authorization;
use crate::crypto::{CryptoError, Key};
use crate::der::{self, DecodeError};
use crate::iana::{EncType, KeyUsage, TicketFlags};
use crate::{Credential, Principal};

/// What the KDC sealed into a ticket of ours.
#[derive(Debug)]
pub struct OpenedTicket {
    /// The ticket's client. For S4U2Self it is the name that was sent, not a proof of who it is.
    pub client: Principal,
    /// The ticket's flags.
    pub flags: TicketFlags,
    /// The PAC, as yet unverified.
    pub pac: Vec<u8>,
}

/// Why a ticket of ours cannot be believed.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum EvidenceError {
    /// We hold no key of this enctype and version: the keytab is older or newer than the KDC's.
    NoKey {
        /// The ticket's enctype.
        enctype: EncType,
        /// The key version it names.
        kvno: Option<u32>,
    },
    /// The ticket does not decrypt with our key.
    Crypto(CryptoError),
    /// The ticket is malformed.
    Malformed(DecodeError),
    /// The sealed client, key or end differs from what the KDC's reply said.
    NotAsReplied,
    /// There is no PAC in it.
    NoPac,
}

impl fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey { enctype, kvno: Some(kvno) } => {
                write!(f, "no key of enctype {enctype} and version {kvno} for the service account")
            }
            Self::NoKey { enctype, kvno: None } => {
                write!(f, "no key of enctype {enctype} for the service account")
            }
            Self::Crypto(error) => write!(f, "the ticket does not decrypt: {error}"),
            Self::Malformed(error) => write!(f, "the ticket is malformed: {error}"),
            Self::NotAsReplied => {
                f.write_str("the ticket holds something else than the reply said")
            }
            Self::NoPac => f.write_str("the ticket holds no PAC"),
        }
    }
}

impl core::error::Error for EvidenceError {}

/// Decrypts a ticket that was issued to ourselves and compares it with the reply it came in.
/// `key` finds our long-term key by enctype and version.
///
/// # Errors
/// [`EvidenceError`].
pub fn open_ticket(
    credential: &Credential,
    key: impl FnOnce(EncType, Option<u32>) -> Option<Key>,
) -> Result<(OpenedTicket, Key), EvidenceError> {
    let ticket: Ticket<'_> = der::decode(&credential.ticket).map_err(EvidenceError::Malformed)?;
    let sealed = ticket.enc_part;
    let kvno = sealed.kvno.map(|kvno| kvno.get());
    let key =
        key(sealed.etype, kvno).ok_or(EvidenceError::NoKey { enctype: sealed.etype, kvno })?;
    let plaintext = key.decrypt(KeyUsage::TICKET, sealed.cipher).map_err(EvidenceError::Crypto)?;
    let part: EncTicketPart<'_> = der::decode(&plaintext).map_err(EvidenceError::Malformed)?;
    let client = part.cname.in_realm(part.crealm);
    let session_key =
        Key::new(part.key.keytype, part.key.keyvalue.0).map_err(EvidenceError::Crypto)?;
    if client != credential.client
        || session_key != credential.session_key
        || part.endtime != credential.times.endtime
    {
        return Err(EvidenceError::NotAsReplied);
    }
    let pac = part
        .authorization_data
        .map(|data| authorization::find_pac(&data))
        .transpose()
        .map_err(EvidenceError::Malformed)?
        .flatten()
        .ok_or(EvidenceError::NoPac)?
        .to_vec();
    Ok((OpenedTicket { client, flags: TicketFlags(part.flags.bits()), pac }, key))
}
