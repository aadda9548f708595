//! IAKERB (draft-ietf-kitten-iakerb): a client that reaches no KDC logs in through
//! the service, which passes its messages on.
//!
//! Neither side trusts the service with more than that: what the KDC says is encrypted for the
//! client, and the login's checksum covers the whole conversation.

mod acceptor;
mod error;
mod initiator;
#[cfg(test)]
mod tests;

pub use acceptor::{IakerbAcceptor, IakerbStep};
pub use error::IakerbError;
pub use initiator::IakerbInitiator;

use alloc::vec::Vec;

use super::checksum::Extensions;
use super::token::{TokenId, frame};
use super::{GssError, Oid};
use crate::asn1::{Checksum, IakerbFinished, IakerbHeader, IakerbRealm};
use crate::crypto::Key;
use crate::der::{self, Decode, Reader, Utf8String};
use crate::iana::KeyUsage;

/// The most messages that go to KDCs: as many as MIT lets an AS exchange have, and ten referrals.
const MAX_MESSAGES: usize = 26;
/// The most octets of a conversation that are kept to be signed.
const MAX_CONVERSATION: usize = 1 << 20;

/// A conversation, as the login's IAKERB-FINISHED covers it.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    dialect: IakerbDialect,
    tokens: &'a [u8],
}

impl Bound<'_> {
    /// The number of IAKERB-FINISHED among the extensions of the login's checksum.
    const fn extension(&self) -> u32 {
        match self.dialect {
            IakerbDialect::Draft => 2,
            IakerbDialect::BeforeMit122 => 1,
        }
    }

    const fn usage(&self) -> KeyUsage {
        match self.dialect {
            IakerbDialect::Draft => KeyUsage::FINISHED,
            IakerbDialect::BeforeMit122 => KeyUsage::IAKERB_FINISHED,
        }
    }

    /// IAKERB-FINISHED, with its number: the subkey's checksum over all tokens that went before.
    fn finished(&self, subkey: &Key) -> (u32, Vec<u8>) {
        let checksum = subkey.checksum(self.usage(), self.tokens);
        let gss_mic = Checksum { cksumtype: subkey.checksum_type(), checksum: &checksum };
        (self.extension(), der::encode(&IakerbFinished { gss_mic }))
    }

    /// Is a login with these extensions of its checksum bound to it?
    fn verify(
        &self,
        mut extensions: Extensions<'_>,
        subkey: Option<&Key>,
    ) -> Result<(), IakerbError> {
        let finished = extensions.find(|(number, _)| *number == self.extension());
        let (_, finished) = finished.ok_or(IakerbError::Finished)?;
        self.verify_finished(subkey.ok_or(IakerbError::Finished)?, finished)
    }

    fn verify_finished(&self, subkey: &Key, finished: &[u8]) -> Result<(), IakerbError> {
        let finished: IakerbFinished<'_> = der::decode(finished).map_err(IakerbError::Malformed)?;
        let Checksum { cksumtype, checksum } = finished.gss_mic;
        subkey
            .verify_checksum(self.usage(), cksumtype, self.tokens, checksum)
            .map_err(|_| IakerbError::Finished)
    }
}

/// All tokens of both sides, in order, as they went over the wire.
#[derive(Default)]
struct Conversation {
    octets: Vec<u8>,
    messages: usize,
}

impl Conversation {
    /// Records a token with a message to or from a KDC.
    fn add(&mut self, token: &[u8]) -> Result<(), IakerbError> {
        self.messages += 1;
        if self.messages > 2 * MAX_MESSAGES || self.octets.len() + token.len() > MAX_CONVERSATION {
            return Err(IakerbError::TooLong);
        }
        self.octets.extend_from_slice(token);
        Ok(())
    }

    /// What the login must be bound to, if anything went before it.
    fn bound(&self, dialect: IakerbDialect) -> Option<Bound<'_>> {
        (!self.octets.is_empty()).then_some(Bound { dialect, tokens: &self.octets })
    }
}

/// What the other side speaks. An acceptor goes by the client's first token.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum IakerbDialect {
    /// draft-ietf-kitten-iakerb, as Windows and MIT krb5 since 1.22 have it: every token is framed,
    /// realms are UTF8Strings.
    #[default]
    Draft,
    /// MIT krb5 up to 1.21: only the first token is framed, realms are OCTET STRINGs, and
    /// IAKERB-FINISHED has another number and key usage.
    BeforeMit122,
}

impl IakerbDialect {
    const fn of(realm: &IakerbRealm<'_>) -> Self {
        match realm {
            IakerbRealm::Utf8String(_) => Self::Draft,
            IakerbRealm::OctetString(_) => Self::BeforeMit122,
        }
    }

    const fn write(self, realm: &[u8]) -> IakerbRealm<'_> {
        match self {
            Self::Draft => IakerbRealm::Utf8String(Utf8String(realm)),
            Self::BeforeMit122 => IakerbRealm::OctetString(realm),
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
    /// The token; `first` of a conversation or not.
    fn to_token(&self, first: bool) -> Vec<u8> {
        let header = der::encode(&IakerbHeader { target_realm: self.realm, cookie: self.cookie });
        let body = [&TokenId::IAKERB_PROXY.0, &header[..], self.message].concat();
        if first || IakerbDialect::of(&self.realm) == IakerbDialect::Draft {
            frame(Oid::IAKERB, |writer| writer.prepend(&body))
        } else {
            body
        }
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
