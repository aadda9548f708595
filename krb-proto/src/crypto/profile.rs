use alloc::boxed::Box;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::CryptoError;
use super::mac::Mac;
use crate::Random;
use crate::iana::{ChecksumType, EncType, KeyUsage};

/// What an enctype is: RFC 3961 section 3. One constant each, in the file of its RFC.
pub(super) struct Profile {
    pub(super) enctype: EncType,
    /// Octets of a key; also of the seed that random-to-key takes, which changes nothing in any
    /// enctype here.
    pub(super) key_len: usize,
    /// Octets of a ciphertext before the plaintext and after it.
    pub(super) header_len: usize,
    pub(super) trailer_len: usize,
    /// The checksum that every implementation of the enctype has.
    pub(super) checksum_type: ChecksumType,
    pub(super) checksum_len: usize,
    pub(super) sealing: fn(key: &[u8], usage: KeyUsage) -> Box<dyn Sealing>,
    pub(super) checksumming: fn(key: &[u8], usage: KeyUsage) -> Box<dyn Checksumming>,
    pub(super) prf: fn(key: &[u8], input: &[u8]) -> Zeroizing<Vec<u8>>,
    /// None for an enctype without iterations, which `Key::from_password` refuses.
    pub(super) string_to_key: Option<StringToKey>,
}

/// How an enctype makes a key of a password.
pub(super) struct StringToKey {
    pub(super) default_iterations: u32,
    /// What stands before the salt: the enctype's name and a NUL, or nothing.
    pub(super) salt_prefix: &'static [u8],
    pub(super) derive: fn(password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]),
}

/// Encryption with the keys that were derived for one usage.
pub(super) trait Sealing: Send + Sync {
    /// Encrypts in place. `message` is room for the header, the plaintext, room for the trailer.
    fn seal(&self, message: &mut [u8], rng: &mut dyn Random);
    /// Decrypts in place if the MAC is right; the plaintext is then between header and trailer.
    /// Where the MAC is wrong `message` holds no plaintext.
    fn open(&self, message: &mut [u8]) -> Result<(), CryptoError>;
}

/// Checksums with the key that was derived for one usage.
pub(super) trait Checksumming: Send + Sync {
    /// Fills `out` with the first octets of the checksum.
    fn checksum(&self, data: &[u8], out: &mut [u8]);
}

impl<M: Mac> Checksumming for M {
    fn checksum(&self, data: &[u8], out: &mut [u8]) {
        self.compute(&[data], out);
    }
}

/// What the keys of one usage are told apart by (RFC 3961 section 5.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Checksum = 0x99,
    Encryption = 0xaa,
    Integrity = 0x55,
}

/// The well-known constant that a key is derived with: usage and purpose.
pub(super) fn constant(usage: KeyUsage, purpose: Purpose) -> [u8; 5] {
    let [a, b, c, d] = usage.0.to_be_bytes();
    [a, b, c, d, purpose as u8]
}
