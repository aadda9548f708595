use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::cursor::Cursor;
use super::{FormatError, FormatErrorKind};
use crate::crypto::{CryptoError, Key};
use crate::iana::EncType;

/// MSDS-MANAGEDPASSWORD_BLOB (MS-ADTS 2.2.19): the passwords of a group managed service account, as
/// its attribute `msDS-ManagedPassword` has them. Whoever may read that attribute is the account.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagedPasswords {
    /// The password that the account has.
    pub current: ManagedPassword,
    /// The one before, which tickets may still be sealed with; `None` in the first term.
    pub previous: Option<ManagedPassword>,
    /// After so many units of 100 ns the attribute should be read again: there may be another
    /// password.
    pub query_interval: u64,
}

/// 256 random octets, most of which are no text. They are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagedPassword(Zeroizing<Vec<u8>>);

impl fmt::Debug for ManagedPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let previous = if self.previous.is_some() { "a" } else { "no" };
        write!(f, "<managed password with {previous} previous one>")
    }
}

impl fmt::Debug for ManagedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<managed password>")
    }
}

/// AD's own have 256 octets, and two for the end.
const MAX_PASSWORD: usize = 4096;

impl ManagedPasswords {
    /// Reads the attribute's value.
    ///
    /// # Errors
    /// [`FormatError`], which quotes nothing of it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut file = Cursor::new(bytes);
        file.little_endian = true;
        if file.u16("Version")? != 1 {
            return Err(Cursor::new(bytes).error(FormatErrorKind::UnknownVersion, "Version"));
        }
        file.u16("Reserved")?;
        let length = file.u32("Length")?;
        if usize::try_from(length).ok() != Some(bytes.len()) {
            return Err(file.error(FormatErrorKind::BadLength, "Length"));
        }
        let current = file.u16("CurrentPasswordOffset")?;
        let previous = file.u16("PreviousPasswordOffset")?;
        let query = file.u16("QueryPasswordIntervalOffset")?;
        file.u16("UnchangedPasswordIntervalOffset")?;
        let password = |offset: u16, field| -> Result<ManagedPassword, FormatError> {
            let octets = bytes.get(offset.into()..).unwrap_or_default();
            let (units, _) = octets.as_chunks::<2>();
            let end = units.iter().take(MAX_PASSWORD / 2).position(|unit| *unit == [0, 0]);
            let end = end.filter(|&end| end > 0 && usize::from(offset) >= HEADER);
            let end = end.ok_or(FormatError {
                kind: FormatErrorKind::BadLength,
                offset: offset.into(),
                field,
            })?;
            let octets = octets.get(..2 * end).unwrap_or_default();
            Ok(ManagedPassword(Zeroizing::new(octets.to_vec())))
        };
        let interval = bytes.get(query.into()..).and_then(<[u8]>::first_chunk);
        let interval = interval.map(|octets| u64::from_le_bytes(*octets));
        Ok(Self {
            current: password(current, "CurrentPassword")?,
            // An offset of 0 says that there is none.
            previous: match previous {
                0 => None,
                offset => Some(password(offset, "PreviousPassword")?),
            },
            query_interval: interval.ok_or(FormatError {
                kind: FormatErrorKind::Truncated,
                offset: query.into(),
                field: "QueryPasswordInterval",
            })?,
        })
    }
}

/// What stands in front of the first password.
const HEADER: usize = 16;

impl ManagedPassword {
    /// The account's key of an enctype, made of this password as the KDC makes it: for AES the
    /// octets are taken for UTF-16, and what is none of it for U+FFFD.
    ///
    /// # Errors
    /// As [`Key::from_password`].
    pub fn key(&self, enctype: EncType, salt: &[u8]) -> Result<Key, CryptoError> {
        Key::from_password(enctype, self.to_utf8().as_bytes(), salt, None)
    }

