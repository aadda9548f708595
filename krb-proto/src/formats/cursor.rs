use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

/// Why a file was refused, and where. It never quotes the file: that may hold keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormatError {
    /// What is wrong.
    pub kind: FormatErrorKind,
    /// Byte offset in the file.
    pub offset: usize,
    /// The field being read.
    pub field: &'static str,
}

/// What is wrong with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FormatErrorKind {
    /// It does not begin as a file of this kind and a known version.
    UnknownVersion,
    /// It ends inside a field.
    Truncated,
    /// A length or a count that cannot be true.
    BadLength,
    /// Something that is to be written has no place in the file: it is too long or too large.
    TooLarge,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FormatErrorKind::UnknownVersion => "not a file of this kind, or of an unknown version",
            FormatErrorKind::Truncated => "the file ends too early",
            FormatErrorKind::BadLength => "an impossible length",
            FormatErrorKind::TooLarge => "too large for this file format",
        };
        write!(f, "{what} at byte {} ({})", self.offset, self.field)
    }
}

impl core::error::Error for FormatError {}

/// A file being written that holds keys: what it outgrows is wiped.
pub(super) struct SecretFile(Zeroizing<Vec<u8>>);

impl SecretFile {
    pub(super) fn new(start: &[u8]) -> Self {
        Self(Zeroizing::new(start.to_vec()))
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * (self.0.len() + bytes.len())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// Reads fixed-size integers and counted octets in the byte order of the file.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    offset: usize,
    pub(super) little_endian: bool,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0, little_endian: false }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) const fn offset(&self) -> usize {
        self.offset
    }

    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) const fn error(&self, kind: FormatErrorKind, field: &'static str) -> FormatError {
        FormatError { kind, offset: self.offset, field }
    }

    pub(super) fn take(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], FormatError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(self.error(FormatErrorKind::Truncated, field))?;
        self.rest = rest;
        self.offset += length;
        Ok(taken)
    }

    /// The next `length` bytes as a cursor of their own, which knows where it stands.
    pub(super) fn part(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<Cursor<'a>, FormatError> {
        let offset = self.offset;
        let rest = self.take(length, field)?;
        Ok(Cursor { rest, offset, little_endian: self.little_endian })
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], FormatError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, field)?);
        if self.little_endian {
            array.reverse();
        }
        Ok(array)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, FormatError> {
        self.array(field).map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, FormatError> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(super) fn i16(&mut self, field: &'static str) -> Result<i16, FormatError> {
        self.array(field).map(i16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, FormatError> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, FormatError> {
        self.array(field).map(i32::from_be_bytes)
    }

    /// Octets behind a count of 16 bits.
    pub(super) fn octets16(&mut self, field: &'static str) -> Result<&'a [u8], FormatError> {
        let length = self.u16(field)?;
        self.take(length.into(), field)
    }

    /// Octets behind a count of 32 bits.
    pub(super) fn octets32(&mut self, field: &'static str) -> Result<&'a [u8], FormatError> {
        let length = self.u32(field)?;
        self.take(length as usize, field)
    }

    /// A count of things that take at least `smallest` bytes each: more of them than the rest of
    /// the file could hold are refused before anything is allocated for them.
    pub(super) fn count(
        &mut self,
        smallest: usize,
        field: &'static str,
    ) -> Result<usize, FormatError> {
        let count = self.u32(field)? as usize;
        if count > self.rest.len() / smallest {
            return Err(self.error(FormatErrorKind::BadLength, field));
        }
        Ok(count)
    }
}
