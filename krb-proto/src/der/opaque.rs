//! What Kerberos carries of X.509 and CMS without a look inside.

use super::{Contents, Decode, DecodeError, DecodeErrorKind as Kind, Encode, Reader, Writer};

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
