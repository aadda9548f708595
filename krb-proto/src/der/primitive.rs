//! The few ASN.1 types that Kerberos uses.

use alloc::string::String;
use core::fmt;

use super::{Contents, Decode, DecodeError, DecodeErrorKind as Kind, Encode, Reader, Writer};
use crate::KerberosTime;
use crate::iana::{AdType, ChecksumType, EncType, ErrorCode, NameType, PaType};

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const ENUMERATED: u8 = 0x0a;
const UTF8_STRING: u8 = 0x0c;
const GENERALIZED_TIME: u8 = 0x18;
const GENERAL_STRING: u8 = 0x1b;

/// Types of one universal tag, decoded by reading it and then their contents.
macro_rules! decode_by_contents {
    ($($type:ty)*) => {$(
        impl<'a> Decode<'a> for $type {
            #[inline]
            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                Self::decode_contents(reader.enter(Self::TAG)?)
            }
        }
    )*};
}
decode_by_contents! {
    i32 UInt32 Enumerated bool &'a [u8] KerberosString<'a> Utf8String<'a> Oid<'a> KerberosTime
    KerberosFlags<'a>
}

/// Reads a minimal two's-complement integer of at most `MAX_OCTETS` octets.
#[inline]
fn integer<const MAX_OCTETS: usize>(contents: Reader<'_>) -> Result<i64, DecodeError> {
    match contents.rest() {
        [one] => Ok(i64::from(*one as i8)),
        [] | [0x00, 0..0x80, ..] | [0xff, 0x80..=0xff, ..] => {
            Err(contents.error(Kind::NonMinimalInteger))
        }
        octets if octets.len() <= MAX_OCTETS => {
            let sign = if octets[0] >= 0x80 { -1 } else { 0 };
            Ok(octets.iter().fold(sign, |value, &octet| value << 8 | i64::from(octet)))
        }
        _ => Err(contents.error(Kind::IntegerOutOfRange)),
    }
}

#[inline]
fn write_integer(writer: &mut Writer, tag: u8, value: i64) {
    let octets = value.to_be_bytes();
    let mut skip = 0;
    while skip < 7
        && (octets[skip] == 0 && octets[skip + 1] < 0x80
            || octets[skip] == 0xff && octets[skip + 1] >= 0x80)
    {
        skip += 1;
    }
    let mark = writer.mark();
    writer.prepend(&octets[skip..]);
    writer.close(tag, mark);
}

impl Contents<'_> for i32 {
    const TAG: u8 = INTEGER;

    #[inline]
    fn decode_contents(contents: Reader<'_>) -> Result<Self, DecodeError> {
        let value = integer::<4>(contents)?;
        value.try_into().map_err(|_| contents.error(Kind::IntegerOutOfRange))
    }
}

impl Encode for i32 {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        write_integer(writer, INTEGER, i64::from(*self));
    }
}

/// Numbers of the IANA registries: Int32 on the wire.
macro_rules! registry_number {
    ($($name:ident)*) => {$(
        impl Decode<'_> for $name {
            #[inline]
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                i32::decode(reader).map($name)
            }
        }

        impl Encode for $name {
            #[inline]
            fn encode(&self, writer: &mut Writer) {
                self.0.encode(writer);
            }
        }
    )*};
}
registry_number!(AdType ChecksumType EncType ErrorCode NameType PaType);

/// UInt32 (RFC 4120 section 5.2.4), which some peers write as a signed number: a kvno above 2^31
/// (read-only DCs) or an echoed nonce may come as a negative INTEGER. Both forms are taken, and
/// written back as they came.
#[derive(Clone, Copy)]
pub struct UInt32(i64);

impl UInt32 {
    /// From a number, to be written as unsigned.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value as i64)
    }

    /// The 32 bits.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0 as u32
    }
}

impl PartialEq for UInt32 {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for UInt32 {}

impl fmt::Debug for UInt32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

impl Contents<'_> for UInt32 {
    const TAG: u8 = INTEGER;

