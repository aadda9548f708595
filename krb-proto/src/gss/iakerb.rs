//! IAKERB (draft-ietf-kitten-iakerb, as MIT speaks it): a client that reaches no KDC logs in through
//! the service, which passes its messages on.
//!
//! Neither side trusts the service with more than that: what the KDC says is encrypted for the
//! client, and the login's checksum covers the whole conversation.

mod acceptor;
mod initiator;
#[cfg(test)]
mod tests;

pub use acceptor::{IakerbAcceptor, IakerbStep};
pub use initiator::{IakerbError, IakerbInitiator};

use alloc::vec::Vec;

use super::token::{TokenId, frame};
use super::{GssError, Oid};
use crate::asn1::{Checksum, IakerbFinished, IakerbHeader, IakerbRealm};
use crate::crypto::Key;
use crate::der::{self, Decode, Reader, Utf8String};
use crate::iana::KeyUsage;

/// The number of IAKERB-FINISHED among the extensions of the login's checksum.
pub(super) const FINISHED: u32 = 1;

/// The most messages that go to KDCs: as many as MIT lets an AS exchange have, and ten referrals.
const MAX_MESSAGES: usize = 26;
/// The most octets of a conversation that are kept to be signed.
const MAX_CONVERSATION: usize = 1 << 20;

/// IAKERB-FINISHED: the subkey's checksum over all tokens that went before.
pub(super) fn finished(subkey: &Key, conversation: &[u8]) -> Vec<u8> {
    let checksum = subkey.checksum(KeyUsage::IAKERB_FINISHED, conversation);
    let cksumtype = subkey.checksum_type();
    der::encode(&IakerbFinished { gss_mic: Checksum { cksumtype, checksum: &checksum } })
}

pub(super) fn verify_finished(
    subkey: &Key,
    conversation: &[u8],
    finished: &[u8],
) -> Result<(), GssError> {
    let finished: IakerbFinished<'_> = der::decode(finished)?;
    let Checksum { cksumtype, checksum } = finished.gss_mic;
    subkey
        .verify_checksum(KeyUsage::IAKERB_FINISHED, cksumtype, conversation, checksum)
        .map_err(|_| GssError::IakerbFinished)
}

/// All tokens of both sides, in order, as they went over the wire.
#[derive(Default)]
struct Conversation {
    octets: Vec<u8>,
    messages: usize,
}

impl Conversation {
    /// Records a token with a message to or from a KDC.
    fn add(&mut self, token: &[u8]) -> Result<(), GssError> {
        self.messages += 1;
        if self.messages > 2 * MAX_MESSAGES || self.octets.len() + token.len() > MAX_CONVERSATION {
            return Err(GssError::IakerbTooLong);
        }
        self.octets.extend_from_slice(token);
        Ok(())
    }

    /// What the login must be bound to, if anything went before it.
    fn octets(&self) -> Option<&[u8]> {
        (!self.octets.is_empty()).then_some(&self.octets)
    }
}

/// How a realm is written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum RealmForm {
    /// As the draft has it, and the reference encodings of MIT krb5.
    #[default]
    Utf8String,
    /// For acceptors of MIT krb5 1.20, which take nothing else.
    OctetString,
}

impl RealmForm {
    const fn of(realm: &IakerbRealm<'_>) -> Self {
        match realm {
            IakerbRealm::Utf8String(_) => Self::Utf8String,
            IakerbRealm::OctetString(_) => Self::OctetString,
        }
    }

    const fn write(self, realm: &[u8]) -> IakerbRealm<'_> {
        match self {
            Self::Utf8String => IakerbRealm::Utf8String(Utf8String(realm)),
            Self::OctetString => IakerbRealm::OctetString(realm),
        }
    }
}

/// A message to or from a KDC of a realm.
struct Proxy<'a> {
    realm: IakerbRealm<'a>,
    /// What the acceptor wants back with the next message.
    cookie: Option<&'a [u8]>,
    message: &'a [u8],
}

impl<'a> Proxy<'a> {
    /// The token. Only the first of a conversation is framed.
    fn to_token(&self, first: bool) -> Vec<u8> {
        let header = der::encode(&IakerbHeader { target_realm: self.realm, cookie: self.cookie });
        let body = [&TokenId::IAKERB_PROXY.0, &header[..], self.message].concat();
        if first { frame(Oid::IAKERB, |writer| writer.prepend(&body)) } else { body }
    }

    /// Reads a token, framed or not; `None` if it is of another kind.
    fn from_token(token: &'a [u8]) -> Result<Option<Self>, GssError> {
        let body = match super::token::unframe(Oid::IAKERB, token) {
            Ok(inner) => inner.rest(),
            Err(_) => token,
        };
        let Some(body) = body.strip_prefix(&TokenId::IAKERB_PROXY.0) else { return Ok(None) };
        let mut reader = Reader::new(body);
        let header = IakerbHeader::decode(&mut reader).map_err(|fault| fault.within(body))?;
        let (realm, cookie) = (header.target_realm, header.cookie);
        Ok(Some(Self { realm, cookie, message: reader.rest() }))
    }
}
