//! RC4-HMAC (RFC 4757). Broken, and kept apart: keys are made only by constructors that say
//! `danger`. Its keyed checksum lives on in PA-FOR-USER, with keys of every enctype.

use alloc::boxed::Box;
use alloc::vec::Vec;

use md4::{Digest, Md4};
use zeroize::{Zeroize, Zeroizing};

use super::CryptoError;
use super::hash::{Hasher, Md5, Sha1};
use super::hmac::Hmac;
use super::mac::{Mac, mac};
use super::profile::{Checksumming, Profile, Sealing};
use crate::Random;
use crate::iana::{ChecksumType, EncType, KeyUsage};

/// Octets of HMAC-MD5.
pub(super) const MAC: usize = 16;
const CONFOUNDER: usize = 8;

pub(super) const RC4: Profile = Profile {
    enctype: EncType::RC4_HMAC,
    key_len: 16,
    header_len: MAC + CONFOUNDER,
    trailer_len: 0,
    checksum_type: ChecksumType::HMAC_MD5,
    checksum_len: MAC,
    sealing: |key, usage| {
        let message_key = mac::<_, MAC>(&Hmac::<Md5>::new(key), &[&message_type(usage)]);
        Box::new(MacThenRc4 { mac: Hmac::new(&*message_key) })
    },
    checksumming: |key, usage| Box::new(HmacMd5::new(key, usage)),
    // Not in the RFC; HMAC-SHA-1 is what MIT and Heimdal agreed on.
    prf: |key, input| Zeroizing::new(mac::<_, 20>(&Hmac::<Sha1>::new(key), &[input]).to_vec()),
    string_to_key: None,
};

/// The message type T of sections 3 and 4, from a key usage. The RFC's table also turns 9 into 8;
/// its erratum and Windows do not.
fn message_type(usage: KeyUsage) -> [u8; 4] {
    let message_type = match usage {
        KeyUsage::AS_REP => 8,
        KeyUsage::ACCEPTOR_SIGN => 13,
        KeyUsage(other) => other,
    };
    message_type.to_le_bytes()
}

/// String-to-key (section 2), the NT hash: MD4 of the password in UTF-16. No salt, no iterations.
pub(super) fn string_to_key(password: &str) -> Zeroizing<[u8; 16]> {
    let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * password.len()));
    utf16.extend(password.encode_utf16().flat_map(u16::to_le_bytes));
    Zeroizing::new(Md4::digest(&utf16).into())
}

/// KERB_CHECKSUM_HMAC_MD5 (section 4), with a key of any enctype and length.
pub(super) struct HmacMd5 {
    signature: Hmac<Md5>,
    message_type: [u8; 4],
}

impl HmacMd5 {
    pub(super) fn new(key: &[u8], usage: KeyUsage) -> Self {
        let signature_key = mac::<_, MAC>(&Hmac::<Md5>::new(key), &[b"signaturekey\0"]);
        Self { signature: Hmac::new(&*signature_key), message_type: message_type(usage) }
    }
}

impl Checksumming for HmacMd5 {
    fn checksum(&self, data: &[u8], out: &mut [u8]) {
        let mut digest = Hasher::<Md5>::new();
        digest.update(&self.message_type);
        digest.update(data);
        self.signature.compute(&[&digest.finish()], out);
    }
}

/// A MAC over confounder and plaintext, then RC4 over both with a key made of that MAC (section 5).
struct MacThenRc4 {
    /// With K1, which is K2 for the 128-bit enctype.
    mac: Hmac<Md5>,
}

impl MacThenRc4 {
    fn rc4(&self, tag: &[u8]) -> Rc4 {
        Rc4::new(&mac(&self.mac, &[tag]))
    }
}

impl Sealing for MacThenRc4 {
    fn seal(&self, message: &mut [u8], rng: &mut dyn Random) {
        let (tag, text) = message.split_at_mut(MAC);
        rng.fill(text.split_at_mut(CONFOUNDER).0);
        self.mac.compute(&[text], tag);
        self.rc4(tag).apply(text);
    }

    fn open(&self, message: &mut [u8]) -> Result<(), CryptoError> {
        let (tag, text) = message
            .split_first_chunk_mut::<MAC>()
            .filter(|(_, text)| text.len() >= CONFOUNDER)
            .ok_or(CryptoError::CiphertextTooShort)?;
        let mut rc4 = self.rc4(tag);
        let mut running = self.mac.start();
        // In small pieces, so that the processor runs the two chains side by side.
        for piece in text.chunks_mut(64) {
            rc4.apply(piece);
            running.update(piece);
        }
        self.mac.verify(running, tag).inspect_err(|_| text.zeroize())
    }
}

/// Encrypts and decrypts parts of GSS tokens (section 7.3): `mask` is what changes every octet of
/// the key, `salt` the checksum or the sequence number.
pub(crate) fn gss_stream(key: &[u8], mask: u8, salt: &[u8], data: &mut [u8]) {
    let key: Zeroizing<Vec<u8>> = Zeroizing::new(key.iter().map(|octet| octet ^ mask).collect());
    let salted = mac::<_, MAC>(&Hmac::<Md5>::new(&key), &[&[0; 4]]);
    Rc4::new(&mac(&Hmac::<Md5>::new(&*salted), &[salt])).apply(data);
}

/// The stream cipher. An octet cannot be out of the bounds of 256 words. Only octets stand in the
/// words: loads and stores of whole ones are a fifth faster.
struct Rc4 {
    state: [u32; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    fn new(key: &[u8; MAC]) -> Self {
        let mut state = core::array::from_fn(|i| i as u32);
        let mut j = 0_u8;
        for (i, key) in (0..=255_u8).zip(key.iter().cycle()) {
            j = j.wrapping_add(state[usize::from(i)] as u8).wrapping_add(*key);
            state.swap(usize::from(i), usize::from(j));
        }
        Self { state, i: 0, j: 0 }
    }

    fn apply(&mut self, data: &mut [u8]) {
        let (mut i, mut j, state) = (self.i, self.j, &mut self.state);
        for octet in data {
            i = i.wrapping_add(1);
            let a = state[usize::from(i)];
            j = j.wrapping_add(a as u8);
            let b = state[usize::from(j)];
            state[usize::from(i)] = b;
            state[usize::from(j)] = a;
            *octet ^= state[usize::from((a + b) as u8)] as u8;
        }
        (self.i, self.j) = (i, j);
    }
}

impl Drop for Rc4 {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}
