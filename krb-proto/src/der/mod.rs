//! A strict, borrowing DER reader and a backward writer, and the table in which messages are
//! declared (`sequence!`).
//!
//! What is accepted is DER and nothing else: definite minimal lengths, minimal integers, no bytes
//! left over anywhere, fields in order. So `encode(decode(x)) == x` holds for every accepted `x`, but
//! for members of later versions in types whose ASN.1 has the extension marker "...": they are passed
//! over.
//! Decoding borrows from its input and allocates nothing; lists are validated once, when the
//! message is decoded, and read again lazily. There is no recursion: the depth of a message is
//! the depth of its declaration.

#[cfg(test)]
pub(crate) mod absent;
mod declare;
mod encoded;
mod error;
mod flags;
mod integer;
mod list;
mod primitive;
mod reader;
#[cfg(test)]
mod sample;
mod string;
mod writer;
mod x509;

pub(crate) use declare::{choice, sequence};
pub use encoded::Encoded;
pub use error::{DecodeError, DecodeErrorKind, Fault};
pub use flags::KerberosFlags;
pub use integer::{Enumerated, Int, Microseconds, UInt32};
pub use list::{List, ListIter, MAX_ELEMENTS, SetOf};
pub use reader::Reader;
pub(crate) use reader::last;
#[cfg(test)]
pub(crate) use sample::{Sample, Source, keep};
pub use string::{KerberosString, Oid, Utf8String};
pub use writer::Writer;
pub(crate) use writer::value_len;
pub use x509::{Any, BigUnsigned, BitString};

use alloc::vec::Vec;

use zeroize::Zeroizing;

/// A type that reads itself, tag and all.
pub trait Decode<'a>: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// [`Fault`] with the innermost field's name.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Fault>;

    /// Reads one value behind the EXPLICIT tag whose identifier octet is `tag`.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    #[inline]
    fn decode_explicit(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Fault> {
        let mut inner = reader.enter(tag)?;
        let value = Self::decode(&mut inner)?;
        inner.finish()?;
        Ok(value)
    }
}

/// A type that writes itself, tag and all, in front of what is already written.
pub trait Encode {
    /// Writes this value.
    fn encode(&self, writer: &mut Writer);

    /// How many octets [`Encode::encode`] writes. A fresh buffer is made that large; if it is too
    /// small it grows, so that 0 is right too.
    fn encoded_len(&self) -> usize {
        0
    }

    /// Writes this value behind the EXPLICIT tag whose identifier octet is `tag`.
    #[inline]
    fn encode_explicit(&self, writer: &mut Writer, tag: u8) {
        let mark = writer.mark();
        self.encode(writer);
        writer.close(tag, mark);
    }
}

/// A type of one tag, which an IMPLICIT tag can stand for: how it writes what is behind the tag.
pub trait EncodeContents {
    /// Its identifier octet.
    const TAG: u8;

    /// Writes the contents octets.
    fn encode_contents(&self, writer: &mut Writer);

    /// How many there are.
    fn contents_len(&self) -> usize;
}

/// A type of one tag, which an IMPLICIT tag can stand for: how it reads what is behind the tag.
pub trait DecodeContents<'a>: EncodeContents + Sized {
    /// Reads the contents octets, all of them.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault>;
}

impl<'a, T: DecodeContents<'a>> Decode<'a> for T {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        T::decode_contents(reader.enter(T::TAG)?)
    }

    #[inline]
    fn decode_explicit(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Fault> {
        T::decode_contents(reader.enter_explicit(tag, T::TAG)?)
    }
}

impl<T: EncodeContents> Encode for T {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        self.encode_contents(writer);
        writer.close(T::TAG, mark);
    }

    #[inline]
    fn encoded_len(&self) -> usize {
        value_len(self.contents_len())
    }

    #[inline]
    fn encode_explicit(&self, writer: &mut Writer, tag: u8) {
        let mark = writer.mark();
        self.encode_contents(writer);
        writer.close_explicit(tag, T::TAG, mark);
    }
}

/// Decodes exactly one value that fills `input`.
///
/// # Errors
/// [`DecodeError`], also if bytes are left over.
#[inline]
pub fn decode<'a, T: Decode<'a>>(input: &'a [u8]) -> Result<T, DecodeError> {
    read(input, T::decode)
}

