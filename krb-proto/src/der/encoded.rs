use super::{Decode, DecodeError, Encode, Fault, Reader, Writer};

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
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Fault> {
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

    #[inline]
    fn encoded_len(&self) -> usize {
        self.der.len()
    }
}
