use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a text file of at most `limit` bytes, whichever editor wrote it: UTF-8 with or without a
/// byte order mark, or UTF-16 with one, as Windows' Notepad and PowerShell write it. The mark is not
/// part of the text; line ends stay as they are. Zeroized when dropped, since it may be a secret.
///
/// # Errors
/// If the file cannot be read or is too long, or is no such text: other encodings are not guessed
/// at, since a password or a name that was read wrong would only be found out by being refused.
pub fn read_text(path: &Path, limit: u64) -> Result<Zeroizing<String>> {
    decode(&super::bytes::read_bytes(path, limit)?)
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, text.into())
}

fn decode(bytes: &[u8]) -> Result<Zeroizing<String>> {
    let text = match bytes {
        [0xff, 0xfe, text @ ..] => utf16(text, u16::from_le_bytes)?,
        [0xfe, 0xff, text @ ..] => utf16(text, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, text @ ..] | text => {
            let text = std::str::from_utf8(text).map_err(|error| {
                let at = error.valid_up_to();
                invalid(format!("it is neither UTF-8 (see byte {at} of the text) nor UTF-16"))
            })?;
            Zeroizing::new(text.to_owned())
        }
    };
    if text.contains('\0') {
        let text =
            "it has NUL characters in it: a binary file, or UTF-16 without a byte order mark";
        return Err(invalid(text));
    }
    Ok(text)
}

fn utf16(text: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Zeroizing<String>> {
    let (units, []) = text.as_chunks::<2>() else {
        return Err(invalid("it begins as UTF-16 does, and half a character is left at its end"));
    };
    // Three octets of UTF-8 at most for one unit.
    let mut decoded = Zeroizing::new(String::with_capacity(3 * units.len()));
    for character in char::decode_utf16(units.iter().map(|&octets| unit(octets))) {
        let character = character
            .map_err(|error| invalid(format!("it begins as UTF-16 does, but is not: {error}")))?;
        decoded.push(character);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` in UTF-16 behind a byte order mark.
    fn encoded(text: &str, octets: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(octets).collect()
    }

    #[test]
    fn text_is_read_as_windows_editors_write_it() {
        for text in ["", "pässwörd 🔑 \u{feff}inside\r\nsecond line\r\n"] {
            let spellings = [
                text.as_bytes().to_vec(),
                format!("\u{feff}{text}").into_bytes(),
                encoded(text, u16::to_le_bytes),
                encoded(text, u16::to_be_bytes),
            ];
            for bytes in spellings {
                assert_eq!(decode(&bytes).unwrap().as_str(), text, "{bytes:02x?}");
            }
        }
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        let windows_1252 = b"p\xe4ssword";
        let no_mark: Vec<u8> = "abc".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let half = [&encoded("a", u16::to_le_bytes)[..], b"b"].concat();
        let surrogate = [0xff, 0xfe, 0x00, 0xd8, b'a', 0];
        let utf32 = [0xff, 0xfe, 0, 0, b'a', 0, 0, 0];
        for bytes in [&windows_1252[..], &no_mark, &half, &surrogate, &utf32, b"a\0b"] {
            assert_eq!(decode(bytes).unwrap_err().kind(), ErrorKind::InvalidData, "{bytes:02x?}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let path = std::env::temp_dir().join(format!("krb-client-text-{}", std::process::id()));
        std::fs::write(&path, "\u{feff}abc").unwrap();
        let at = |limit| read_text(&path, limit);
        assert_eq!(at(6).unwrap().as_str(), "abc");
        assert!(at(5).unwrap_err().to_string().contains("longer than 5 bytes"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(at(6).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_end_is_read_up_to_its_limit() {
        let error = read_text("/dev/zero".as_ref(), 1 << 16).unwrap_err();
        assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
    }
}
