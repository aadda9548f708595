//! The types of X.509, CMS and PKINIT that RFC 4120 has no use for.

use super::{Contents, Decode, DecodeError, DecodeErrorKind as Kind, Encode, Reader, Writer};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// One value of any type: its whole encoding, as it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Any<'a>(pub &'a [u8]);

impl<'a> Decode<'a> for Any<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let start = *reader;
        let tag = reader.peek_tag().ok_or(reader.error(Kind::Truncated))?;
        reader.enter(tag)?;
        Ok(Self(reader.since(&start)))
    }
}

impl Encode for Any<'_> {
    fn encode(&self, writer: &mut Writer) {
        writer.prepend(self.0);
    }
}

/// A BIT STRING of whole octets, as public keys and signatures are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BitString<'a>(pub &'a [u8]);

impl<'a> Contents<'a> for BitString<'a> {
    const TAG: u8 = BIT_STRING;

    fn decode_contents(contents: Reader<'a>) -> Result<Self, DecodeError> {
        match contents.rest() {
            [0, octets @ ..] => Ok(Self(octets)),
            _ => Err(contents.error(Kind::BadBitString)),
        }
    }
}

impl<'a> Decode<'a> for BitString<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Self::decode_contents(reader.enter(Self::TAG)?)
    }
}

impl Encode for BitString<'_> {
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(self.0);
        writer.prepend(&[0]);
        writer.close(BIT_STRING, mark);
    }
}

/// A positive INTEGER of any size: its octets, the most significant one not zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BigUnsigned<'a>(&'a [u8]);

impl<'a> BigUnsigned<'a> {
    /// The number of these octets, which may begin with zeros.
    #[must_use]
    pub fn new(octets: &'a [u8]) -> Self {
        let zeros = octets.iter().take_while(|&&octet| octet == 0).count();
        Self(octets.split_at(zeros).1)
    }

    /// The octets, the most significant one first.
    #[must_use]
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Contents<'a> for BigUnsigned<'a> {
    const TAG: u8 = INTEGER;

    fn decode_contents(contents: Reader<'a>) -> Result<Self, DecodeError> {
        match contents.rest() {
            [0] | [0x80..=0xff, ..] => Err(contents.error(Kind::IntegerOutOfRange)),
            [] | [0, 0..0x80, ..] => Err(contents.error(Kind::NonMinimalInteger)),
            [0, octets @ ..] | octets => Ok(Self(octets)),
        }
    }
}

impl<'a> Decode<'a> for BigUnsigned<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Self::decode_contents(reader.enter(Self::TAG)?)
    }
}

impl Encode for BigUnsigned<'_> {
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(self.0);
        if self.0.first().is_none_or(|&first| first >= 0x80) {
            writer.prepend(&[0]);
        }
        writer.close(INTEGER, mark);
    }
}
