//! Files are not the wire: tools write kirbis in BER, above all with every length in four octets
//! (Windows' own encoder), and as base64 text. This makes DER of them; the reader behind it stays
//! strict.

use alloc::vec::Vec;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// Values within values; a KRB-CRED with its tickets has nine.
const MAX_DEPTH: usize = 16;
/// Set in the identifier octet of a value that consists of values.
const CONSTRUCTED: u8 = 0x20;

/// The values in `bytes`, each length in as few octets as it needs, at whatever depth. `None` if they
/// do not fill it, have indefinite lengths or tags of several octets, or nest too deep. It is never
/// longer than what came.
pub(super) fn to_der(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    write_values(bytes, MAX_DEPTH, &mut out)?;
    Some(out)
}

fn write_values(mut bytes: &[u8], depth: usize, out: &mut Zeroizing<Vec<u8>>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    while let Some((&tag, rest)) = bytes.split_first() {
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (contents, rest) = split_contents(rest)?;
        bytes = rest;
        if tag & CONSTRUCTED == 0 {
            write_value(tag, contents, out);
        } else {
            let mut inner = Zeroizing::new(Vec::with_capacity(contents.len()));
            write_values(contents, depth, &mut inner)?;
            write_value(tag, &inner, out);
        }
    }
    Some(())
}

/// What the length in front of `bytes` covers, and what is behind that.
fn split_contents(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return rest.split_at_checked(first.into());
    }
    let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    // At most four that count, behind zeros; none means an indefinite length.
    let significant = octets.iter().position(|&octet| octet != 0).unwrap_or(octets.len());
    let (_, significant) = octets.split_at(significant);
    if octets.is_empty() || significant.len() > 4 {
        return None;
    }
    let length = significant.iter().fold(0, |length, &octet| length << 8 | u64::from(octet));
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn write_value(tag: u8, contents: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    let length = contents.len().to_be_bytes();
    let zeros = length.iter().take_while(|&&octet| octet == 0).count();
    let (_, length) = length.split_at(zeros);
    match length {
        [] => out.push(0),
        [short @ 0..0x80] => out.push(*short),
        long => {
            out.push(0x80 | long.len() as u8);
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(contents);
}

/// The bytes that base64 text stands for: with line breaks and spaces anywhere, a byte order mark in
/// front, in UTF-16 too, as a redirection in PowerShell writes it. `None` if it is no such text.
pub(super) fn from_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let every_other = |from: usize| text.iter().skip(2 + from).step_by(2);
    let units: Zeroizing<Vec<u8>> = Zeroizing::new(match text {
        [0xff, 0xfe, ..] if every_other(1).all(|&high| high == 0) => {
            every_other(0).copied().collect()
        }
        [0xfe, 0xff, ..] if every_other(0).all(|&high| high == 0) => {
            every_other(1).copied().collect()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        _ => text.to_vec(),
    });
    let digits = units.iter().copied().filter(|unit| !unit.is_ascii_whitespace());
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(digits.collect());
    let digits = core::str::from_utf8(&digits).ok().filter(|digits| !digits.is_empty())?;
    Base64::decode_vec(digits).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use std::assert_eq;

    use super::*;

    #[test]
    fn lengths_become_minimal_and_nothing_else_changes() {
        let same: &[&[u8]] = &[b"", b"\x30\x00", b"\x30\x03\x02\x01\x05", b"\x04\x02\x30\x84"];
        for der in same {
            assert_eq!(to_der(der).as_deref().map(Vec::as_slice), Some(*der));
        }
        let long: &[u8] = b"\x30\x84\0\0\0\x08\x02\x84\0\0\0\x01\x05\x05\x80";
        assert!(to_der(long).is_none(), "an indefinite length");
        for ber in [
            &b"\x30\x84\0\0\0\x07\x02\x84\0\0\0\x01\x05"[..],
            b"\x30\x81\x03\x02\x01\x05",
            b"\x30\x88\0\0\0\0\0\0\0\x03\x02\x01\x05",
        ] {
            assert_eq!(
                to_der(ber).as_deref().map(Vec::as_slice),
                Some(&b"\x30\x03\x02\x01\x05"[..])
            );
        }
        let octets = [&b"\x04\x84\0\0\x01\0"[..], &[7; 256]].concat();
        assert_eq!(to_der(&octets).unwrap()[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn what_is_no_ber_is_left_to_the_reader() {
        let deep = |depth: u8| -> Vec<u8> {
            (0..depth).rev().flat_map(|inner| [0x30, 2 * inner]).collect()
        };
        assert!(to_der(&deep(MAX_DEPTH as u8 - 1)).is_some());
        assert!(to_der(&deep(MAX_DEPTH as u8)).is_none());
        for bytes in [
            &b"\x30"[..],
            b"\x30\x84\0\0\0",
            b"\x30\x84\0\0\0\x01",
            b"\x30\x85\x01\0\0\0\0",
            b"\x3f\x1f\0",
            b"\x30\x80\0\0",
            b"\x30\x02\x05",
        ] {
            assert!(to_der(bytes).is_none(), "{bytes:02x?}");
        }
    }

    #[test]
    fn base64_text_is_taken_however_editors_break_it() {
        let utf16: Vec<u8> = "\u{feff}YW\r\nJj".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}YWJj\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for text in [&b"YWJj"[..], b"  YW\r\nJj\r\n", b"\xef\xbb\xbfYWJj\n", &utf16, &big] {
            assert_eq!(from_base64(text).as_deref().map(Vec::as_slice), Some(&b"abc"[..]));
        }
        for text in [&b""[..], b" \n", b"YWJ", b"YWJj!", b"\x76\x82", b"\xff\xfeY\x01"] {
            assert!(from_base64(text).is_none(), "{text:02x?}");
        }
    }
}
