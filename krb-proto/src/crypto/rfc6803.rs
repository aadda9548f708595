//! camellia128-cts-cmac and camellia256-cts-cmac (RFC 6803).

use alloc::boxed::Box;
use alloc::vec::Vec;

use camellia::{Camellia128, Camellia256};
use zeroize::Zeroizing;

use super::cbc_cts::{BLOCK, Cipher, cipher};
use super::cmac::Cmac;
use super::hash::Sha1;
use super::mac::{Mac, mac};
use super::pbkdf2::pbkdf2;
use super::profile::{Checksumming, Profile, Purpose, Sealing, StringToKey, constant};
use super::rfc3961::EncryptAndMac;
use crate::iana::{ChecksumType, EncType, KeyUsage};

pub(super) const CAMELLIA128: Profile = profile::<Camellia128, 16>(
    EncType::CAMELLIA128_CTS_CMAC,
    ChecksumType::CMAC_CAMELLIA128,
    b"camellia128-cts-cmac\0",
);
pub(super) const CAMELLIA256: Profile = profile::<Camellia256, 32>(
    EncType::CAMELLIA256_CTS_CMAC,
    ChecksumType::CMAC_CAMELLIA256,
    b"camellia256-cts-cmac\0",
);

const fn profile<C: Cipher + 'static, const KEY: usize>(
    enctype: EncType,
    checksum_type: ChecksumType,
    salt_prefix: &'static [u8],
) -> Profile {
    Profile {
        enctype,
        key_len: KEY,
        header_len: BLOCK,
        trailer_len: BLOCK,
        checksum_type,
        checksum_len: BLOCK,
        sealing: sealing::<C, KEY>,
        checksumming: checksumming::<C, KEY>,
        prf: prf::<C, KEY>,
        string_to_key: Some(StringToKey {
            default_iterations: 32_768,
            salt_prefix,
            derive: string_to_key::<C, KEY>,
        }),
    }
}

/// KDF-FEEDBACK-CMAC of section 3: each block of key is a CMAC over the one before.
pub(super) fn kdf<C: Cipher, const KEY: usize>(
    key: &[u8],
    constant: &[u8],
) -> Zeroizing<[u8; KEY]> {
    let bits = (KEY as u32 * 8).to_be_bytes();
    let cmac = Cmac::<C>::new(key);
    let mut out = Zeroizing::new([0; KEY]);
    let mut previous = Zeroizing::new([0; BLOCK]);
    for (out, index) in out.chunks_mut(BLOCK).zip(1_u32..) {
        cmac.compute(&[&*previous, &index.to_be_bytes(), constant, &[0], &bits], out);
        previous.copy_from_slice(out);
    }
    out
}

fn sealing<C: Cipher + 'static, const KEY: usize>(key: &[u8], usage: KeyUsage) -> Box<dyn Sealing> {
    let derive = |purpose| kdf::<C, KEY>(key, &constant(usage, purpose));
    Box::new(EncryptAndMac::<C, Cmac<C>, BLOCK> {
        cipher: cipher(&*derive(Purpose::Encryption)),
        mac: Cmac::new(&*derive(Purpose::Integrity)),
    })
}

fn checksumming<C: Cipher + 'static, const KEY: usize>(
    key: &[u8],
    usage: KeyUsage,
) -> Box<dyn Checksumming> {
    Box::new(Cmac::<C>::new(&*kdf::<C, KEY>(key, &constant(usage, Purpose::Checksum))))
}

/// Section 6.
fn prf<C: Cipher, const KEY: usize>(key: &[u8], input: &[u8]) -> Zeroizing<Vec<u8>> {
    let cmac = Cmac::<C>::new(&*kdf::<C, KEY>(key, b"prf"));
    Zeroizing::new(mac::<_, BLOCK>(&cmac, &[input]).to_vec())
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
    key.copy_from_slice(&*kdf::<C, KEY>(&*seed, b"kerberos"));
}
