//! The types of X.509, CMS and PKINIT that RFC 4120 has no use for.

use super::{
    Decode, DecodeContents, DecodeErrorKind as Kind, Encode, EncodeContents, Fault, Reader, Writer,
};

/// One value of any type: its whole encoding, as it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Any<'a>(pub &'a [u8]);

impl<'a> Decode<'a> for Any<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let start = *reader;
        let tag = reader.peek_tag().ok_or_else(|| reader.error(Kind::Truncated))?;
        reader.enter(tag)?;
        Ok(Self(reader.since(&start)))
    }
}

impl Encode for Any<'_> {
    fn encode(&self, writer: &mut Writer) {
        writer.prepend(self.0);
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }
}

/// A BIT STRING of whole octets, as public keys and signatures are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BitString<'a>(pub &'a [u8]);

impl<'a> DecodeContents<'a> for BitString<'a> {
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        match contents.rest() {
            [0, octets @ ..] => Ok(Self(octets)),
            _ => Err(contents.error(Kind::BadBitString)),
        }
    }
}

impl EncodeContents for BitString<'_> {
    const TAG: u8 = 0x03;

    fn encode_contents(&self, writer: &mut Writer) {
        writer.prepend(self.0);
        writer.prepend_array([0]);
    }

    fn contents_len(&self) -> usize {
        1 + self.0.len()
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

impl<'a> DecodeContents<'a> for BigUnsigned<'a> {
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        match contents.rest() {
            [0] | [0x80..=0xff, ..] => Err(contents.error(Kind::IntegerOutOfRange)),
            [] | [0, 0..0x80, ..] => Err(contents.error(Kind::NonMinimalInteger)),
            [0, octets @ ..] | octets => Ok(Self(octets)),
        }
    }
}

impl BigUnsigned<'_> {
    /// Would the first octet say that the number is negative, or is there none?
    fn needs_zero(self) -> bool {
        self.0.first().is_none_or(|&first| first >= 0x80)
    }
}

impl EncodeContents for BigUnsigned<'_> {
    /// INTEGER.
    const TAG: u8 = 0x02;

    fn encode_contents(&self, writer: &mut Writer) {
        writer.prepend(self.0);
        if self.needs_zero() {
            writer.prepend_array([0]);
        }
    }

    fn contents_len(&self) -> usize {
        self.0.len() + usize::from(self.needs_zero())
    }
}
