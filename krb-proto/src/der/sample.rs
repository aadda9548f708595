//! Values of every type, out of any bytes: what `proptest` draws becomes messages.

use std::boxed::Box;
use std::vec::Vec;

use super::{
    Any, BigUnsigned, BitString, Decode, Encode, Encoded, Enumerated, Int, KerberosFlags,
    KerberosString, List, Microseconds, Oid, UInt32, Utf8String, decode, encode,
};
use crate::KerberosTime;
use crate::iana::{AdType, ChecksumType, EncType, ErrorCode, NameType, PaType};

/// The bytes that values are made of. When none are left, values are empty, zero and absent.
pub(crate) struct Source<'a>(pub(crate) &'a [u8]);

impl<'a> Source<'a> {
    pub(crate) fn octet(&mut self) -> u8 {
        self.octets(1).first().copied().unwrap_or_default()
    }

    fn octets(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Numbers of all lengths, near the powers of two that their encodings turn on.
    fn number(&mut self) -> i64 {
        let bits = self.octet() % 33;
        let near = (1_i64 << bits) - 1 + i64::from(self.octet() % 3);
        if bool::sample(self) { -near } else { near }
    }
}

/// What lives as long as the source, which only tests have.
pub(crate) fn keep<T: ?Sized>(value: Box<T>) -> &'static T {
    Box::leak(value)
}

pub(crate) trait Sample<'a>: Sized {
    fn sample(source: &mut Source<'a>) -> Self;
}

impl<'a> Sample<'a> for &'a [u8] {
    fn sample(source: &mut Source<'a>) -> Self {
        // Now and then of a length in long form.
        let count = usize::from(source.octet());
        source.octets(if count < 200 { count % 9 } else { count })
    }
}

macro_rules! sample {
    ($($type:ty: |$source:ident| $make:expr;)*) => {$(
        impl<'a> Sample<'a> for $type {
            fn sample($source: &mut Source<'a>) -> Self {
                $make
            }
        }
    )*};
}
sample! {
    i32: |source| source.number().clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    UInt32: |source| {
        // As a peer that thinks it is signed writes it, too.
        let number = source.number().clamp(i32::MIN.into(), u32::MAX.into());
        let octets = number.to_be_bytes();
        let skip = (0..7).take_while(|&at| {
            let sign = octets[at + 1] & 0x80;
            octets[at] == if sign == 0 { 0 } else { 0xff }
        });
        let octets = &octets[skip.count()..];
        decode(&[&[2, octets.len() as u8], octets].concat()).unwrap()
    };
    Microseconds: |source| Self(source.number().rem_euclid(1_000_000) as u32);
    Enumerated: |source| Self(i32::sample(source));
    bool: |source| source.octet() % 2 == 1;
    KerberosTime: |source| Self::from_unix(source.number().wrapping_mul(59));
    KerberosString<'a>: |source| Self(Sample::sample(source));
    Utf8String<'a>: |source| Self(Sample::sample(source));
    BitString<'a>: |source| Self(Sample::sample(source));
    Oid<'a>: |source| Self(match source.octet() % 3 {
        0 => b"\x2a",
        1 => b"\x2b\x06\x01\x05\x02\x03\x06",
        _ => b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b",
    });
    KerberosFlags<'a>: |source| match source.octet() % 4 {
        0 => decode(b"\x03\x01\x00").unwrap(),
        1 => decode(b"\x03\x02\x04\x50").unwrap(),
        _ => (source.number() as u32).into(),
    };
    Any<'a>: |source| Self(keep(encode(&<&[u8]>::sample(source)).into()));
    BigUnsigned<'a>: |source| {
        let octets = <&[u8]>::sample(source);
        if octets.iter().all(|&octet| octet == 0) { Self::new(&[1]) } else { Self::new(octets) }
    };
}

macro_rules! sample_registry_number {
    ($($name:ident)*) => {sample! {
        $($name: |source| Self(i32::sample(source));)*
    }};
}
sample_registry_number!(AdType ChecksumType EncType ErrorCode NameType PaType);

impl<'a, const N: i32> Sample<'a> for Int<N> {
    fn sample(_source: &mut Source<'a>) -> Self {
        Self
    }
}

impl<'a, T: Sample<'a>> Sample<'a> for Option<T> {
    fn sample(source: &mut Source<'a>) -> Self {
        (source.octet() % 2 == 1).then(|| T::sample(source))
    }
}

impl<'a, T: Sample<'a> + 'a, const IDENTIFIER: u8> Sample<'a> for List<'a, T, IDENTIFIER> {
    fn sample(source: &mut Source<'a>) -> Self {
        let count = source.octet() % 4;
        let values: Vec<T> = (0..count).map(|_| T::sample(source)).collect();
        Self::Values(Vec::leak(values))
    }
}

impl<'a, T: Sample<'a> + Decode<'a> + Encode> Sample<'a> for Encoded<'a, T> {
    fn sample(source: &mut Source<'a>) -> Self {
        Self::from_der(keep(encode(&T::sample(source)).into())).unwrap()
    }
}
