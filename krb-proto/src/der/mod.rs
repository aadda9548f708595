//! A strict, borrowing DER reader and a backward writer, and the table in which messages are
//! declared (`sequence!`).
//!
//! What is accepted is DER and nothing else: definite minimal lengths, minimal integers, no bytes
//! left over anywhere, fields in order. So `encode(decode(x)) == x` holds for every accepted `x`.
//! Decoding borrows from its input and allocates nothing; lists are validated once, when the
//! message is decoded, and read again lazily. There is no recursion: the depth of a message is
//! the depth of its declaration.

mod declare;
mod error;
mod list;
mod primitive;
mod reader;
mod writer;
mod x509;

pub(crate) use declare::{choice, sequence};
pub use error::{DecodeError, DecodeErrorKind};
pub use list::{List, ListIter, MAX_ELEMENTS, SetOf};
pub use primitive::{
    Encoded, Enumerated, Int, KerberosFlags, KerberosString, Microseconds, Oid, UInt32, Utf8String,
};
pub use reader::Reader;
pub use writer::Writer;
pub use x509::{Any, BigUnsigned, BitString};

use alloc::vec::Vec;

use zeroize::Zeroizing;

/// A type that reads itself, tag and all.
pub trait Decode<'a>: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset in the outermost input and the innermost field's name.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// A type that writes itself, tag and all, in front of what is already written.
pub trait Encode {
    /// Writes this value.
    fn encode(&self, writer: &mut Writer);
}

/// Decodes exactly one value that fills `input`.
///
/// # Errors
/// [`DecodeError`], also if bytes are left over.
pub fn decode<'a, T: Decode<'a>>(input: &'a [u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(input);
    let value = T::decode(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Encodes a value into a fresh vector.
#[must_use]
pub fn encode<T: Encode + ?Sized>(value: &T) -> Vec<u8> {
    let mut writer = Writer::new();
    value.encode(&mut writer);
    writer.into_vec()
}

/// Encodes a value that holds keys; what is written is wiped when it is dropped, and no copy of it
/// stays in memory before.
#[must_use]
pub fn encode_secret<T: Encode + ?Sized>(value: &T) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::for_secrets();
    value.encode(&mut writer);
    writer.into_secret()
}

/// A member of a SEQUENCE behind its explicit context tag; `Option` makes it OPTIONAL.
pub(crate) trait Field<'a>: Sized {
    fn decode_field(reader: &mut Reader<'a>, tag: u8) -> Result<Self, DecodeError>;
}

pub(crate) trait EncodeField {
    fn encode_field(&self, writer: &mut Writer, tag: u8);
}

impl<'a, T: Decode<'a>> Field<'a> for T {
    #[inline]
    fn decode_field(reader: &mut Reader<'a>, tag: u8) -> Result<Self, DecodeError> {
        let mut inner = reader.enter(tag)?;
        let value = T::decode(&mut inner)?;
        inner.finish()?;
        Ok(value)
    }
}

impl<'a, T: Decode<'a>> Field<'a> for Option<T> {
    #[inline]
    fn decode_field(reader: &mut Reader<'a>, tag: u8) -> Result<Self, DecodeError> {
        if reader.peek_tag() == Some(tag) {
            T::decode_field(reader, tag).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<T: Encode> EncodeField for T {
    #[inline]
    fn encode_field(&self, writer: &mut Writer, tag: u8) {
        let mark = writer.mark();
        self.encode(writer);
        writer.close(tag, mark);
    }
}

impl<T: Encode> EncodeField for Option<T> {
    #[inline]
    fn encode_field(&self, writer: &mut Writer, tag: u8) {
        if let Some(value) = self {
            value.encode_field(writer, tag);
        }
    }
}

/// A type of one universal tag, which an IMPLICIT tag can stand for.
pub(crate) trait Contents<'a>: Sized {
    /// Its identifier octet.
    const TAG: u8;

    /// Reads the contents octets, all of them.
    fn decode_contents(contents: Reader<'a>) -> Result<Self, DecodeError>;
}

/// A member behind an implicit context tag, given without the bit that says "constructed".
pub(crate) trait ImplicitField<'a>: Sized {
    fn decode_implicit(reader: &mut Reader<'a>, tag: u8) -> Result<Self, DecodeError>;
}

pub(crate) trait EncodeImplicit {
    fn encode_implicit(&self, writer: &mut Writer, tag: u8);
}

const CONSTRUCTED: u8 = 0x20;

impl<'a, T: Contents<'a>> ImplicitField<'a> for T {
    fn decode_implicit(reader: &mut Reader<'a>, tag: u8) -> Result<Self, DecodeError> {
        T::decode_contents(reader.enter(tag | T::TAG & CONSTRUCTED)?)
    }
}

impl<'a, T: Contents<'a>> ImplicitField<'a> for Option<T> {
    fn decode_implicit(reader: &mut Reader<'a>, tag: u8) -> Result<Self, DecodeError> {
        if reader.peek_tag() == Some(tag | T::TAG & CONSTRUCTED) {
            T::decode_implicit(reader, tag).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<T: Encode> EncodeImplicit for T {
    fn encode_implicit(&self, writer: &mut Writer, tag: u8) {
        self.encode(writer);
        let constructed = writer.as_slice().first().map_or(0, |universal| universal & CONSTRUCTED);
        writer.replace_tag(tag | constructed);
    }
}

impl<T: Encode> EncodeImplicit for Option<T> {
    fn encode_implicit(&self, writer: &mut Writer, tag: u8) {
        if let Some(value) = self {
            value.encode_implicit(writer, tag);
        }
    }
}

#[cfg(test)]
mod tests;
