//! As much of BER as LDAP needs: AD writes every length in five octets, which DER forbids.

use alloc::vec::Vec;

/// An element; its body is shorter than 64 KiB, as all of a datagram is.
pub(super) fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut element = Vec::from([tag]);
    match u8::try_from(body.len()) {
        Ok(short @ ..=0x7f) => element.push(short),
        _ => {
            let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
            element.push(0x82);
            element.extend(length.to_be_bytes());
        }
    }
    element.extend(body);
    element
}

/// Tag and body of the first element, and what follows it. Tags of several octets and lengths that
/// are said at the end are refused: LDAP has neither (RFC 4511 section 5.1).
pub(super) fn split(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        ..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = octets.iter().fold(0, |sum: u32, &octet| sum << 8 | u32::from(octet));
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    let (body, rest) = rest.split_at_checked(length)?;
    (tag & 0x1f != 0x1f).then_some((tag, body, rest))
}

/// The body of the first element, which has this tag, and what follows it.
pub(super) fn expect(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    split(input).filter(|(found, ..)| *found == tag).map(|(_, body, rest)| (body, rest))
}
