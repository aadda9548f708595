//! aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962).

use alloc::boxed::Box;
use alloc::vec::Vec;

use aes::{Aes128, Aes256};
use zeroize::{Zeroize, Zeroizing};

use super::cbc_cts::{BLOCK, Block, Cipher, cipher};
use super::hash::{Hasher, Sha1};
use super::hmac::Hmac;
use super::mac::Mac;
use super::pbkdf2::pbkdf2;
use super::profile::{Checksumming, Profile, Purpose, Sealing, StringToKey, constant};
use super::rfc3961::{EncryptAndMac, derive};
use crate::iana::{ChecksumType, EncType, KeyUsage};

/// Octets of HMAC-SHA-1-96.
const MAC: usize = 12;

pub(super) const AES128: Profile =
    profile::<Aes128, 16>(EncType::AES128_CTS_HMAC_SHA1_96, ChecksumType::HMAC_SHA1_96_AES128);
pub(super) const AES256: Profile =
    profile::<Aes256, 32>(EncType::AES256_CTS_HMAC_SHA1_96, ChecksumType::HMAC_SHA1_96_AES256);

const fn profile<C: Cipher + 'static, const KEY: usize>(
    enctype: EncType,
    checksum_type: ChecksumType,
) -> Profile {
    Profile {
        enctype,
        key_len: KEY,
        header_len: BLOCK,
        trailer_len: MAC,
        checksum_type,
        checksum_len: MAC,
        sealing: sealing::<C, KEY>,
        checksumming: checksumming::<C, KEY>,
        prf: prf::<C, KEY>,
        string_to_key: Some(StringToKey {
            default_iterations: 4096,
            salt_prefix: b"",
            derive: string_to_key::<C, KEY>,
        }),
    }
}

fn derived<C: Cipher, const KEY: usize>(key: &[u8], constant: &[u8]) -> Zeroizing<[u8; KEY]> {
    let mut out = Zeroizing::new([0; KEY]);
    derive::<C>(key, constant, &mut *out);
    out
}

fn sealing<C: Cipher + 'static, const KEY: usize>(key: &[u8], usage: KeyUsage) -> Box<dyn Sealing> {
    let derive = |purpose| derived::<C, KEY>(key, &constant(usage, purpose));
    Box::new(EncryptAndMac::<C, Hmac<Sha1>, MAC> {
        cipher: cipher(&*derive(Purpose::Encryption)),
        mac: Hmac::new(&*derive(Purpose::Integrity)),
    })
}

fn checksumming<C: Cipher, const KEY: usize>(key: &[u8], usage: KeyUsage) -> Box<dyn Checksumming> {
    let key = derived::<C, KEY>(key, &constant(usage, Purpose::Checksum));
    Box::new(Hmac::<Sha1>::new(&*key))
}

/// RFC 3961 section 5.3: the hash, cut to a whole block, encrypted with a key of its own.
fn prf<C: Cipher, const KEY: usize>(key: &[u8], input: &[u8]) -> Zeroizing<Vec<u8>> {
    let cipher: C = cipher(&*derived::<C, KEY>(key, b"prf"));
    let mut hasher = Hasher::<Sha1>::new();
    hasher.update(input);
    let mut block = Block::default();
    block.iter_mut().zip(hasher.finish()).for_each(|(to, from)| *to = from);
    cipher.encrypt_block(&mut block);
    let output = Zeroizing::new(block.to_vec());
    block.as_mut_slice().zeroize();
    output
}

/// Section 4.
fn string_to_key<C: Cipher, const KEY: usize>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    key: &mut [u8],
) {
    let mut seed = Zeroizing::new([0; KEY]);
    pbkdf2::<Sha1>(password, salt, iterations, &mut *seed);
    derive::<C>(&*seed, b"kerberos", key);
}
