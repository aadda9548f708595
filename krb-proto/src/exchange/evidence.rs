//! Looking into a ticket that was issued to ourselves.

use alloc::vec::Vec;
use core::fmt;

use crate::ap::received_key;
use crate::asn1::{EncTicketPart, Ticket};
use crate::authorization;
use crate::crypto::{CryptoError, Key, decrypt_with_any};
use crate::der::{self, DecodeError};
use crate::iana::{EncType, KeyUsage, TicketFlags};
use crate::{Credential, KerberosTime, Principal};

/// What the KDC sealed into a ticket of ours.
#[derive(Debug)]
pub struct OpenedTicket {
    /// The ticket's client. For S4U2Self it is the name that was sent, not a proof of who it is.
    pub client: Principal,
    /// When the client was first authenticated; for S4U, the service.
    pub authtime: KerberosTime,
    /// The ticket's flags.
    pub flags: TicketFlags,
    /// The PAC, as yet unverified.
    pub pac: Vec<u8>,
}

/// Why a ticket of ours cannot be believed.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum EvidenceError {
    /// We hold no key of this enctype, of whatever version.
    NoKey {
        /// The ticket's enctype.
        enctype: EncType,
        /// The key version it names.
        kvno: Option<u32>,
    },
    /// The ticket decrypts with none of our keys; what the best of them said.
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
                write!(
                    f,
                    "no key of enctype {enctype} for the service account (the ticket's has version {kvno})"
                )
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

/// Does a ticket open with one of these keys? `keys` as in [`open_ticket`]; nothing in it is looked at.
pub fn opens<K: IntoIterator<Item = Key>>(
    ticket: &[u8],
    keys: impl FnOnce(EncType, Option<u32>) -> K,
) -> bool {
    let Ok(ticket) = der::decode::<Ticket<'_>>(ticket) else { return false };
    let sealed = ticket.enc_part;
    let keys = keys(sealed.etype, sealed.kvno.map(|kvno| kvno.get()));
    let opened = decrypt_with_any(keys, sealed.etype, KeyUsage::TICKET, sealed.cipher);
    matches!(opened, Some(Ok(_)))
}

/// Decrypts a ticket that was issued to ourselves and compares it with the reply it came in.
/// `keys` gives our long-term keys that may be the ticket's, by its enctype and the version that it
/// names, best first ([`Keytab::keys`](crate::formats::Keytab::keys)); the one that the ticket's
/// integrity check finds right comes back with it. At most
/// [`MAX_CANDIDATES`](crate::crypto::MAX_CANDIDATES) are tried.
///
/// An RC4 session key in the ticket is taken if the credential has one: whoever made that has asked
/// for RC4.
///
/// # Errors
/// [`EvidenceError`].
pub fn open_ticket<K: IntoIterator<Item = Key>>(
    credential: &Credential,
    keys: impl FnOnce(EncType, Option<u32>) -> K,
) -> Result<(OpenedTicket, Key), EvidenceError> {
    let ticket: Ticket<'_> = der::decode(&credential.ticket).map_err(EvidenceError::Malformed)?;
    let sealed = ticket.enc_part;
    let (enctype, kvno) = (sealed.etype, sealed.kvno.map(|kvno| kvno.get()));
    let keys = keys(enctype, kvno);
    let (key, plaintext) = decrypt_with_any(keys, enctype, KeyUsage::TICKET, sealed.cipher)
        .ok_or(EvidenceError::NoKey { enctype, kvno })?
        .map_err(EvidenceError::Crypto)?;
    let part: EncTicketPart<'_> = der::decode(&plaintext).map_err(EvidenceError::Malformed)?;
    let client = part.cname.in_realm(part.crealm);
    let rc4 = credential.session_key.enctype() == EncType::RC4_HMAC;
    let session_key = received_key(&part.key, rc4).map_err(EvidenceError::Crypto)?;
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
    let (authtime, flags) = (part.authtime, TicketFlags(part.flags.bits()));
    Ok((OpenedTicket { client, authtime, flags, pac }, key))
}