    /// The account's RC4 key, which is made of the octets themselves. RC4 is broken: only for
    /// services that still get such tickets.
    ///
    /// # Errors
    /// None for a password that was read; by its signature those of [`Key::danger_new_rc4`].
    pub fn danger_rc4_key(&self) -> Result<Key, CryptoError> {
        use md4::Digest as _;
        let hash: Zeroizing<[u8; 16]> = Zeroizing::new(md4::Md4::digest(&*self.0).into());
        Key::danger_new_rc4(&*hash)
    }

    /// The password as those take it who take text.
    #[must_use]
    pub fn to_utf8(&self) -> Zeroizing<String> {
        let (units, _) = self.0.as_chunks::<2>();
        let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
        // Three octets of UTF-8 at most for one unit, so that it does not grow and leave a copy.
        let mut text = Zeroizing::new(String::with_capacity(3 * self.0.len() / 2));
        text.extend(char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec;

    fn blob(current: &[u8], previous: Option<&[u8]>) -> Vec<u8> {
        let mut data = vec![];
        let mut offsets = [0_u16; 4];
        let mut put = |place: &mut u16, octets: &[u8]| {
            *place = (HEADER + data.len()) as u16;
            data.extend_from_slice(octets);
        };
        put(&mut offsets[0], &[current, &[0, 0]].concat());
        if let Some(previous) = previous {
            put(&mut offsets[1], &[previous, &[0, 0]].concat());
        }
        put(&mut offsets[2], &7_u64.to_le_bytes());
        put(&mut offsets[3], &3_u64.to_le_bytes());
        let length = (HEADER + data.len()) as u32;
        let offsets: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        [&[1, 0, 0, 0][..], &length.to_le_bytes(), &offsets, &data].concat()
    }

    #[test]
    fn both_passwords_are_read_and_neither_is_printed() {
        let read = ManagedPasswords::from_bytes(&blob(b"a\0\n\0", Some(b"b\0"))).unwrap();
        assert_eq!(*read.current.to_utf8(), "a\n", "a line feed is part of it");
        assert_eq!(*read.previous.as_ref().unwrap().to_utf8(), "b");
        assert_eq!(read.query_interval, 7);
        assert_eq!(std::format!("{read:?}"), "<managed password with a previous one>");
        assert_eq!(ManagedPasswords::from_bytes(&blob(b"a\0", None)).unwrap().previous, None);
    }

    /// What is no UTF-16 becomes U+FFFD, one for each half that is alone.
    #[test]
    fn keys_are_made_as_kdcs_make_them() {
        let octets = [0x3d, 0xd8, b'a', 0, 0x00, 0xdc];
        let password = ManagedPassword(Zeroizing::new(octets.to_vec()));
        assert_eq!(*password.to_utf8(), "\u{fffd}a\u{fffd}");
        let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
        let expected =
            Key::from_password(enctype, "\u{fffd}a\u{fffd}".as_bytes(), b"salt", None).unwrap();
        assert_eq!(password.key(enctype, b"salt").unwrap(), expected);
        let text = ManagedPassword(Zeroizing::new(b"p\0w\0".to_vec()));
        assert_eq!(text.danger_rc4_key().unwrap(), Key::danger_rc4_from_password("pw"));
    }

    #[test]
    fn what_is_no_such_value_is_refused_and_not_quoted() {
        let good = blob(b"s\0e\0c\0", Some(b"b\0"));
        for length in 0..good.len() {
            assert!(ManagedPasswords::from_bytes(&good[..length]).is_err(), "{length}");
        }
        for (at, value) in [(0, 2), (4, 1), (8, 0), (8, 250), (10, 4), (12, 255)] {
            let mut bad = good.clone();
            bad[at] = value;
            let error = ManagedPasswords::from_bytes(&bad).unwrap_err().to_string();
            assert!(!error.contains("sec"), "{error}");
        }
        let endless = blob(&[b'a', 0].repeat(MAX_PASSWORD / 2), None);
        assert!(ManagedPasswords::from_bytes(&endless).is_err(), "too long");
        let longest = blob(&[b'a', 0].repeat(MAX_PASSWORD / 2 - 1), None);
        assert!(ManagedPasswords::from_bytes(&longest).is_ok());
    }
}
