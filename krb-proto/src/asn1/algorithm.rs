use crate::der::{BitString, Contents, Decode, DecodeError, Encode, Oid, Reader, Writer, sequence};

/// AlgorithmIdentifier (RFC 5280 section 4.1.1.2), of which Kerberos looks at the name only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AlgorithmIdentifier<'a> {
    /// Which algorithm.
    pub algorithm: Oid<'a>,
    /// Its parameters: the DER of one value, or nothing.
    pub parameters: Option<&'a [u8]>,
}

impl<'a> Contents<'a> for AlgorithmIdentifier<'a> {
    const TAG: u8 = 0x30;

    fn decode_contents(mut contents: Reader<'a>) -> Result<Self, DecodeError> {
        let field = |error: DecodeError| error.in_field("AlgorithmIdentifier.parameters");
        let algorithm = Oid::decode(&mut contents)?;
        let parameters = contents.rest();
        if let Some(tag) = contents.peek_tag() {
            contents.enter(tag).map_err(field)?;
        }
        contents.finish().map_err(field)?;
        Ok(Self { algorithm, parameters: (!parameters.is_empty()).then_some(parameters) })
    }
}

impl<'a> Decode<'a> for AlgorithmIdentifier<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Self::decode_contents(reader.enter(Self::TAG)?)
    }
}

impl Encode for AlgorithmIdentifier<'_> {
    fn encode(&self, writer: &mut Writer) {
        let mark = writer.mark();
        writer.prepend(self.parameters.unwrap_or_default());
        self.algorithm.encode(writer);
        writer.close(0x30, mark);
    }
}

sequence! {
    /// SubjectPublicKeyInfo (RFC 5280 section 4.1).
    pub struct SubjectPublicKeyInfo<'a> {
        [] algorithm: AlgorithmIdentifier<'a>,
        [] subject_public_key: BitString<'a>,
    }
}
