//! The KDC's side of PA-SPAKE (RFC 9588 section 4), without a second factor: it challenges whoever
//! says which groups it has, and verifies the response. Between the two nothing stays at the KDC:
//! what it has to know goes into a cookie, which is the caller's to seal.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::{Agreement, SF_NONE, Side, SpakeGroup, Transcript};
use crate::Random;
use crate::asn1::{PaSpake, SpakeChallenge, SpakeSecondFactor};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, List};
use crate::iana::KeyUsage;

/// A KDC's challenge: what it says, and what it must remember until the response comes.
pub struct KdcChallenge {
    /// PA-SPAKE's value, for the client.
    pub message: Vec<u8>,
    /// What [`verify_response`] reads. The secret multiplier is in it: it leaves the KDC only
    /// encrypted.
    pub state: Zeroizing<Vec<u8>>,
}

/// Answers a PA-SPAKE with a client's groups: in the first of them, the client's order counting,
/// that is among `groups`. `initial_key` is the client's long-term key.
///
/// # Errors
/// [`ChallengeError::OutOfStep`] for anything else than SPAKESupport; [`ChallengeError::NoGroup`].
pub fn challenge(
    groups: &[SpakeGroup],
    initial_key: &Key,
    support: &[u8],
    rng: &mut dyn Random,
) -> Result<KdcChallenge, ChallengeError> {
    let Ok(PaSpake::Support(offer)) = der::decode(support) else {
        return Err(ChallengeError::OutOfStep);
    };
    let group = offer
        .groups
        .iter()
        .filter_map(SpakeGroup::from_number)
        .find(|group| groups.contains(group))
        .ok_or(ChallengeError::NoGroup)?;
    let agreement = Agreement::new(group, Side::Kdc, initial_key, rng)?;
    let factors = [SpakeSecondFactor { factor_type: SF_NONE, data: None }];
    let message = der::encode(&PaSpake::Challenge(SpakeChallenge {
        group: group.number(),
        pubkey: agreement.public(),
        factors: List::of(&factors),
    }));
    let transcript = Transcript::new(group, Some(support), &message);
    let number = group.number().to_be_bytes();
    let parts = [&number[..], &agreement.private, &transcript.hash];
    let mut state = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| state.extend_from_slice(part));
    Ok(KdcChallenge { message, state })
}

/// The key of the reply, if the PA-SPAKE `response` to a [`challenge`] proves the password. `body`
/// is the DER of the KDC-REQ-BODY that came with it.
///
/// # Errors
/// [`ChallengeError::OutOfStep`] for anything else than a SPAKEResponse, or a state that is none;
/// [`ChallengeError::PublicElement`]; [`ChallengeError::Proof`] for another password;
/// [`ChallengeError::SecondFactor`] for a factor other than none.
pub fn verify_response(
    state: &[u8],
    initial_key: &Key,
    response: &[u8],
    body: &[u8],
) -> Result<Key, ChallengeError> {
    let (agreement, transcript) = restore(state, initial_key)?;
    let Ok(PaSpake::Response(response)) = der::decode(response) else {
        return Err(ChallengeError::OutOfStep);
    };
    let keys = agreement
        .keys(response.pubkey, transcript, body)
        .map_err(|_| ChallengeError::PublicElement)?;
    let factor_key = keys.message_key(1)?;
    if response.factor.etype != factor_key.enctype() {
        return Err(ChallengeError::Proof);
    }
    let factor = factor_key
        .decrypt(KeyUsage::SPAKE, response.factor.cipher)
        .map_err(|_| ChallengeError::Proof)?;
    match der::decode::<SpakeSecondFactor<'_>>(&factor) {
        Ok(SpakeSecondFactor { factor_type: SF_NONE, .. }) => Ok(keys.reply_key()?),
        Ok(_) => Err(ChallengeError::SecondFactor),
        Err(_) => Err(ChallengeError::OutOfStep),
    }
}

fn restore(state: &[u8], initial_key: &Key) -> Result<(Agreement, Transcript), ChallengeError> {
    let parts = || {
        let (number, rest) = state.split_first_chunk()?;
        let group = SpakeGroup::from_number(i32::from_be_bytes(*number))?;
        let (private, hash) = rest.split_at_checked(group.multiplier_len())?;
        (hash.len() == group.hash(&[]).len()).then_some((group, private, hash))
    };
    let (group, private, hash) = parts().ok_or(ChallengeError::OutOfStep)?;
    let private = Zeroizing::new(private.to_vec());
    let agreement = Agreement::with_private(group, Side::Kdc, initial_key, private)?;
    Ok((agreement, Transcript { group, hash: hash.to_vec() }))
}

/// Why a client's message was refused. All are the client's fault, or an attacker's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ChallengeError {
    /// Not the message that is due, or not one at all.
    OutOfStep,
    /// None of the client's groups is among the KDC's.
    NoGroup,
    /// The client's public element is no element of the group, or one that leads nowhere.
    PublicElement,
    /// The client has another password, or answers another challenge.
    Proof,
    /// The client answers with a second factor that was not asked for.
    SecondFactor,
    /// The client's key cannot be used.
    Crypto(CryptoError),
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfStep => f.write_str("the client's SPAKE message is not the one that is due"),
            Self::NoGroup => f.write_str("the client has none of the KDC's SPAKE groups"),
            Self::PublicElement => {
                f.write_str("the client's public element is not one of its group")
            }
            Self::Proof => f.write_str("the client has another password (SPAKE)"),
            Self::SecondFactor => f.write_str("the client sent a second factor that is not taken"),
            Self::Crypto(error) => write!(f, "the client's key cannot be used: {error}"),
        }
    }
}

impl core::error::Error for ChallengeError {}

impl From<CryptoError> for ChallengeError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}
