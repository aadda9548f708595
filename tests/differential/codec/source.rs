//! Random values of krb-proto's own types.

use krb_proto::KerberosTime;
use krb_proto::asn1::{NameString, SecretOctets};
use krb_proto::der::{
    self, Decode, Encode, Encoded, Int, KerberosFlags, KerberosString, List, Microseconds, Oid,
    Reader, UInt32, Utf8String,
};
use krb_proto::iana::{AdType, ChecksumType, EncType, ErrorCode, NameType, PaType};

/// What a message may hold that some implementation does not take, although RFC 4120 or a peer in
/// the field has it. A message is made with one of these at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unusual {
    /// Strings with letters beyond ASCII, in UTF-8, as AD writes names.
    Utf8,
    /// Strings with octets that are no UTF-8.
    Octets,
    /// Strings with control characters, NUL among them.
    Control,
    /// A UInt32 above 2^31 - 1, in five octets.
    Above31Bits,
    /// A UInt32 above 2^31 - 1, written as a negative number.
    Negative,
    /// Flags of more or fewer bits than 32.
    FlagsLength,
    /// A SEQUENCE OF without elements.
    EmptyList,
    /// An OCTET STRING or a string without octets.
    EmptyOctets,
    /// Flags beyond the two that every registry of flags has.
    Flags,
    /// A time outside of the years 1970 to 2037.
    FarTime,
}

impl Unusual {
    pub const ALL: [Self; 10] = [
        Self::Utf8,
        Self::Octets,
        Self::Control,
        Self::Above31Bits,
        Self::Negative,
        Self::FlagsLength,
        Self::EmptyList,
        Self::EmptyOctets,
        Self::Flags,
        Self::FarTime,
    ];
}

impl Unusual {
    /// Does a message have this, wherever it comes from?
    pub fn shows(self, message: &[u8]) -> bool {
        let mut reader = Reader::new(message);
        while let Some(tag) = reader.peek_tag() {
            let Ok(contents) = reader.enter(tag) else { return false };
            if self.is_in(tag, contents.rest()) || tag & 0x20 != 0 && self.shows(contents.rest()) {
                return true;
            }
        }
        false
    }

    fn is_in(self, tag: u8, contents: &[u8]) -> bool {
        let far = |time: &[u8]| time < &b"19700101000000Z"[..] || time > &b"20380101000000Z"[..];
        match (tag, self) {
            (0x1b | 0x0c, Self::Utf8 | Self::Octets) => !contents.is_ascii(),
            (0x1b | 0x0c, Self::Control) => contents.iter().any(u8::is_ascii_control),
            (0x04 | 0x1b | 0x0c, Self::EmptyOctets) => contents.is_empty(),
            (0x02, Self::Above31Bits) => contents.len() == 5,
            (0x02, Self::Negative) => contents.first().is_some_and(|&first| first >= 0x80),
            // 0x80 are the flags of OTP structures, 0x88 is their time: their tags are implicit.
            (0x03 | 0x80, Self::FlagsLength) => contents.len() != 5 || contents[0] != 0,
            (0x03, Self::Flags) => {
                contents.len() == 5 && (contents[1] & 0x9f != 0 || contents[2..] != [0, 0, 0])
            }
            (0x30, Self::EmptyList) => contents.is_empty(),
            (0x18 | 0x88, Self::FarTime) => far(contents),
            _ => false,
        }
    }
}

/// Where random values come from: octets, each of which decides something. Once they are used up
/// everything is absent, empty or zero, so no message grows without bound.
pub struct Source<'a> {
    entropy: &'a [u8],
    unusual: Option<Unusual>,
    /// Did the message get what was allowed?
    pub used: bool,
}

impl<'a> Source<'a> {
    pub fn new(entropy: &'a [u8], unusual: Option<Unusual>) -> Self {
        Self { entropy, unusual, used: false }
    }

    fn octet(&mut self) -> u8 {
        let (first, rest) = self.entropy.split_first().unwrap_or((&0, &[]));
        self.entropy = rest;
        *first
    }

    fn below(&mut self, limit: u8) -> u8 {
        self.octet() % limit
    }

    fn word(&mut self) -> u32 {
        u32::from_be_bytes([(); 4].map(|()| self.octet()))
    }

    /// A quarter of the times, if this is what the message may have.
    fn is(&mut self, unusual: Unusual) -> bool {
        let yes = self.unusual == Some(unusual) && self.octet() % 4 == 1;
        self.used |= yes;
        yes
    }

    /// Borrowed values of a message live until the tests end.
    fn octets(&mut self, limit: u8) -> &'static [u8] {
        let length = if self.is(Unusual::EmptyOctets) { 0 } else { 1 + self.below(limit) };
        (0..length).map(|_| self.octet()).collect::<Vec<_>>().leak()
    }

    fn text(&mut self) -> &'static [u8] {
        let mut text = self.octets(12).to_vec();
        text.iter_mut().for_each(|octet| *octet = 0x20 + *octet % 0x5f);
        let at = usize::from(self.octet()) % (text.len() + 1);
        if self.is(Unusual::Utf8) {
            text.splice(at..at, "é💾ß".bytes());
        }
        if self.is(Unusual::Octets) {
            text.splice(at..at, *b"\xe9\xff");
        }
        if self.is(Unusual::Control) {
            text.splice(at..at, [self.octet() % 0x20]);
        }
        text.leak()
    }

    /// An encoding that the type writes back as it came.
    fn received<T: Decode<'static> + Encode>(&mut self, der: Vec<u8>) -> T {
        der::decode(der.leak()).expect("valid DER")
    }
}

