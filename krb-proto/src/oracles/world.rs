//! The world that state machines are run in: no time passes, nothing is random, nothing encrypted.

use alloc::vec::Vec;

use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::iana::{EncType, TicketFlags};
use crate::{Context, Credential, KerberosTime, Name, Principal, Random, Timestamp};

pub(super) const REALM: &str = "EXAMPLE.COM";
pub(super) const NOW: Timestamp = Timestamp::new(1_800_000_000, 123_456);
pub(super) const NULL: EncType = EncType(0);

/// What everything random consists of, so that a corpus can hold replies to what is asked.
const RANDOM_OCTET: u8 = 0x2a;

/// Every nonce.
#[cfg(test)]
pub(super) const NONCE: u32 = u32::from_be_bytes([RANDOM_OCTET; 4]);

struct Constant;

impl Random for Constant {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(RANDOM_OCTET);
    }
}

pub(super) fn with_context<T>(run: impl FnOnce(&mut Context<'_>) -> T) -> T {
    run(&mut Context { now: NOW, kdc_offset: 0, rng: &mut Constant })
}

pub(super) fn null_key() -> Option<Key> {
    Key::new(NULL, &[]).ok()
}

pub(super) fn principal(name: &str) -> Principal {
    Principal::new(Name::user(name), REALM)
}

/// A ticket of `client` for `server`. The ticket itself is opaque to all who hold it.
pub(super) fn credential(client: Principal, server: Principal) -> Option<Credential> {
    let times = TicketTimes {
        authtime: NOW.seconds,
        starttime: NOW.seconds,
        endtime: endtime(),
        renew_till: None,
    };
    let ticket = ticket(&server, &[]);
    let session_key = null_key()?;
    Some(Credential { client, server, session_key, times, flags: TicketFlags::FORWARDABLE, ticket })
}

pub(super) const fn endtime() -> KerberosTime {
    NOW.seconds.plus_seconds(36_000)
}

/// A Ticket with this cipher.
pub(super) fn ticket(server: &Principal, cipher: &[u8]) -> Vec<u8> {
    use crate::asn1::{EncryptedData, Ticket};
    use crate::der::{self, Int, KerberosString};
    der::encode(&Ticket {
        tkt_vno: Int,
        realm: KerberosString(&server.realm),
        sname: (&server.name).into(),
        enc_part: EncryptedData { etype: NULL, kvno: None, cipher },
    })
}

/// The messages of a conversation: each behind its length in two octets. What is left over at the
/// end is a message too.
pub(super) fn frames(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = input;
    core::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (frame, after) = after.split_at(length);
        rest = after;
        Some(frame)
    })
}

#[cfg(test)]
pub(super) fn framed(messages: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in messages {
        out.extend_from_slice(&u16::try_from(message.len()).unwrap().to_be_bytes());
        out.extend_from_slice(message);
    }
    out
}
