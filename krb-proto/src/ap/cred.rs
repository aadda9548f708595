//! KRB-CRED (RFC 4120 section 3.6): tickets handed on together with their session keys.

use alloc::vec::Vec;
use core::fmt;

use super::received_key;
use crate::asn1::{
    EncKrbCredPart, EncryptedData, EncryptionKey, KrbCred, KrbCredInfo, SecretOctets, Ticket,
};
use crate::credential::TicketTimes;
use crate::crypto::{CryptoError, Key};
use crate::der::{self, DecodeError, Encoded, Int, KerberosString, List, Microseconds};
use crate::iana::{EncType, KeyUsage, TicketFlags};
use crate::{Context, Credential};

/// Why a KRB-CRED was refused.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum KrbCredError {
    /// Not a KRB-CRED.
    Malformed(DecodeError),
    /// It does not decrypt, or holds a session key that this crate does not use.
    Crypto(CryptoError),
    /// It claims another enctype than the key has, or is not encrypted at all.
    WrongEnctype,
    /// There are not as many tickets as descriptions of tickets.
    Count,
    /// The description of a ticket lacks the client's or the server's name, or the end of its life.
    Incomplete,
}

impl fmt::Display for KrbCredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the KRB-CRED is malformed: {error}"),
            Self::Crypto(error) => write!(f, "the KRB-CRED cannot be used: {error}"),
            Self::WrongEnctype => f.write_str("the KRB-CRED has another enctype than its key"),
            Self::Count => f.write_str("the KRB-CRED describes more or fewer tickets than it has"),
            Self::Incomplete => {
                f.write_str("the KRB-CRED does not say whose, for whom or how long a ticket is")
            }
        }
    }
}

impl core::error::Error for KrbCredError {}

impl From<DecodeError> for KrbCredError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

/// A KRB-CRED with these credentials, encrypted with `key`.
///
/// # Errors
/// If a credential's ticket is not DER.
pub fn krb_cred(
    credentials: &[&Credential],
    key: &Key,
    cx: &mut Context<'_>,
) -> Result<Vec<u8>, DecodeError> {
    let tickets: Vec<Encoded<'_, Ticket<'_>>> = credentials
        .iter()
        .map(|credential| Encoded::from_der(&credential.ticket))
        .collect::<Result<_, _>>()?;
    let infos: Vec<KrbCredInfo<'_>> =
        credentials.iter().map(|credential| info(credential)).collect();
    let now = cx.peer_time();
    let part = der::encode_secret(&EncKrbCredPart {
        ticket_info: List::of(&infos),
        nonce: None,
        timestamp: Some(now.seconds),
        usec: Some(Microseconds(now.microseconds)),
        s_address: None,
        r_address: None,
    });
    let cipher = key.encrypt(KeyUsage::KRB_CRED, &part, cx.rng);
    Ok(der::encode(&KrbCred {
        pvno: Int,
        msg_type: Int,
        tickets: List::of(&tickets),
        enc_part: EncryptedData { etype: key.enctype(), kvno: None, cipher: &cipher },
    }))
}

fn info(credential: &Credential) -> KrbCredInfo<'_> {
    let Credential { client, server, session_key, times, flags, .. } = credential;
    KrbCredInfo {
        key: EncryptionKey {
            keytype: session_key.enctype(),
            keyvalue: SecretOctets(session_key.as_bytes()),
        },
        prealm: Some(KerberosString(&client.realm)),
        pname: Some((&client.name).into()),
        flags: Some(flags.0.into()),
        authtime: Some(times.authtime),
        starttime: Some(times.starttime),
        endtime: Some(times.endtime),
        renew_till: times.renew_till,
        srealm: Some(KerberosString(&server.realm)),
        sname: Some((&server.name).into()),
        caddr: None,
    }
}

/// Decrypts a KRB-CRED. One that is not encrypted is refused: whoever made it could not prove that
/// the tickets were theirs to give.
///
/// # Errors
/// [`KrbCredError`].
pub fn open_krb_cred(key: &Key, message: &[u8]) -> Result<Vec<Credential>, KrbCredError> {
    let message: KrbCred<'_> = der::decode(message)?;
    if message.enc_part.etype != key.enctype() {
        return Err(KrbCredError::WrongEnctype);
    }
    let plaintext =
        key.decrypt(KeyUsage::KRB_CRED, message.enc_part.cipher).map_err(KrbCredError::Crypto)?;
    let part: EncKrbCredPart<'_> = der::decode(&plaintext)?;
    let pairs = message.described_by(&part).ok_or(KrbCredError::Count)?;
    // Whoever uses an RC4 key has asked for RC4.
    let rc4 = key.enctype() == EncType::RC4_HMAC;
    pairs.map(|(ticket, info)| credential(&ticket, &info, rc4)).collect()
}

fn credential(
    ticket: &Encoded<'_, Ticket<'_>>,
    info: &KrbCredInfo<'_>,
    danger_allow_rc4: bool,
) -> Result<Credential, KrbCredError> {
    let (client, server) = info.client_and_server().ok_or(KrbCredError::Incomplete)?;
    let endtime = info.endtime.ok_or(KrbCredError::Incomplete)?;
    let authtime = info.authtime.or(info.starttime).unwrap_or_default();
    Ok(Credential {
        client,
        server,
        session_key: received_key(&info.key, danger_allow_rc4).map_err(KrbCredError::Crypto)?,
        times: TicketTimes {
            authtime,
            starttime: info.starttime.unwrap_or(authtime),
            endtime,
            renew_till: info.renew_till,
        },
        flags: TicketFlags(info.flags.map_or(0, |flags| flags.bits())),
        ticket: ticket.der().to_vec(),
    })
}

#[cfg(test)]
mod tests;
