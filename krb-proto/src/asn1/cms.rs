//! Cryptographic Message Syntax (RFC 5652), as far as PKINIT signs with it.

use super::AlgorithmIdentifier;
use crate::der::{
    Any, Decode, Encode, EncodeImplicit, Fault, ImplicitField, Oid, Reader, SetOf, Writer, sequence,
};

sequence! {
    /// ContentInfo (RFC 5652 section 3).
    pub struct ContentInfo<'a> {
        [] content_type: Oid<'a>,
        [0] content: Any<'a>,
    }

    /// SignedData (RFC 5652 section 5.1). Of `certificates` those that begin with 0x30 are X.509
    /// certificates; `crls` are carried.
    pub struct SignedData<'a> {
        [] version: i32,
        [] digest_algorithms: SetOf<'a, AlgorithmIdentifier<'a>>,
        [] encap_content_info: EncapsulatedContentInfo<'a>,
        [0 IMPLICIT] certificates: Option<SetOf<'a, Any<'a>>>,
        [1 IMPLICIT] crls: Option<SetOf<'a, Any<'a>>>,
        [] signer_infos: SetOf<'a, SignerInfo<'a>>,
    }

    /// EncapsulatedContentInfo (RFC 5652 section 5.2).
    pub struct EncapsulatedContentInfo<'a> {
        [] e_content_type: Oid<'a>,
        [0] e_content: Option<&'a [u8]>,
    }

    /// SignerInfo (RFC 5652 section 5.3).
    pub struct SignerInfo<'a> {
        [] version: i32,
        [] sid: SignerIdentifier<'a>,
        [] digest_algorithm: AlgorithmIdentifier<'a>,
        [0 IMPLICIT] signed_attrs: Option<SetOf<'a, Attribute<'a>>>,
        [] signature_algorithm: AlgorithmIdentifier<'a>,
        [] signature: &'a [u8],
        [1 IMPLICIT] unsigned_attrs: Option<SetOf<'a, Attribute<'a>>>,
    }

    /// Attribute (RFC 5652 section 5.3).
    pub struct Attribute<'a> {
        [] attr_type: Oid<'a>,
        [] attr_values: SetOf<'a, Any<'a>>,
    }

    /// IssuerAndSerialNumber (RFC 5652 section 10.2.4).
    pub struct IssuerAndSerialNumber<'a> {
        [] issuer: Any<'a>,
        [] serial_number: Any<'a>,
    }
}

/// SignerIdentifier (RFC 5652 section 5.3): a CHOICE whose first alternative has no tag.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum SignerIdentifier<'a> {
    /// By its certificate.
    IssuerAndSerialNumber(IssuerAndSerialNumber<'a>),
    /// By the identifier of its key.
    SubjectKeyIdentifier(&'a [u8]),
}

impl<'a> Decode<'a> for SignerIdentifier<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        if reader.peek_tag() == Some(0x80) {
            ImplicitField::decode_implicit(reader, 0x80).map(Self::SubjectKeyIdentifier)
        } else {
            Decode::decode(reader).map(Self::IssuerAndSerialNumber)
        }
    }
}

impl Encode for SignerIdentifier<'_> {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::IssuerAndSerialNumber(name) => name.encode(writer),
            Self::SubjectKeyIdentifier(identifier) => identifier.encode_implicit(writer, 0x80),
        }
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::IssuerAndSerialNumber(name) => name.encoded_len(),
            Self::SubjectKeyIdentifier(identifier) => identifier.encoded_len(),
        }
    }
}
