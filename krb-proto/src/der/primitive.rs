//! BOOLEAN and GeneralizedTime.

use super::{DecodeContents, DecodeErrorKind as Kind, EncodeContents, Fault, Reader, Writer};
use crate::KerberosTime;

impl DecodeContents<'_> for bool {
    fn decode_contents(contents: Reader<'_>) -> Result<Self, Fault> {
        match contents.rest() {
            [0x00] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(contents.error(Kind::BadBoolean)),
        }
    }
}

impl EncodeContents for bool {
    /// BOOLEAN.
    const TAG: u8 = 0x01;

    fn encode_contents(&self, writer: &mut Writer) {
        writer.prepend_array([if *self { 0xff } else { 0 }]);
    }

    fn contents_len(&self) -> usize {
        1
    }
}

impl DecodeContents<'_> for KerberosTime {
    #[inline]
    fn decode_contents(contents: Reader<'_>) -> Result<Self, Fault> {
        Self::from_generalized(contents.rest()).ok_or_else(|| contents.error(Kind::BadTime))
    }
}

impl EncodeContents for KerberosTime {
    /// GeneralizedTime.
    const TAG: u8 = 0x18;

    #[inline]
    fn encode_contents(&self, writer: &mut Writer) {
        writer.prepend_array(self.to_generalized());
    }

    #[inline]
    fn contents_len(&self) -> usize {
        15
    }
}
