use super::Checksum;
use crate::der::{Decode, Encode, Fault, Reader, Utf8String, Writer, sequence};

sequence! {
    /// IAKERB-HEADER (draft-ietf-kitten-iakerb section 3).
    pub struct IakerbHeader<'a> {
        [1] target_realm: IakerbRealm<'a>,
        [2] cookie: Option<&'a [u8]>,
        ...
    }

    /// IAKERB-FINISHED (draft-ietf-kitten-iakerb section 3), with the tag that MIT gives its member.
    pub struct IakerbFinished<'a> {
        [1] gss_mic: Checksum<'a>,
        ...
    }
}

/// The realm of an IAKERB-HEADER. It is a UTF8String, and in MIT krb5 1.20 an OCTET STRING, which
/// takes nothing else.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum IakerbRealm<'a> {
    /// As the draft has it.
    Utf8String(Utf8String<'a>),
    /// As old implementations have it.
    OctetString(&'a [u8]),
}

impl<'a> IakerbRealm<'a> {
    /// The realm.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        match self {
            Self::Utf8String(text) => text.0,
            Self::OctetString(octets) => octets,
        }
    }
}

impl<'a> Decode<'a> for IakerbRealm<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        const OCTET_STRING: u8 = 0x04;
        if reader.peek_tag() == Some(OCTET_STRING) {
            <&[u8]>::decode(reader).map(Self::OctetString)
        } else {
            Utf8String::decode(reader).map(Self::Utf8String)
        }
    }
}

impl Encode for IakerbRealm<'_> {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Utf8String(text) => text.encode(writer),
            Self::OctetString(octets) => octets.encode(writer),
        }
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Utf8String(text) => text.encoded_len(),
            Self::OctetString(octets) => octets.encoded_len(),
        }
    }
}
