//! The little of NDR (MS-RPCE 2.2.6 and C706 chapter 14) that MS-PAC needs: type serialization
//! version 1, little-endian, 32-bit pointers.
//!
//! Counts are checked against the bytes that are left before anything is allocated for them, and
//! every conformant count against the count that its structure gave, so no arithmetic on them can
//! overflow (CVE-2022-42898).

use alloc::string::String;
use alloc::vec::Vec;

use super::{PacError, PacErrorKind as Kind, Sid};

/// A cursor over one serialized top-level structure.
pub(super) struct Ndr<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// A pointer whose target comes later: is there one?
#[derive(Clone, Copy)]
pub(super) struct Pointer(bool);

/// An RPC_UNICODE_STRING whose characters come later.
#[derive(Clone, Copy)]
pub(super) struct StringHeader {
    length: u16,
    maximum_length: u16,
    buffer: Pointer,
}

impl<'a> Ndr<'a> {
    /// Reads the two headers (MS-RPCE 2.2.6.1 and 2.2.6.2) and the pointer to the structure.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PacError> {
        let mut ndr = Self { bytes, position: 0 };
        let header = ndr.take(8, "NDR common header")?;
        // Version 1, little-endian, header of 8 bytes; filler is not looked at.
        if header.get(..4) != Some(&[1, 0x10, 8, 0]) {
            return Err(PacError::new(Kind::BadHeader, 0, "NDR common header"));
        }
        let length = ndr.u32("NDR object length")? as usize;
        ndr.u32("NDR private header")?;
        if length > ndr.remaining() {
            return Err(ndr.error(Kind::BadLength, "NDR object length"));
        }
        ndr.bytes = &bytes[..ndr.position + length];
        match ndr.pointer("NDR top-level pointer")? {
            Pointer(true) => Ok(ndr),
            Pointer(false) => Err(ndr.error(Kind::Missing, "NDR top-level pointer")),
        }
    }

    pub(super) const fn error(&self, kind: Kind, field: &'static str) -> PacError {
        PacError::new(kind, self.position, field)
    }

    const fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    pub(super) fn take(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], PacError> {
        let end = self.position.checked_add(length).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or(self.error(Kind::Truncated, field))?;
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    fn align(&mut self, to: usize, field: &'static str) -> Result<(), PacError> {
        self.take(self.position.wrapping_neg() % to, field).map(drop)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, PacError> {
        self.align(2, field)?;
        let bytes = self.take(2, field)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, PacError> {
        self.align(4, field)?;
        let bytes = self.take(4, field)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn pointer(&mut self, field: &'static str) -> Result<Pointer, PacError> {
        self.u32(field).map(|referent| Pointer(referent != 0))
    }

    pub(super) fn string_header(&mut self, field: &'static str) -> Result<StringHeader, PacError> {
        // An embedded structure with a pointer in it is aligned to 4.
        self.align(4, field)?;
        let (length, maximum_length) = (self.u16(field)?, self.u16(field)?);
        if length > maximum_length || length % 2 != 0 {
            return Err(self.error(Kind::BadLength, field));
        }
        Ok(StringHeader { length, maximum_length, buffer: self.pointer(field)? })
    }

    /// The characters of a string whose header was read before; empty if it has none.
    pub(super) fn string(
        &mut self,
        header: StringHeader,
        field: &'static str,
    ) -> Result<String, PacError> {
        if !header.buffer.0 {
            return match header.length {
                0 => Ok(String::new()),
                _ => Err(self.error(Kind::BadLength, field)),
            };
        }
        let maximum = self.u32(field)?;
        let offset = self.u32(field)?;
        let actual = self.u32(field)?;
        if maximum != u32::from(header.maximum_length / 2)
            || offset != 0
            || actual != u32::from(header.length / 2)
        {
            return Err(self.error(Kind::BadLength, field));
        }
        let start = self.position;
        let bytes = self.take(usize::from(header.length), field)?;
        utf16(bytes).ok_or(PacError::new(Kind::BadText, start, field))
    }

    /// A conformant array behind a pointer: `count` elements of at least `size` bytes each, as the
    /// structure said. No target means no elements.
    pub(super) fn array<T>(
        &mut self,
        pointer: Pointer,
        count: u32,
        size: usize,
        field: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<T, PacError>,
    ) -> Result<Vec<T>, PacError> {
        if !pointer.0 {
            return match count {
                0 => Ok(Vec::new()),
                _ => Err(self.error(Kind::BadLength, field)),
            };
        }
        let conformant = self.u32(field)?;
        if conformant != count || count as usize > self.remaining() / size {
            return Err(self.error(Kind::BadLength, field));
        }
        (0..count).map(|_| element(self)).collect()
    }

    /// A SID behind a pointer.
    pub(super) fn sid(
        &mut self,
        pointer: Pointer,
        field: &'static str,
    ) -> Result<Option<Sid>, PacError> {
        if !pointer.0 {
            return Ok(None);
        }
        let conformant = self.u32(field)? as usize;
        let start = self.position;
        if conformant > self.remaining() / 4 {
            return Err(self.error(Kind::BadLength, field));
        }
        let bytes = self.take(8 + 4 * conformant, field)?;
        Sid::from_bytes(bytes).map(Some).ok_or(PacError::new(Kind::BadSid, start, field))
    }
}

/// UTF-16, little-endian, as a string.
pub(super) fn utf16(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}
