use core::fmt;
use core::marker::PhantomData;

use super::{
    Decode, DecodeContents, DecodeErrorKind, Encode, EncodeContents, Fault, Reader, Writer,
};

/// The most elements that a SEQUENCE OF or SET OF may have. Real messages have a few dozen.
pub const MAX_ELEMENTS: usize = 1024;

/// SEQUENCE OF `T`: either validated DER from a peer, or values to be written.
pub enum List<'a, T, const IDENTIFIER: u8 = 0x30> {
    /// The contents octets as they were received; every element is known to decode.
    Received(&'a [u8], PhantomData<T>),
    /// Elements to write.
    Values(&'a [T]),
}

impl<'a, T> List<'a, T> {
    /// A list to be written.
    #[must_use]
    pub const fn of(values: &'a [T]) -> Self {
        Self::Values(values)
    }
}

/// SET OF `T`. The order of its elements, which DER fixes, is left to whoever writes it and not
/// asked of a peer: OpenSSL writes a CMS message's certificates as they come.
pub type SetOf<'a, T> = List<'a, T, 0x31>;

impl<'a, T> SetOf<'a, T> {
    /// A set to be written, its elements in the order of their encodings.
    #[must_use]
    pub const fn set_of(values: &'a [T]) -> Self {
        Self::Values(values)
    }
}

impl<'a, T: Decode<'a> + Copy, const IDENTIFIER: u8> List<'a, T, IDENTIFIER> {
    /// The elements, in order.
    #[must_use]
    pub fn iter(&self) -> ListIter<'a, T> {
        match *self {
            Self::Received(contents, _) => ListIter::Received(Reader::new(contents)),
            Self::Values(values) => ListIter::Values(values.iter()),
        }
    }

    /// Has it no element?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Received(contents, _) => contents.is_empty(),
            Self::Values(values) => values.is_empty(),
        }
    }
}

impl<T, const IDENTIFIER: u8> Clone for List<'_, T, IDENTIFIER> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const IDENTIFIER: u8> Copy for List<'_, T, IDENTIFIER> {}

/// The elements of a [`List`].
pub enum ListIter<'a, T> {
    /// Of a received one.
    Received(Reader<'a>),
    /// Of one to be written.
    Values(core::slice::Iter<'a, T>),
}

impl<'a, T: Decode<'a> + Copy> Iterator for ListIter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self {
            // Validated when the list was decoded, so this error cannot come.
            Self::Received(reader) => {
                (!reader.is_empty()).then(|| T::decode(reader).ok()).flatten()
            }
            Self::Values(values) => values.next().copied(),
        }
    }
}

impl<'a, T: Decode<'a> + Copy, const IDENTIFIER: u8> IntoIterator for &List<'a, T, IDENTIFIER> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

impl<'a, T, const IDENTIFIER: u8> DecodeContents<'a> for List<'a, T, IDENTIFIER>
where
    T: Decode<'a> + Encode,
{
    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        let mut elements = contents;
        for _ in 0..MAX_ELEMENTS {
            if elements.is_empty() {
                return Ok(Self::Received(contents.rest(), PhantomData));
            }
            T::decode(&mut elements)?;
        }
        if elements.is_empty() {
            Ok(Self::Received(contents.rest(), PhantomData))
        } else {
            Err(elements.error(DecodeErrorKind::TooManyElements))
        }
    }
}

impl<T: Encode, const IDENTIFIER: u8> EncodeContents for List<'_, T, IDENTIFIER> {
    const TAG: u8 = IDENTIFIER;

    #[inline]
    fn encode_contents(&self, writer: &mut Writer) {
        match self {
            Self::Received(contents, _) => writer.prepend(contents),
            Self::Values(values) => values.iter().rev().for_each(|value| value.encode(writer)),
        }
    }

    #[inline]
    fn contents_len(&self) -> usize {
        match self {
            Self::Received(contents, _) => contents.len(),
            Self::Values(values) => values.iter().map(T::encoded_len).sum(),
        }
    }
}

impl<'a, T: Decode<'a> + Copy + PartialEq, const IDENTIFIER: u8> PartialEq
    for List<'a, T, IDENTIFIER>
{
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Decode<'a> + Copy + fmt::Debug, const IDENTIFIER: u8> fmt::Debug
    for List<'a, T, IDENTIFIER>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
