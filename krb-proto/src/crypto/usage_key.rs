use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::CryptoError;
use super::constant_time::verify;
use super::profile::{Checksumming, Profile, Sealing};
use crate::Random;
use crate::iana::ChecksumType;

/// The keys that a [`Key`](super::Key) has for one usage, derived and expanded: for a context that
/// protects many messages. Made by [`Key::for_usage`](super::Key::for_usage).
pub struct UsageKey {
    pub(super) profile: &'static Profile,
    pub(super) sealing: Box<dyn Sealing>,
    pub(super) checksumming: Box<dyn Checksumming>,
}

impl UsageKey {
    /// By how many octets a ciphertext is longer than its plaintext.
    #[must_use]
    pub fn overhead(&self) -> usize {
        self.profile.header_len + self.profile.trailer_len
    }

    /// Encrypts `plaintext` and appends the ciphertext to `out`.
    pub fn encrypt_into(&self, plaintext: &[u8], rng: &mut dyn Random, out: &mut Vec<u8>) {
        seal(self.profile, &*self.sealing, plaintext, rng, out);
    }

    /// As [`Key::encrypt`](super::Key::encrypt).
    pub fn encrypt(&self, plaintext: &[u8], rng: &mut dyn Random) -> Vec<u8> {
        let mut out = Vec::new();
        self.encrypt_into(plaintext, rng, &mut out);
        out
    }

    /// As [`Key::decrypt`](super::Key::decrypt).
    ///
    /// # Errors
    /// [`CryptoError::CiphertextTooShort`], [`CryptoError::IntegrityCheckFailed`].
    pub fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        open(self.profile, &*self.sealing, ciphertext)
    }

    /// Decrypts within `message` and returns the plaintext's part of it. After an error `message`
    /// is of no use, and holds no plaintext.
    ///
    /// # Errors
    /// [`CryptoError::CiphertextTooShort`], [`CryptoError::IntegrityCheckFailed`].
    pub fn decrypt_in_place<'m>(&self, message: &'m mut [u8]) -> Result<&'m mut [u8], CryptoError> {
        self.sealing.open(message)?;
        let end = message.len() - self.profile.trailer_len;
        Ok(&mut message[self.profile.header_len..end])
    }

    /// As [`Key::checksum`](super::Key::checksum).
    #[must_use]
    pub fn checksum(&self, data: &[u8]) -> Vec<u8> {
        checksum(self.profile.checksum_len, &*self.checksumming, data)
    }

    /// As [`Key::verify_checksum`](super::Key::verify_checksum), for the key's own type only.
    ///
    /// # Errors
    /// [`CryptoError::ChecksumTypeNotAllowed`], [`CryptoError::IntegrityCheckFailed`].
    pub fn verify_checksum(
        &self,
        checksum_type: ChecksumType,
        data: &[u8],
        checksum: &[u8],
    ) -> Result<(), CryptoError> {
        if checksum_type != self.profile.checksum_type {
            return Err(CryptoError::ChecksumTypeNotAllowed(checksum_type));
        }
        verify(&self.checksum(data), checksum)
    }
}

impl fmt::Debug for UsageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UsageKey({})", self.profile.enctype)
    }
}

pub(super) fn seal(
    profile: &Profile,
    sealing: &dyn Sealing,
    plaintext: &[u8],
    rng: &mut dyn Random,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    // At once, so that no reallocation leaves a plaintext behind.
    out.reserve(profile.header_len + plaintext.len() + profile.trailer_len);
    out.resize(start + profile.header_len, 0);
    out.extend_from_slice(plaintext);
    out.resize(out.len() + profile.trailer_len, 0);
    sealing.seal(out.split_at_mut(start).1, rng);
}

pub(super) fn open(
    profile: &Profile,
    sealing: &dyn Sealing,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut message = Zeroizing::new(ciphertext.to_vec());
    sealing.open(&mut message)?;
    message.truncate(ciphertext.len() - profile.trailer_len);
    message.drain(..profile.header_len);
    Ok(message)
}

pub(super) fn checksum(len: usize, checksumming: &dyn Checksumming, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; len];
    checksumming.checksum(data, &mut out);
    out
}
