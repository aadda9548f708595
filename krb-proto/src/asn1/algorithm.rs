use crate::der::{
    BitString, Decode, DecodeContents, Encode, EncodeContents, Fault, Oid, Reader, Writer, sequence,
};

/// AlgorithmIdentifier (RFC 5280 section 4.1.1.2), of which Kerberos looks at the name only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AlgorithmIdentifier<'a> {
    /// Which algorithm.
    pub algorithm: Oid<'a>,
    /// Its parameters: the DER of one value, or nothing.
    pub parameters: Option<&'a [u8]>,
}

impl<'a> DecodeContents<'a> for AlgorithmIdentifier<'a> {
    fn decode_contents(mut contents: Reader<'a>) -> Result<Self, Fault> {
        let field = |error: Fault| error.in_field("AlgorithmIdentifier.parameters");
        let algorithm = Oid::decode(&mut contents)?;
        let parameters = contents.rest();
        if let Some(tag) = contents.peek_tag() {
            contents.enter(tag).map_err(field)?;
        }
        contents.finish().map_err(field)?;
        Ok(Self { algorithm, parameters: (!parameters.is_empty()).then_some(parameters) })
    }
}

impl EncodeContents for AlgorithmIdentifier<'_> {
    /// SEQUENCE.
    const TAG: u8 = 0x30;

    fn encode_contents(&self, writer: &mut Writer) {
        writer.prepend(self.parameters.unwrap_or_default());
        self.algorithm.encode(writer);
    }

    fn contents_len(&self) -> usize {
        self.algorithm.encoded_len() + self.parameters.map_or(0, <[u8]>::len)
    }
}

sequence! {
    /// SubjectPublicKeyInfo (RFC 5280 section 4.1).
    pub struct SubjectPublicKeyInfo<'a> {
        [] algorithm: AlgorithmIdentifier<'a>,
        [] subject_public_key: BitString<'a>,
    }
}
