//! The little of NDR (MS-RPCE 2.2.6 and C706 chapter 14) that MS-PAC and the claims of MS-ADTS
//! need: type serialization version 1, little-endian, 32-bit pointers.
//!
//! What a pointer points to follows the structure that the pointer stands in, so reading and
//! writing have the same two halves: members first, with a token for every pointer, then the
//! targets in the order of the tokens.

mod reader;
mod writer;

pub(super) use reader::{Pointer as ReadPointer, Reader};
pub(super) use writer::{Pointer as WrittenPointer, Room, Writer};

use alloc::string::String;

/// Version 1, little-endian, a header of 8 bytes (MS-RPCE 2.2.6.1); four bytes of filler follow.
const COMMON_HEADER: [u8; 4] = [1, 0x10, 8, 0];
/// The common header and the private one (MS-RPCE 2.2.6.2).
const HEADERS: usize = 16;

/// UTF-16, little-endian, as a string.
pub(super) fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    if !rest.is_empty() {
        return None;
    }
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}