/// A type of which random values can be made.
pub trait Random: Sized {
    fn random(source: &mut Source<'_>) -> Self;
}

impl<T: Random> Random for Option<T> {
    fn random(source: &mut Source<'_>) -> Self {
        (source.below(3) > 0).then(|| T::random(source))
    }
}

impl<T: Random> Random for List<'static, T> {
    fn random(source: &mut Source<'_>) -> Self {
        let length = if source.is(Unusual::EmptyList) { 0 } else { 1 + source.below(3) };
        List::of((0..length).map(|_| T::random(source)).collect::<Vec<_>>().leak())
    }
}

impl<T: Random + Encode + Decode<'static>> Random for Encoded<'static, T> {
    fn random(source: &mut Source<'_>) -> Self {
        let der = der::encode(&T::random(source));
        source.received(der)
    }
}

impl<const N: i32> Random for Int<N> {
    fn random(_: &mut Source<'_>) -> Self {
        Self
    }
}

impl Random for i32 {
    fn random(source: &mut Source<'_>) -> Self {
        match source.below(8) {
            0 => [0, 1, 2, 5][usize::from(source.below(4))],
            1 | 2 => source.octet().into(),
            3 => -i32::from(source.octet()),
            4 => [0, 127, 128, 255, 256, 32_767, 32_768, i32::MAX][usize::from(source.below(8))],
            5 => [-1, -128, -129, -256, -257, -32_768, -32_769, i32::MIN]
                [usize::from(source.below(8))],
            _ => source.word() as i32,
        }
    }
}

impl Random for UInt32 {
    fn random(source: &mut Source<'_>) -> Self {
        let value = source.word();
        if source.is(Unusual::Negative) {
            return source.received(der::encode(&(value as i32 | i32::MIN)));
        }
        if source.is(Unusual::Above31Bits) {
            return Self::new(value | 1 << 31);
        }
        Self::new(value & 0x7fff_ffff)
    }
}

impl Random for Microseconds {
    fn random(source: &mut Source<'_>) -> Self {
        Self(source.word() % 1_000_000)
    }
}

impl Random for KerberosTime {
    fn random(source: &mut Source<'_>) -> Self {
        let seconds = i64::from(source.word());
        if source.is(Unusual::FarTime) {
            return Self::from_unix((seconds - (1 << 31)) * 150);
        }
        Self::from_unix(seconds >> 1)
    }
}

impl Random for KerberosFlags<'static> {
    fn random(source: &mut Source<'_>) -> Self {
        if !source.is(Unusual::FlagsLength) {
            let all = source.word();
            return if source.is(Unusual::Flags) { all } else { all & 0x6000_0000 }.into();
        }
        let bits = usize::from(source.below(64));
        let mut octets: Vec<u8> = (0..bits.div_ceil(8)).map(|_| source.octet()).collect();
        let unused = octets.len() * 8 - bits;
        if let Some(last) = octets.last_mut() {
            *last &= 0xff << unused;
        }
        source.received([&[3, 1 + octets.len() as u8, unused as u8], &octets[..]].concat())
    }
}

impl Random for bool {
    fn random(source: &mut Source<'_>) -> Self {
        source.below(2) == 1
    }
}

impl Random for &'static [u8] {
    fn random(source: &mut Source<'_>) -> Self {
        match source.below(16) {
            // Lengths of two and three octets.
            15 => vec![source.octet(); 100 + usize::from(source.octet()) * 2].leak(),
            _ => source.octets(20),
        }
    }
}

impl Random for NameString<'static> {
    fn random(source: &mut Source<'_>) -> Self {
        Self::Received(List::random(source))
    }
}

impl Random for Oid<'static> {
    fn random(source: &mut Source<'_>) -> Self {
        Self(
            [&b"\x2a\x03"[..], b"\x60\x86\x48\x01\x65\x03\x04\x02\x01"]
                [usize::from(source.below(2))],
        )
    }
}

macro_rules! wrappers {
    ($($name:ident $(<$life:lifetime>)?: $value:expr;)*) => {$(
        impl Random for $name $(<$life>)? {
            fn random(source: &mut Source<'_>) -> Self {
                let value: fn(&mut Source<'_>) -> _ = $value;
                Self(value(source))
            }
        }
    )*};
}

wrappers! {
    KerberosString<'static>: |source| source.text();
    Utf8String<'static>: |source| source.text();
    SecretOctets<'static>: Random::random;
    AdType: Random::random;
    ChecksumType: Random::random;
    EncType: Random::random;
    ErrorCode: Random::random;
    NameType: Random::random;
    PaType: Random::random;
}
