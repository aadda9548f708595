use core::fmt;

use super::{DecodeContents, DecodeErrorKind as Kind, EncodeContents, Fault, Reader, Writer};

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

impl<'a> DecodeContents<'a> for KerberosFlags<'a> {
    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
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

impl EncodeContents for KerberosFlags<'_> {
    /// BIT STRING.
    const TAG: u8 = 0x03;

    #[inline]
    fn encode_contents(&self, writer: &mut Writer) {
        match self.unusual {
            Some(contents) => writer.prepend(contents),
            None => {
                let [a, b, c, d] = self.bits.to_be_bytes();
                writer.prepend_array([0, a, b, c, d]);
            }
        }
    }

    #[inline]
    fn contents_len(&self) -> usize {
        self.unusual.map_or(5, <[u8]>::len)
    }
}
