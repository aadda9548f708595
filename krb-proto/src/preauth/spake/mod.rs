//! SPAKE (RFC 9588): a key agreement that a password strengthens, so that who listens, or answers
//! in the KDC's place, cannot try passwords at home.
//!
//! [`Agreement`] is one side's part of it, the client's or a KDC's; [`Transcript`] is what both
//! have said; [`SpakeKeys`] come of the two.

#[cfg(any(feature = "kdc", test))]
mod challenge;
mod edwards25519;
mod group;
mod nist;
mod side;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

#[cfg(any(feature = "kdc", test))]
pub use challenge::{ChallengeError, KdcChallenge, challenge, verify_response};
pub use group::SpakeGroup;
pub use side::Side;

use crate::Random;
use crate::crypto::{CryptoError, Key};

/// The second factor that stands for none (RFC 9588 section 11.1).
pub(crate) const SF_NONE: i32 = 1;

/// What both sides have said (RFC 9588 section 6): a hash that goes on from message to message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transcript {
    group: SpakeGroup,
    hash: Vec<u8>,
}

impl Transcript {
    /// Begins with the client's PA-SPAKE support message, if it sent one, and the KDC's challenge:
    /// the DER of both, as sent and as received.
    #[must_use]
    pub fn new(group: SpakeGroup, support: Option<&[u8]>, challenge: &[u8]) -> Self {
        let hash = alloc::vec![0; group.hash(&[]).len()];
        Self { group, hash }.then(&[support.unwrap_or_default(), challenge])
    }

    /// Goes on with the client's public element.
    #[must_use]
    pub fn with_response(self, pubkey: &[u8]) -> Self {
        self.then(&[pubkey])
    }

    fn then(self, parts: &[&[u8]]) -> Self {
        let parts: Vec<&[u8]> =
            core::iter::once(&*self.hash).chain(parts.iter().copied()).collect();
        Self { group: self.group, hash: self.group.hash(&parts).to_vec() }
    }
}

/// One side's part of the agreement: a secret multiplier, and the element to be sent.
pub struct Agreement {
    group: SpakeGroup,
    side: Side,
    initial_key: Key,
    /// The multiplier that stands for the password.
    w: Zeroizing<Vec<u8>>,
    private: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl Agreement {
    /// Draws a multiplier. `initial_key` is the client's long-term key.
    ///
    /// # Errors
    /// None for keys of the enctypes here; [`CryptoError::OutputTooLong`] by its signature.
    pub fn new(
        group: SpakeGroup,
        side: Side,
        initial_key: &Key,
        rng: &mut dyn Random,
    ) -> Result<Self, CryptoError> {
        Self::with_private(group, side, initial_key, group.private(rng))
    }

    fn with_private(
        group: SpakeGroup,
        side: Side,
        initial_key: &Key,
        private: Zeroizing<Vec<u8>>,
    ) -> Result<Self, CryptoError> {
        // RFC 9588 section 5.
        let input = [b"SPAKEsecret", &group.number().to_be_bytes()[..]].concat();
        let w = initial_key.prf_plus(&input, group.multiplier_len())?;
        let public = group.public(side, &w, &private);
        Ok(Self { group, side, initial_key: initial_key.clone(), w, private, public })
    }

    /// The element to be sent: `pubkey` of a challenge or response.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The keys, once the peer's element is there. `body` is the DER of the KDC-REQ-BODY of the
    /// request that carries the response.
    ///
    /// # Errors
    /// [`SpakeError::PublicElement`]. That the peer knows the password shows only where something
    /// that it has encrypted with these keys can be decrypted.
    pub fn keys(
        &self,
        peer: &[u8],
        transcript: Transcript,
        body: &[u8],
    ) -> Result<SpakeKeys, SpakeError> {
        let shared = self.group.shared(self.side, &self.w, &self.private, peer);
        let client = match self.side {
            Side::Client => &self.public,
            Side::Kdc => peer,
        };
        Ok(SpakeKeys {
            group: self.group,
            initial_key: self.initial_key.clone(),
            w: self.w.clone(),
            shared: shared.ok_or(SpakeError::PublicElement)?,
            transcript: transcript.with_response(client).hash,
            body: body.to_vec(),
        })
    }
}

impl fmt::Debug for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agreement")
            .field("group", &self.group)
            .field("side", &self.side)
            .finish_non_exhaustive()
    }
}

/// The keys that both sides come to (RFC 9588 section 7).
pub struct SpakeKeys {
    group: SpakeGroup,
    initial_key: Key,
    w: Zeroizing<Vec<u8>>,
    shared: Zeroizing<Vec<u8>>,
    transcript: Vec<u8>,
    body: Vec<u8>,
}

impl SpakeKeys {
    /// The key of the reply, K'\[0\].
    ///
    /// # Errors
    /// As [`Self::message_key`].
    pub fn reply_key(&self) -> Result<Key, CryptoError> {
        self.key(0)
    }

    /// The key of the response's factor, K'\[1\], or of a later message that carries EncryptedData:
    /// `number` counts on from there.
    ///
    /// # Errors
    /// None for keys of the enctypes here; [`CryptoError`] by its signature.
    pub fn message_key(&self, number: u32) -> Result<Key, CryptoError> {
        self.key(number)
    }

    fn key(&self, number: u32) -> Result<Key, CryptoError> {
        let length = self.initial_key.as_bytes().len();
        let mut seed = Zeroizing::new(Vec::with_capacity(2 * length));
        for block in 1..=u8::MAX {
            if seed.len() >= length {
                break;
            }
            seed.extend_from_slice(&self.group.hash(&[
                b"SPAKEkey",
                &self.group.number().to_be_bytes(),
                &self.initial_key.enctype().0.to_be_bytes(),
                &self.w,
                &self.shared,
                &self.transcript,
                &self.body,
                &number.to_be_bytes(),
                &[block],
            ]));
        }
        let seed = seed.get(..length).ok_or(CryptoError::OutputTooLong)?;
        self.initial_key.fx_cf2(b"SPAKE", &self.initial_key.sibling(seed)?, b"keyderiv")
    }
}

impl fmt::Debug for SpakeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpakeKeys").field("group", &self.group).finish_non_exhaustive()
    }
}

/// Why the agreement failed. The peer's fault, or an attacker's on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SpakeError {
    /// The peer's public element is no element of the group, or one that leads nowhere.
    PublicElement,
    /// The KDC's challenge is of a group that was not offered.
    Group(i32),
    /// The KDC wants a second factor, and takes none of ours.
    SecondFactor,
    /// A message that is not due.
    OutOfStep,
    /// A KDC that was answered wants other pre-authentication.
    Abandoned,
}

impl fmt::Display for SpakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicElement => f.write_str("the peer's public element is not one of its group"),
            Self::Group(number) => write!(f, "the KDC chose group {number}, which was not offered"),
            Self::SecondFactor => {
                f.write_str("the KDC demands a second factor, which this side does not have")
            }
            Self::OutOfStep => f.write_str("the KDC's message is not the one that is due"),
            Self::Abandoned => f.write_str(
                "after this side's proof the KDC wants other pre-authentication: another KDC of the \
                 realm that does not know SPAKE, or an attacker who wants a weaker proof",
            ),
        }
    }
}

impl core::error::Error for SpakeError {}