    #[inline]
    fn decode_contents(contents: Reader<'_>) -> Result<Self, DecodeError> {
        match integer::<5>(contents)? {
            value @ -0x8000_0000..=0xffff_ffff => Ok(Self(value)),
            _ => Err(contents.error(Kind::IntegerOutOfRange)),
        }
    }
}

impl Encode for UInt32 {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        write_integer(writer, INTEGER, self.0);
    }
}

/// Microseconds (RFC 4120 section 5.2.4): 0 to 999 999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Microseconds(pub u32);

impl Decode<'_> for Microseconds {
    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = *reader;
        match i32::decode(reader)? {
            value @ 0..=999_999 => Ok(Self(value as u32)),
            _ => Err(start.error(Kind::IntegerOutOfRange)),
        }
    }
}

impl Encode for Microseconds {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        write_integer(writer, INTEGER, i64::from(self.0));
    }
}

/// An INTEGER whose only value is `N`: a version or a message type.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Int<const N: i32>;

impl<const N: i32> Decode<'_> for Int<N> {
    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = *reader;
        if i32::decode(reader)? == N { Ok(Self) } else { Err(start.error(Kind::WrongConstant)) }
    }
}

impl<const N: i32> Encode for Int<N> {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        N.encode(writer);
    }
}

/// ENUMERATED.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enumerated(pub i32);

impl Contents<'_> for Enumerated {
    const TAG: u8 = ENUMERATED;

    fn decode_contents(contents: Reader<'_>) -> Result<Self, DecodeError> {
        integer::<4>(contents).map(|value| Self(value as i32))
    }
}

impl Encode for Enumerated {
    fn encode(&self, writer: &mut Writer) {
        write_integer(writer, ENUMERATED, i64::from(self.0));
    }
}

impl Contents<'_> for bool {
    const TAG: u8 = BOOLEAN;

    fn decode_contents(contents: Reader<'_>) -> Result<Self, DecodeError> {
        match contents.rest() {
            [0x00] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(contents.error(Kind::BadBoolean)),
        }
    }
}

impl Encode for bool {
    fn encode(&self, writer: &mut Writer) {
        writer.prepend(&[BOOLEAN, 1, if *self { 0xff } else { 0 }]);
    }
}

/// OCTET STRING.
impl<'a> Contents<'a> for &'a [u8] {
    const TAG: u8 = OCTET_STRING;

    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, DecodeError> {
        Ok(contents.rest())
    }
}

impl Encode for &[u8] {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(self);
        writer.close(OCTET_STRING, mark);
    }
}

/// KerberosString (RFC 4120 section 5.2.1), a GeneralString. Peers put UTF-8 (AD), Latin-1 and
/// other octets into it, so it is octets with a UTF-8 view.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct KerberosString<'a>(pub &'a [u8]);

impl<'a> KerberosString<'a> {
    /// The text, if it is UTF-8.
    #[must_use]
    pub fn to_str(self) -> Option<&'a str> {
        core::str::from_utf8(self.0).ok()
    }
}

impl fmt::Debug for KerberosString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.0))
    }
}

impl<'a> Contents<'a> for KerberosString<'a> {
    const TAG: u8 = GENERAL_STRING;

    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(contents.rest()))
    }
}

impl Encode for KerberosString<'_> {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(self.0);
        writer.close(GENERAL_STRING, mark);
    }
}

/// UTF8String: octets with a UTF-8 view, as they are only carried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Utf8String<'a>(pub &'a [u8]);

impl<'a> Utf8String<'a> {
    /// The text, if it is UTF-8.
    #[must_use]
    pub fn to_str(self) -> Option<&'a str> {
        core::str::from_utf8(self.0).ok()
    }
}

impl fmt::Debug for Utf8String<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KerberosString(self.0).fmt(f)
    }
}

impl<'a> Contents<'a> for Utf8String<'a> {
    const TAG: u8 = UTF8_STRING;

    fn decode_contents(contents: Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(contents.rest()))
    }
}

impl Encode for Utf8String<'_> {
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(self.0);
        writer.close(UTF8_STRING, mark);
    }
}

/// OBJECT IDENTIFIER, as its contents octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Oid<'a>(pub &'a [u8]);

