//! INTEGER and ENUMERATED, with the ranges that Kerberos gives them.

use core::fmt;

use super::{DecodeContents, DecodeErrorKind as Kind, EncodeContents, Fault, Reader, Writer};
use crate::iana::{AdType, ChecksumType, EncType, ErrorCode, NameType, PaType};

const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;

/// Reads a minimal two's-complement integer of at most `MAX_OCTETS` octets.
#[inline]
fn read<const MAX_OCTETS: usize>(contents: Reader<'_>) -> Result<i64, Fault> {
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
fn write(writer: &mut Writer, value: i64) {
    match octets(value) {
        1 => writer.prepend_array([value as u8]),
        octets => writer.prepend(value.to_be_bytes().split_at(8 - octets).1),
    }
}

/// How many octets a number takes.
#[inline]
const fn octets(value: i64) -> usize {
    let without_sign = value ^ (value >> 63);
    (64 - without_sign.leading_zeros()) as usize / 8 + 1
}

/// Types that are written as the number their expression makes of them.
macro_rules! write_number {
    ($([$($generics:tt)*] $type:ty: $tag:ident |$this:ident| $number:expr;)*) => {$(
        impl $($generics)* EncodeContents for $type {
            const TAG: u8 = $tag;

            #[inline]
            fn encode_contents(&self, writer: &mut Writer) {
                let $this = self;
                write(writer, $number);
            }

            #[inline]
            fn contents_len(&self) -> usize {
                let $this = self;
                octets($number)
            }
        }
    )*};
}
write_number! {
    [] i32: INTEGER |this| i64::from(*this);
    [] UInt32: INTEGER |this| this.0;
    [] Microseconds: INTEGER |this| i64::from(this.0);
    [<const N: i32>] Int<N>: INTEGER |_this| i64::from(N);
    [] Enumerated: ENUMERATED |this| i64::from(this.0);
}

impl DecodeContents<'_> for i32 {
    #[inline]
    fn decode_contents(contents: Reader<'_>) -> Result<Self, Fault> {
        read::<4>(contents).map(|value| value as i32)
    }
}

/// Numbers of the IANA registries: Int32 on the wire.
macro_rules! registry_number {
    ($($name:ident)*) => {$(
        impl DecodeContents<'_> for $name {
            #[inline]
            fn decode_contents(contents: Reader<'_>) -> Result<Self, Fault> {
                i32::decode_contents(contents).map($name)
            }
        }

        write_number!([] $name: INTEGER |this| i64::from(this.0););
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

impl DecodeContents<'_> for UInt32 {
    #[inline]
    fn decode_contents(contents: Reader<'_>) -> Result<Self, Fault> {
        match read::<5>(contents)? {
            value @ -0x8000_0000..=0xffff_ffff => Ok(Self(value)),
            _ => Err(contents.error(Kind::IntegerOutOfRange)),
        }
    }
}

/// Microseconds (RFC 4120 section 5.2.4): 0 to 999 999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Microseconds(pub u32);

impl DecodeContents<'_> for Microseconds {
    #[inline]
    fn decode_contents(contents: Reader<'_>) -> Result<Self, Fault> {
        match read::<4>(contents)? {
            value @ 0..=999_999 => Ok(Self(value as u32)),
            _ => Err(contents.error(Kind::IntegerOutOfRange)),
        }
    }
}

/// An INTEGER whose only value is `N`: a version or a message type.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Int<const N: i32>;

impl<const N: i32> core::fmt::Debug for Int<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        N.fmt(f)
    }
}

impl<const N: i32> DecodeContents<'_> for Int<N> {
    #[inline]
    fn decode_contents(contents: Reader<'_>) -> Result<Self, Fault> {
        if read::<4>(contents)? == i64::from(N) {
            Ok(Self)
        } else {
            Err(contents.error(Kind::WrongConstant))
        }
    }
}

/// ENUMERATED.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enumerated(pub i32);

impl DecodeContents<'_> for Enumerated {
    fn decode_contents(contents: Reader<'_>) -> Result<Self, Fault> {
        i32::decode_contents(contents).map(Self)
    }
}
