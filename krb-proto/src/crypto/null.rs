//! An enctype that encrypts nothing, so that a fuzzer gets past the cryptography. It exists only
//! in tests and under `cfg(fuzzing)`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::CryptoError;
use super::profile::{Checksumming, Profile, Sealing};
use crate::Random;
use crate::iana::{ChecksumType, EncType};

/// The "null" enctype of RFC 3961 section 6.1.
pub(super) const ENCTYPE: EncType = EncType(0);

pub(super) const NULL: Profile = Profile {
    enctype: ENCTYPE,
    key_len: 0,
    header_len: 0,
    trailer_len: 0,
    checksum_type: ChecksumType(0),
    checksum_len: 0,
    sealing: |_, _| Box::new(Null),
    checksumming: |_, _| Box::new(Null),
    prf: |_, _| Zeroizing::new(Vec::new()),
    string_to_key: None,
};

struct Null;

impl Sealing for Null {
    fn seal(&self, _message: &mut [u8], _rng: &mut dyn Random) {}

    fn open(&self, _message: &mut [u8]) -> Result<(), CryptoError> {
        Ok(())
    }
}

impl Checksumming for Null {
    fn checksum(&self, _data: &[u8], _out: &mut [u8]) {}
}
