//! The same keys, key usages and texts through every implementation of the enctypes.

mod mit;
mod rust;

use krb_proto::crypto::Key;
use krb_proto::iana::{EncType, KeyUsage};

use crate::entropy::Entropy;

/// A random key of an enctype, RC4 included.
pub fn key(enctype: EncType, entropy: &mut Entropy) -> Key {
    if enctype == EncType::RC4_HMAC {
        Key::danger_new_rc4(&entropy.octets(16)).unwrap()
    } else {
        Key::generate(enctype, entropy).unwrap()
    }
}

/// Mostly one that Kerberos names.
fn usage(entropy: &mut Entropy) -> KeyUsage {
    match entropy.below(8) {
        0 => KeyUsage(1024 + entropy.below(1 << 20) as u32),
        _ => KeyUsage(1 + entropy.below(65) as u32),
    }
}

/// Every length around the borders of blocks comes up.
fn text(entropy: &mut Entropy) -> Vec<u8> {
    let length = match entropy.below(8) {
        0 => entropy.below(3000),
        _ => entropy.below(100),
    };
    entropy.octets(length)
}

fn letters(entropy: &mut Entropy, limit: usize) -> String {
    let length = 1 + entropy.below(limit);
    (0..length).map(|_| char::from(b'a' + entropy.below(26) as u8)).collect()
}
