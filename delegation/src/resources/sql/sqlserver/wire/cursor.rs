//! Reading what the server sent so far.

/// Why something cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Unread {
    /// It is not all there yet.
    Short,
    /// It is not what MS-TDS says.
    Wrong(&'static str),
}

/// Bytes that are there, and how many of them are read.
#[derive(Clone, Copy)]
pub(in super::super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(in super::super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(in super::super) const fn left(&self) -> usize {
        self.rest.len()
    }

    pub(in super::super) fn take(&mut self, length: usize) -> Result<&'a [u8], Unread> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Unread::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(in super::super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unread> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Unread::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(in super::super) fn u8(&mut self) -> Result<u8, Unread> {
        self.array().map(|[byte]| byte)
    }

    pub(in super::super) fn u16(&mut self) -> Result<u16, Unread> {
        self.array().map(u16::from_le_bytes)
    }

    pub(in super::super) fn u32(&mut self) -> Result<u32, Unread> {
        self.array().map(u32::from_le_bytes)
    }

    pub(in super::super) fn u64(&mut self) -> Result<u64, Unread> {
        self.array().map(u64::from_le_bytes)
    }

    /// Bytes behind their number, of 8 bits.
    pub(in super::super) fn b_bytes(&mut self) -> Result<&'a [u8], Unread> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// Bytes behind their number, of 16 bits.
    pub(in super::super) fn us_bytes(&mut self) -> Result<&'a [u8], Unread> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// A text behind the number of its characters, of 8 bits.
    pub(in super::super) fn b_text(&mut self) -> Result<String, Unread> {
        let length = self.u8()?;
        Ok(utf16(self.take(2 * usize::from(length))?))
    }

    /// A text behind the number of its characters, of 16 bits.
    pub(in super::super) fn us_text(&mut self) -> Result<String, Unread> {
        let length = self.u16()?;
        Ok(utf16(self.take(2 * usize::from(length))?))
    }
}

/// What is no UTF-16, which `nvarchar` may hold, becomes U+FFFD.
pub(super) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

pub(super) fn to_utf16(text: &str) -> impl Iterator<Item = u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes)
}
