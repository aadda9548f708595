//! What was given, as octets: whatever it was wrapped into on its way into a file or a terminal.

use base64ct::{Base64, Encoding as _};

use super::capture::{Capture, is_capture};
use crate::Failure;

/// What stands in the input.
pub(super) enum Input {
    /// One message, or one file.
    Octets(Vec<u8>),
    Capture(Capture),
}

impl Input {
    pub(super) fn read(given: &[u8]) -> Result<Self, Failure> {
        if is_capture(given) {
            return Ok(Self::Capture(Capture::read(given)?));
        }
        let octets = match std::str::from_utf8(given) {
            Ok(text) if text.bytes().all(is_printed) => from_text(text).ok_or(
                "this is text, and neither hexadecimal nor base64: give the message in one of these, or \
                 as it is",
            )?,
            _ => given.to_vec(),
        };
        // What was copied out of a file of captured packets may be one.
        if is_capture(&octets) { Self::read(&octets) } else { Ok(Self::Octets(octets)) }
    }
}

/// Files of a few short names are ASCII, too; what people copy has no other control characters.
const fn is_printed(octet: u8) -> bool {
    octet.is_ascii_graphic() || octet.is_ascii_whitespace()
}

/// Hexadecimal as Wireshark and `xxd -p` write it, or base64, of a header of HTTP too.
fn from_text(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_matches('"');
    from_hex(text).or_else(|| from_base64(text))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b':');
    let digits = digits.map(|byte| char::from(byte).to_digit(16)).collect::<Option<Vec<_>>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let octets = pairs.iter().map(|[high, low]| u8::try_from(high << 4 | low).ok());
    octets.collect::<Option<Vec<_>>>().filter(|octets| !octets.is_empty())
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    // `Authorization: Negotiate YII…`: what stands behind the last word is the token.
    let words = ["Negotiate ", "Kerberos "];
    let behind = |word: &&str| text.rfind(*word).and_then(|at| text.get(at + word.len()..));
    let token = words.iter().find_map(behind).unwrap_or(text);
    let mut packed: String = token.chars().filter(|character| !character.is_whitespace()).collect();
    // Padding is often lost where text is copied.
    while !packed.len().is_multiple_of(4) {
        packed.push('=');
    }
    Base64::decode_vec(&packed).ok().filter(|octets| !octets.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_form_is_read() {
        let octets = [0x6e, 0x82, 0x01, 0xff];
        for text in [
            "6e8201ff",
            "6E 82 01 FF\n",
            "6e:82:01:ff",
            "0x6e8201ff",
            "boIB/w==",
            "boIB/w",
            "boIB\n/w==\n",
            "Authorization: Negotiate boIB/w==\r\n",
            "WWW-Authenticate: Negotiate boIB/w==",
            "\"boIB/w==\"",
        ] {
            assert_eq!(from_text(text).as_deref(), Some(&octets[..]), "{text}");
        }
        for text in ["", "6e8?", "hello, world", "Negotiate", "Negotiate !!"] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
