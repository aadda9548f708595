use alloc::vec::Vec;

use super::{FastError, open, with_sealed};
use crate::asn1::{EncryptedData, PaEncTsEnc};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, Microseconds};
use crate::iana::KeyUsage;
use crate::{Random, Timestamp};

/// Whose encrypted challenge (RFC 6113 section 5.4.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Challenger {
    /// The client's, in its request.
    Client,
    /// The KDC's, in the reply.
    Kdc,
}

impl Challenger {
    fn usage(self) -> KeyUsage {
        match self {
            Self::Client => KeyUsage::ENC_CHALLENGE_CLIENT,
            Self::Kdc => KeyUsage::ENC_CHALLENGE_KDC,
        }
    }

    fn key(self, armor_key: &Key, client_key: &Key) -> Result<Key, CryptoError> {
        let pepper: &[u8] = match self {
            Self::Client => b"clientchallengearmor",
            Self::Kdc => b"kdcchallengearmor",
        };
        armor_key.fx_cf2(pepper, client_key, b"challengelongterm")
    }
}

/// PA-ENCRYPTED-CHALLENGE: the time, encrypted in a key of the armor key and the client's long-term
/// key, so that who lacks the armor key cannot guess at the password behind the other.
///
/// # Errors
/// None for keys of the enctypes here; [`CryptoError`] by its signature.
pub fn seal_challenge(
    challenger: Challenger,
    armor_key: &Key,
    client_key: &Key,
    time: Timestamp,
    rng: &mut dyn Random,
) -> Result<Vec<u8>, CryptoError> {
    let key = challenger.key(armor_key, client_key)?;
    let plaintext = der::encode(&PaEncTsEnc {
        patimestamp: time.seconds,
        pausec: Some(Microseconds(time.microseconds)),
    });
    Ok(with_sealed(&key, challenger.usage(), &plaintext, rng, |sealed| der::encode(&sealed)))
}

/// The time in a PA-ENCRYPTED-CHALLENGE, if it was made with the same keys. The client takes any
/// time: the reply is bound to its request by the nonce beside the challenge.
///
/// # Errors
/// [`FastError`].
pub fn open_challenge(
    challenger: Challenger,
    armor_key: &Key,
    client_key: &Key,
    value: &[u8],
) -> Result<Timestamp, FastError> {
    let sealed: EncryptedData<'_> = der::decode(value)?;
    let key = challenger.key(armor_key, client_key)?;
    let plaintext = open(&key, challenger.usage(), &sealed)?;
    let time: PaEncTsEnc = der::decode(&plaintext)?;
    let microseconds = time.pausec.map_or(0, |pausec| pausec.0);
    Ok(Timestamp { seconds: time.patimestamp, microseconds })
}
