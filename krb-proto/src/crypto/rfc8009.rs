//! aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009).

use alloc::boxed::Box;
use alloc::vec::Vec;

use aes::{Aes128, Aes256};
use zeroize::Zeroizing;

use super::CryptoError;
use super::cbc_cts::{self, BLOCK, Cipher, DECRYPT_AT_ONCE, cipher};
use super::hash::{Hash, Sha256, Sha384};
use super::hmac::Hmac;
use super::mac::{Mac, mac};
use super::pbkdf2::pbkdf2;
use super::profile::{Checksumming, Profile, Purpose, Sealing, StringToKey, constant};
use crate::Random;
use crate::iana::{ChecksumType, EncType, KeyUsage};

pub(super) const AES128: Profile = profile::<Aes128, Sha256, 16, 16, 32>(
    EncType::AES128_CTS_HMAC_SHA256_128,
    ChecksumType::HMAC_SHA256_128_AES128,
    b"aes128-cts-hmac-sha256-128\0",
);
pub(super) const AES256: Profile = profile::<Aes256, Sha384, 32, 24, 48>(
    EncType::AES256_CTS_HMAC_SHA384_192,
    ChecksumType::HMAC_SHA384_192_AES256,
    b"aes256-cts-hmac-sha384-192\0",
);

/// `KEY`, `MAC` and `PRF` are lengths in octets; the keys of the MAC are as long as the MAC.
const fn profile<
    C: Cipher + 'static,
    H: Hash + 'static,
    const KEY: usize,
    const MAC: usize,
    const PRF: usize,
>(
    enctype: EncType,
    checksum_type: ChecksumType,
    salt_prefix: &'static [u8],
) -> Profile {
    Profile {
        enctype,
        key_len: KEY,
        header_len: BLOCK,
        trailer_len: MAC,
        checksum_type,
        checksum_len: MAC,
        sealing: sealing::<C, H, KEY, MAC>,
        checksumming: checksumming::<H, MAC>,
        prf: prf::<H, PRF>,
        string_to_key: Some(StringToKey {
            default_iterations: 32_768,
            salt_prefix,
            derive: string_to_key::<H, KEY>,
        }),
    }
}

/// KDF-HMAC-SHA2 of section 3. One block of HMAC is enough for every key and for the PRF.
pub(super) fn kdf<H: Hash, const N: usize>(
    key: &[u8],
    label: &[u8],
    context: &[u8],
) -> Zeroizing<[u8; N]> {
    let bits = (N as u32 * 8).to_be_bytes();
    mac(&Hmac::<H>::new(key), &[&[0, 0, 0, 1], label, &[0], context, &bits])
}

fn sealing<C: Cipher + 'static, H: Hash + 'static, const KEY: usize, const MAC: usize>(
    key: &[u8],
    usage: KeyUsage,
) -> Box<dyn Sealing> {
    let encryption = kdf::<H, KEY>(key, &constant(usage, Purpose::Encryption), &[]);
    let integrity = kdf::<H, MAC>(key, &constant(usage, Purpose::Integrity), &[]);
    Box::new(EncryptThenMac::<C, H, MAC> {
        cipher: cipher(&*encryption),
        mac: Hmac::new(&*integrity),
    })
}

fn checksumming<H: Hash + 'static, const MAC: usize>(
    key: &[u8],
    usage: KeyUsage,
) -> Box<dyn Checksumming> {
    Box::new(Hmac::<H>::new(&*kdf::<H, MAC>(key, &constant(usage, Purpose::Checksum), &[])))
}

fn prf<H: Hash, const PRF: usize>(key: &[u8], input: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(kdf::<H, PRF>(key, b"prf", input).to_vec())
}

/// Section 4.
fn string_to_key<H: Hash, const KEY: usize>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    key: &mut [u8],
) {
    let mut seed = Zeroizing::new([0; KEY]);
    pbkdf2::<H>(password, salt, iterations, &mut *seed);
    key.copy_from_slice(&*kdf::<H, KEY>(&*seed, b"kerberos", &[]));
}

/// CBC-CTS, then `MAC` octets of HMAC over the initial vector (zeros) and the ciphertext
/// (section 5).
struct EncryptThenMac<C, H: Hash, const MAC: usize> {
    cipher: C,
    mac: Hmac<H>,
}

impl<C: Cipher, H: Hash, const MAC: usize> Sealing for EncryptThenMac<C, H, MAC> {
    fn seal(&self, message: &mut [u8], rng: &mut dyn Random) {
        let (text, tag) = message.split_at_mut(message.len() - MAC);
        rng.fill(text.split_at_mut(BLOCK).0);
        let mut running = self.mac.start();
        running.update(&[0; BLOCK]);
        cbc_cts::encrypt(&self.cipher, text, |_| (), |piece| running.update(piece));
        self.mac.finish(running, tag);
    }

    fn open(&self, message: &mut [u8]) -> Result<(), CryptoError> {
        let (text, tag) = message
            .split_last_chunk_mut::<MAC>()
            .filter(|(text, _)| text.len() >= BLOCK)
            .ok_or(CryptoError::CiphertextTooShort)?;
        let mut running = self.mac.start();
        running.update(&[0; BLOCK]);
        running.update(text);
        self.mac.verify(running, tag)?;
        cbc_cts::decrypt::<_, DECRYPT_AT_ONCE>(&self.cipher, text, |_| ());
        Ok(())
    }
}