/// Reads exactly what fills `input`.
///
/// # Errors
/// As [`decode`].
#[inline]
pub(crate) fn read<'a, T>(
    input: &'a [u8],
    with: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<T, DecodeError> {
    let mut reader = Reader::new(input);
    let whole = with(&mut reader).and_then(|value| reader.finish().map(|()| value));
    whole.map_err(|fault| fault.within(input))
}

/// Encodes a value into a fresh vector.
#[must_use]
pub fn encode<T: Encode + ?Sized>(value: &T) -> Vec<u8> {
    let mut writer = Writer::with_capacity(value.encoded_len());
    value.encode(&mut writer);
    writer.into_vec()
}

/// Encodes a value that holds keys; what is written is wiped when it is dropped, and no copy of it
/// stays in memory before.
#[must_use]
pub fn encode_secret<T: Encode + ?Sized>(value: &T) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::for_secrets(value.encoded_len());
    value.encode(&mut writer);
    writer.into_secret()
}

/// A member of a SEQUENCE behind its explicit context tag; `Option` makes it OPTIONAL.
pub(crate) trait Field<'a>: Sized {
    fn decode_field(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Fault>;
}

pub(crate) trait EncodeField {
    fn encode_field(&self, writer: &mut Writer, tag: u8);
    fn field_len(&self) -> usize;
}

impl<'a, T: Decode<'a>> Field<'a> for T {
    #[inline]
    fn decode_field(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Fault> {
        T::decode_explicit(reader, tag)
    }
}

impl<'a, T: Decode<'a>> Field<'a> for Option<T> {
    #[inline]
    fn decode_field(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Fault> {
        if reader.peek_tag() == Some(tag) {
            T::decode_explicit(reader, tag).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<T: Encode> EncodeField for T {
    #[inline]
    fn encode_field(&self, writer: &mut Writer, tag: u8) {
        self.encode_explicit(writer, tag);
    }

    #[inline]
    fn field_len(&self) -> usize {
        value_len(self.encoded_len())
    }
}

impl<T: Encode> EncodeField for Option<T> {
    #[inline]
    fn encode_field(&self, writer: &mut Writer, tag: u8) {
        if let Some(value) = self {
            value.encode_explicit(writer, tag);
        }
    }

    #[inline]
    fn field_len(&self) -> usize {
        self.as_ref().map_or(0, T::field_len)
    }
}

/// A member behind an implicit context tag, given without the bit that says "constructed".
pub(crate) trait ImplicitField<'a>: Sized {
    fn decode_implicit(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Fault>;
}

pub(crate) trait EncodeImplicit {
    fn encode_implicit(&self, writer: &mut Writer, tag: u8);
    fn implicit_len(&self) -> usize;
}

const CONSTRUCTED: u8 = 0x20;

impl<'a, T: DecodeContents<'a>> ImplicitField<'a> for T {
    fn decode_implicit(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Fault> {
        T::decode_contents(reader.enter(tag | T::TAG & CONSTRUCTED)?)
    }
}

impl<'a, T: DecodeContents<'a>> ImplicitField<'a> for Option<T> {
    fn decode_implicit(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Fault> {
        if reader.peek_tag() == Some(tag | T::TAG & CONSTRUCTED) {
            T::decode_implicit(reader, tag).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<T: EncodeContents> EncodeImplicit for T {
    fn encode_implicit(&self, writer: &mut Writer, tag: u8) {
        let mark = writer.mark();
        self.encode_contents(writer);
        writer.close(tag | T::TAG & CONSTRUCTED, mark);
    }

    fn implicit_len(&self) -> usize {
        self.encoded_len()
    }
}

impl<T: EncodeContents> EncodeImplicit for Option<T> {
    fn encode_implicit(&self, writer: &mut Writer, tag: u8) {
        if let Some(value) = self {
            value.encode_implicit(writer, tag);
        }
    }

    fn implicit_len(&self) -> usize {
        self.as_ref().map_or(0, T::implicit_len)
    }
}

#[cfg(test)]
mod tests;
