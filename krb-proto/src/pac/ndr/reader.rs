use alloc::string::String;
use alloc::vec::Vec;

use super::{COMMON_HEADER, utf16};
use crate::pac::{FileTime, PacError, PacErrorKind as Kind, Sid};

/// A cursor over one serialized top-level structure.
///
/// Counts are checked against the bytes that are left before anything is allocated for them, and
/// every conformant count against the count that its structure gave, so no arithmetic on them can
/// overflow (CVE-2022-42898).
pub(in crate::pac) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// A pointer whose target comes later: is there one?
#[derive(Clone, Copy)]
pub(in crate::pac) struct Pointer(bool);

/// An RPC_UNICODE_STRING whose characters come later.
#[derive(Clone, Copy)]
pub(in crate::pac) struct StringHeader {
    length: u16,
    maximum_length: u16,
    buffer: Pointer,
}

impl<'a> Reader<'a> {
    /// Reads the two headers and the pointer to the structure.
    pub(in crate::pac) fn open(bytes: &'a [u8]) -> Result<Self, PacError> {
        let mut reader = Self { bytes, position: 0 };
        if reader.take(8, "NDR common header")?.get(..4) != Some(&COMMON_HEADER) {
            return Err(PacError::new(Kind::BadHeader, 0, "NDR common header"));
        }
        let length = reader.u32("NDR object length")? as usize;
        reader.u32("NDR private header")?;
        // Nothing but padding may stand behind the object.
        if length > reader.remaining() || reader.remaining() - length >= 8 {
            return Err(reader.error(Kind::BadLength, "NDR object length"));
        }
        reader.bytes = &bytes[..reader.position + length];
        if reader.pointer("NDR top-level pointer")?.0 {
            Ok(reader)
        } else {
            Err(reader.error(Kind::Missing, "NDR top-level pointer"))
        }
    }

    /// Nothing but padding may be left.
    pub(in crate::pac) fn finish(self, field: &'static str) -> Result<(), PacError> {
        if self.remaining() < 8 { Ok(()) } else { Err(self.error(Kind::BadLength, field)) }
    }

    pub(in crate::pac) const fn error(&self, kind: Kind, field: &'static str) -> PacError {
        PacError::new(kind, self.position, field)
    }

    const fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    pub(in crate::pac) fn take(
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

    /// A primitive of `N` bytes, aligned to its size.
    fn primitive<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], PacError> {
        self.take(self.position.wrapping_neg() % N, field)?;
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N, field)?);
        Ok(bytes)
    }

    pub(in crate::pac) fn u16(&mut self, field: &'static str) -> Result<u16, PacError> {
        self.primitive(field).map(u16::from_le_bytes)
    }

    pub(in crate::pac) fn u32(&mut self, field: &'static str) -> Result<u32, PacError> {
        self.primitive(field).map(u32::from_le_bytes)
    }

    pub(in crate::pac) fn u64(&mut self, field: &'static str) -> Result<u64, PacError> {
        self.primitive(field).map(u64::from_le_bytes)
    }

    /// FILETIME: two numbers of 32 bits, so not aligned to 8.
    pub(in crate::pac) fn file_time(&mut self, field: &'static str) -> Result<FileTime, PacError> {
        let (low, high) = (self.u32(field)?, self.u32(field)?);
        Ok(FileTime(u64::from(high) << 32 | u64::from(low)))
    }

    pub(in crate::pac) fn pointer(&mut self, field: &'static str) -> Result<Pointer, PacError> {
        self.u32(field).map(|referent| Pointer(referent != 0))
    }

    pub(in crate::pac) fn string_header(
        &mut self,
        field: &'static str,
    ) -> Result<StringHeader, PacError> {
        // A structure with a pointer in it is aligned to 4.
        self.take(self.position.wrapping_neg() % 4, field)?;
        let (length, maximum_length) = (self.u16(field)?, self.u16(field)?);
        if length > maximum_length || length % 2 != 0 {
            return Err(self.error(Kind::BadLength, field));
        }
        Ok(StringHeader { length, maximum_length, buffer: self.pointer(field)? })
    }

    /// The characters of a string whose header was read before; empty if it has none.
    pub(in crate::pac) fn string(
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

    /// A `[string] wchar_t *`: its characters and one NUL behind them, no NUL within.
    pub(in crate::pac) fn wide_string(
        &mut self,
        pointer: Pointer,
        field: &'static str,
    ) -> Result<String, PacError> {
        if !pointer.0 {
            return Err(self.error(Kind::Missing, field));
        }
        let maximum = self.u32(field)?;
        let offset = self.u32(field)?;
        let actual = self.u32(field)?;
        if offset != 0 || actual > maximum || actual as usize > self.remaining() / 2 {
            return Err(self.error(Kind::BadLength, field));
        }
        let start = self.position;
        let text = utf16(self.take(2 * actual as usize, field)?);
        text.filter(|text| text.find('\0') == text.len().checked_sub(1))
            .map(|mut text| {
                text.pop();
                text
            })
            .ok_or(PacError::new(Kind::BadText, start, field))
    }

    /// A conformant array behind a pointer: `count` elements of at least `size` bytes each, as the
    /// structure said. No target means no elements.
    pub(in crate::pac) fn array<T>(
        &mut self,
        pointer: Pointer,
        count: u32,
        size: usize,
        field: &'static str,
        element: impl FnMut(&mut Self) -> Result<T, PacError>,
    ) -> Result<Vec<T>, PacError> {
        if !pointer.0 {
            return match count {
                0 => Ok(Vec::new()),
                _ => Err(self.error(Kind::BadLength, field)),
            };
        }
        if self.u32(field)? != count {
            return Err(self.error(Kind::BadLength, field));
        }
        self.elements(count, size, field, element)
    }

    /// As many elements, of at least `size` bytes each, if there can be as many.
    pub(in crate::pac) fn elements<T>(
        &mut self,
        count: u32,
        size: usize,
        field: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<T, PacError>,
    ) -> Result<Vec<T>, PacError> {
        if count as usize > self.remaining() / size {
            return Err(self.error(Kind::BadLength, field));
        }
        (0..count).map(|_| element(self)).collect()
    }

    /// An array of bytes behind a pointer.
    pub(in crate::pac) fn octets(
        &mut self,
        pointer: Pointer,
        count: u32,
        field: &'static str,
    ) -> Result<&'a [u8], PacError> {
        if !pointer.0 && count == 0 {
            return Ok(&[]);
        }
        if !pointer.0 || self.u32(field)? != count {
            return Err(self.error(Kind::BadLength, field));
        }
        self.take(count as usize, field)
    }

    /// What MS-ADTS 2.2.18 puts at the end of structures for later: usReservedType,
    /// ulReservedFieldSize, ReservedField. Nothing is known of what would stand there.
    pub(in crate::pac) fn reserved(&mut self) -> Result<(), PacError> {
        const FIELD: &str = "ReservedField";
        if self.u16(FIELD)? != 0 || self.u32(FIELD)? != 0 || self.pointer(FIELD)?.0 {
            return Err(self.error(Kind::BadValue, FIELD));
        }
        Ok(())
    }

    /// A SID behind a pointer.
    pub(in crate::pac) fn sid(
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

    /// A SID behind a pointer that must have a target.
    pub(in crate::pac) fn required_sid(
        &mut self,
        pointer: Pointer,
        field: &'static str,
    ) -> Result<Sid, PacError> {
        self.sid(pointer, field)?.ok_or(self.error(Kind::Missing, field))
    }
}
