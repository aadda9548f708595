use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::{CacheEntry, ber};
use crate::KerberosTime;
use crate::asn1::{
    EncKrbCredPart, EncryptedData, EncryptionKey, HostAddress, KrbCred, KrbCredInfo, SecretOctets,
    Ticket,
};
use crate::der::{self, DecodeError, Encoded, Int, KerberosFlags, KerberosString, List};
use crate::iana::{EncType, TicketFlags};

/// The enctype number of what is not encrypted at all.
const NULL: EncType = EncType(0);

/// The identifier octet of a KRB-CRED, which no base64 text of one begins with.
const KRB_CRED: u8 = 0x76;

/// Why a kirbi file was refused. It never quotes the file, which holds keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KirbiError {
    /// Not a KRB-CRED.
    Malformed(DecodeError),
    /// Its keys are encrypted: it was meant for a peer, not for a file.
    Encrypted(EncType),
    /// There are not as many tickets as descriptions of tickets.
    Count,
    /// A session key of an enctype beyond 16 bits, which no ticket has.
    Enctype(EncType),
    /// The description of a ticket lacks the client's or the server's name.
    Incomplete,
}

impl fmt::Display for KirbiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "not a kirbi file: {error}"),
            Self::Encrypted(enctype) => {
                write!(
                    f,
                    "the file's session keys are encrypted ({enctype}): export it unencrypted"
                )
            }
            Self::Count => f.write_str("the file describes more or fewer tickets than it has"),
            Self::Enctype(enctype) => write!(f, "a session key claims the enctype {enctype}"),
            Self::Incomplete => f.write_str("the file does not say whose or for whom a ticket is"),
        }
    }
}

impl core::error::Error for KirbiError {}

impl From<DecodeError> for KirbiError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

/// Reads a kirbi file, as Windows tools write them: a KRB-CRED (RFC 4120 section 5.8) whose
/// encrypted part is not encrypted. Lengths may be in more octets than they need (BER, definite), in
/// the tickets too, and the whole may be base64 text. The tickets come out as DER.
///
/// # Errors
/// [`KirbiError`]; offsets in it count in what is then DER.
pub fn read_kirbi(bytes: &[u8]) -> Result<Vec<CacheEntry>, KirbiError> {
    let text = match bytes.first() {
        Some(&KRB_CRED) => None,
        _ => ber::from_base64(bytes),
    };
    let bytes = text.as_deref().map_or(bytes, Vec::as_slice);
    let der = ber::to_der(bytes);
    let cred: KrbCred<'_> = der::decode(der.as_deref().map_or(bytes, Vec::as_slice))?;
    if cred.enc_part.etype != NULL {
        return Err(KirbiError::Encrypted(cred.enc_part.etype));
    }
    let part = cred.enc_part.cipher;
    let der = ber::to_der(part);
    let part: EncKrbCredPart<'_> = der::decode(der.as_deref().map_or(part, Vec::as_slice))?;
    let pairs = cred.described_by(&part).ok_or(KirbiError::Count)?;
    pairs.map(|(ticket, info)| entry(ticket, info)).collect()
}

/// Writes tickets as a kirbi file. What a KRB-CRED has no place for is left out: second tickets,
/// authorization data, MIT's configuration entries.
///
/// # Errors
/// If the ticket of an entry is not DER.
pub fn write_kirbi(entries: &[CacheEntry]) -> Result<Zeroizing<Vec<u8>>, DecodeError> {
    let entries: Vec<&CacheEntry> =
        entries.iter().filter(|entry| !entry.is_configuration()).collect();
    let addresses: Vec<Vec<HostAddress<'_>>> = entries
        .iter()
        .map(|entry| {
            let typed = entry.addresses.iter();
            typed
                .map(|(kind, address)| HostAddress { addr_type: (*kind).into(), address })
                .collect()
        })
        .collect();
    let infos: Vec<KrbCredInfo<'_>> =
        entries.iter().zip(&addresses).map(|(entry, addresses)| info(entry, addresses)).collect();
    let tickets: Vec<Encoded<'_, Ticket<'_>>> =
        entries.iter().map(|entry| Encoded::from_der(&entry.ticket)).collect::<Result<_, _>>()?;
    let part = der::encode_secret(&EncKrbCredPart {
        ticket_info: List::of(&infos),
        nonce: None,
        timestamp: None,
        usec: None,
        s_address: None,
        r_address: None,
    });
    Ok(der::encode_secret(&KrbCred {
        pvno: Int,
        msg_type: Int,
        tickets: List::of(&tickets),
        enc_part: EncryptedData { etype: NULL, kvno: None, cipher: &part },
    }))
}

fn entry(ticket: Encoded<'_, Ticket<'_>>, info: KrbCredInfo<'_>) -> Result<CacheEntry, KirbiError> {
    let (client, server) = info.client_and_server().ok_or(KirbiError::Incomplete)?;
    // A ccache counts to 2106; what lies beyond is as good as that.
    let seconds = |time: Option<KerberosTime>| {
        time.map_or(0, |time| time.unix().clamp(0, u32::MAX.into()) as u32)
    };
    let enctype = info.key.keytype;
    i16::try_from(enctype.0).map_err(|_| KirbiError::Enctype(enctype))?;
    // Other tools leave the time of authentication out.
    let authtime = info.authtime.or(info.starttime);
    let addresses = info.caddr.iter().flat_map(|list| list.iter());
    Ok(CacheEntry {
        client,
        server,
        enctype,
        key_bytes: Zeroizing::new(info.key.keyvalue.0.to_vec()),
        times: [authtime, info.starttime, info.endtime, info.renew_till].map(seconds),
        is_skey: false,
        flags: TicketFlags(info.flags.map_or(0, |flags| flags.bits())),
        addresses: addresses
            .filter_map(|a| Some((a.addr_type.try_into().ok()?, a.address.to_vec())))
            .collect(),
        authdata: Vec::new(),
        ticket: ticket.der().to_vec(),
        second_ticket: Vec::new(),
    })
}

fn info<'a>(entry: &'a CacheEntry, addresses: &'a [HostAddress<'a>]) -> KrbCredInfo<'a> {
    let [authtime, starttime, endtime, renew_till] =
        entry.times.map(|time| (time != 0).then(|| KerberosTime::from_unix(time.into())));
    KrbCredInfo {
        key: EncryptionKey { keytype: entry.enctype, keyvalue: SecretOctets(&entry.key_bytes) },
        prealm: Some(KerberosString(&entry.client.realm)),
        pname: Some((&entry.client.name).into()),
        flags: Some(KerberosFlags::from(entry.flags.0)),
        authtime,
        starttime,
        endtime,
        renew_till,
        srealm: Some(KerberosString(&entry.server.realm)),
        sname: Some((&entry.server.name).into()),
        caddr: (!addresses.is_empty()).then(|| List::of(addresses)),
    }
}
