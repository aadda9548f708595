use crate::der::{Decode, DecodeError, Encode, Reader, Writer};

const OBJECT_IDENTIFIER: u8 = 0x06;

/// OBJECT IDENTIFIER, as its contents octets: mechanisms are compared, never spelt out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Oid<'a>(pub &'a [u8]);

impl Oid<'static> {
    /// Kerberos, 1.2.840.113554.1.2.2 (RFC 4121 section 4.1).
    pub const KRB5: Self = Self(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
    /// Kerberos as Windows 2000 numbered it, 1.2.840.48018.1.2.2: the second arc's 113554 cut to
    /// 16 bits (MS-SPNG 2.2). Only SPNEGO's lists hold it; inside, tokens carry [`Oid::KRB5`].
    pub const MS_KRB5: Self = Self(b"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02");
    /// SPNEGO, 1.3.6.1.5.5.2 (RFC 4178).
    pub const SPNEGO: Self = Self(b"\x2b\x06\x01\x05\x05\x02");
}

impl<'a> Decode<'a> for Oid<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(reader.enter(OBJECT_IDENTIFIER)?.rest()))
    }
}

impl Encode for Oid<'_> {
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(self.0);
        writer.close(OBJECT_IDENTIFIER, mark);
    }
}
