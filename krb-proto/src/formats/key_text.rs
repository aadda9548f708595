//! Keys as text, as programs that show them write them.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::krb5_conf::parse_enctype;
use crate::crypto::{CryptoError, Key};
use crate::iana::EncType;

/// Why a text is no key. What may be part of one is not said again.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KeyTextError {
    /// It is not of the form `ENCTYPE:HEX`.
    Form,
    /// What stands in front is no enctype that has a name here.
    EncType,
    /// There is no such key of the enctype.
    Key(EncType, CryptoError),
}

impl fmt::Display for KeyTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = "write a key as ENCTYPE:HEX, such as aes256-cts-hmac-sha1-96:0123…";
        match self {
            Self::Form => f.write_str(form),
            Self::EncType => write!(f, "this begins with no enctype that is known here: {form}"),
            Self::Key(enctype, error) => write!(f, "the key of {enctype}: {error}"),
        }
    }
}

impl core::error::Error for KeyTextError {}

/// A key as `ENCTYPE:HEX`, the enctype as for [`parse_enctype`]. One of RC4 as well: whoever writes it out
/// means it.
///
/// # Errors
/// [`KeyTextError`].
pub fn danger_parse_key(text: &str) -> Result<Key, KeyTextError> {
    let (name, digits) = text.split_once(':').ok_or(KeyTextError::Form)?;
    let enctype = parse_enctype(name).ok_or(KeyTextError::EncType)?;
    let octets = from_hex(digits).ok_or(KeyTextError::Form)?;
    let key = match enctype {
        EncType::RC4_HMAC => Key::danger_new_rc4(&octets),
        _ => Key::new(enctype, &octets),
    };
    key.map_err(|error| KeyTextError::Key(enctype, error))
}

fn from_hex(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let octet = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    // Whole from the beginning: what grows leaves copies behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for pair in pairs {
        octets.push(octet(pair)?);
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;
    use std::{assert, assert_eq, format};

    use super::*;

    #[test]
    fn keys_are_read_from_text() {
        let key = danger_parse_key(&format!("aes128-cts:{}", "0f".repeat(16))).unwrap();
        assert_eq!(key.as_bytes(), [0x0f; 16]);
        assert_eq!(key.enctype(), EncType::AES128_CTS_HMAC_SHA1_96);
        assert!(danger_parse_key(&format!("17:{}", "0f".repeat(16))).is_ok());
        assert!(danger_parse_key(&format!("rc4-hmac:{}", "0F".repeat(16))).is_ok());
        for text in ["", "aes128-cts", "aes128-cts:0", "aes128-cts:zz", "aes:00", "des:00"] {
            assert!(danger_parse_key(text).is_err(), "{text}");
        }
        // What may be half a key is not said again, be it in the place of the enctype.
        for text in ["aes128-cts:c0ffee", "c0ffee:aes128-cts", "c0ffee"] {
            let error = danger_parse_key(text).unwrap_err().to_string();
            assert!(!error.contains("c0ffee"), "{error}");
        }
    }
}