impl<'a> Contents<'a> for Oid<'a> {
    const TAG: u8 = OBJECT_IDENTIFIER;

    /// Every arc in as few octets as it needs, the last one complete.
    fn decode_contents(contents: Reader<'a>) -> Result<Self, DecodeError> {
        let octets = contents.rest();
        let before = core::iter::once(&0).chain(octets);
        let padded = before.zip(octets).any(|(&before, &octet)| before < 0x80 && octet == 0x80);
        match octets.last() {
            Some(0..0x80) if !padded => Ok(Self(octets)),
            _ => Err(contents.error(Kind::BadObjectIdentifier)),
        }
    }
}

impl Encode for Oid<'_> {
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(self.0);
        writer.close(OBJECT_IDENTIFIER, mark);
    }
}

impl Contents<'_> for KerberosTime {
    const TAG: u8 = GENERALIZED_TIME;

    #[inline]
    fn decode_contents(contents: Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_generalized(contents.rest()).ok_or(contents.error(Kind::BadTime))
    }
}

impl Encode for KerberosTime {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(&self.to_generalized());
        writer.close(GENERALIZED_TIME, mark);
    }
}

/// KerberosFlags (RFC 4120 section 5.2.8): a BIT STRING of 32 bits. Shorter and longer ones are
/// taken as the RFC asks, and written back as they came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KerberosFlags<'a> {
    bits: u32,
    /// The contents octets, if they are not just the 32 bits.
    unusual: Option<&'a [u8]>,
}

impl KerberosFlags<'_> {
    /// The first 32 bits, RFC bit 0 the most significant; absent ones are 0.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }
}

impl From<u32> for KerberosFlags<'_> {
    fn from(bits: u32) -> Self {
        Self { bits, unusual: None }
    }
}

impl fmt::Debug for KerberosFlags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.bits)
    }
}

impl<'a> Contents<'a> for KerberosFlags<'a> {
    const TAG: u8 = BIT_STRING;

    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, DecodeError> {
        match *contents.rest() {
            [0, a, b, c, d] => Ok(u32::from_be_bytes([a, b, c, d]).into()),
            [unused @ 0..8, ref octets @ ..] => {
                let last = octets.last().copied();
                if unused > 0 && last.is_none_or(|last| last & ((1 << unused) - 1) != 0) {
                    return Err(contents.error(Kind::BadBitString));
                }
                let mut first = [0; 4];
                for (to, from) in first.iter_mut().zip(octets) {
                    *to = *from;
                }
                Ok(Self { bits: u32::from_be_bytes(first), unusual: Some(contents.rest()) })
            }
            _ => Err(contents.error(Kind::BadBitString)),
        }
    }
}

impl Encode for KerberosFlags<'_> {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        match self.unusual {
            Some(contents) => writer.prepend(contents),
            None => {
                writer.prepend(&self.bits.to_be_bytes());
                writer.prepend(&[0]);
            }
        }
        writer.close(BIT_STRING, mark);
    }
}

/// A value together with the very bytes that it came in: what is signed, or must be sent on as it
/// was received (a Ticket, a KDC-REQ-BODY), is never written anew.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Encoded<'a, T> {
    der: &'a [u8],
    value: T,
}

impl<'a, T: Decode<'a>> Encoded<'a, T> {
    /// Reads a value and keeps its bytes.
    ///
    /// # Errors
    /// As [`decode`](super::decode).
    pub fn from_der(der: &'a [u8]) -> Result<Self, DecodeError> {
        super::decode(der)
    }
}

impl<'a, T> Encoded<'a, T> {
    /// The bytes.
    #[must_use]
    pub const fn der(&self) -> &'a [u8] {
        self.der
    }
}

impl<T> core::ops::Deref for Encoded<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Encoded<'a, T> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let start = *reader;
        let value = T::decode(reader)?;
        Ok(Self { der: reader.since(&start), value })
    }
}

impl<T> Encode for Encoded<'_, T> {
    #[inline]
    fn encode(&self, writer: &mut Writer) {
        writer.prepend(self.der);
    }
}
