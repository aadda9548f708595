//! OCTET STRING, the character strings, and OBJECT IDENTIFIER: octets that are carried as they are.

use alloc::string::String;
use core::fmt;

use super::{DecodeContents, DecodeErrorKind as Kind, EncodeContents, Fault, Reader, Writer};

const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const GENERAL_STRING: u8 = 0x1b;

/// Types that are written as the octets their expression makes of them.
macro_rules! write_octets {
    ($($type:ty: $tag:ident |$this:ident| $octets:expr;)*) => {$(
        impl EncodeContents for $type {
            const TAG: u8 = $tag;

            #[inline]
            fn encode_contents(&self, writer: &mut Writer) {
                let $this = self;
                writer.prepend($octets);
            }

            #[inline]
            fn contents_len(&self) -> usize {
                let $this = self;
                $octets.len()
            }
        }
    )*};
}
write_octets! {
    &[u8]: OCTET_STRING |this| this;
    KerberosString<'_>: GENERAL_STRING |this| this.0;
    Utf8String<'_>: UTF8_STRING |this| this.0;
    Oid<'_>: OBJECT_IDENTIFIER |this| this.0;
}

/// OCTET STRING.
impl<'a> DecodeContents<'a> for &'a [u8] {
    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        Ok(contents.rest())
    }
}

/// KerberosString (RFC 4120 section 5.2.1), a GeneralString. Peers put UTF-8 (AD), Latin-1 and
/// other octets into it, so it is octets with a UTF-8 view.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct KerberosString<'a>(pub &'a [u8]);

impl<'a> KerberosString<'a> {
    /// The text, if it is UTF-8.
    #[must_use]
    pub fn to_str(self) -> Option<&'a str> {
        core::str::from_utf8(self.0).ok()
    }
}

impl fmt::Debug for KerberosString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.0))
    }
}

impl<'a> DecodeContents<'a> for KerberosString<'a> {
    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        Ok(Self(contents.rest()))
    }
}

/// UTF8String: octets with a UTF-8 view, as they are only carried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Utf8String<'a>(pub &'a [u8]);

impl<'a> Utf8String<'a> {
    /// The text, if it is UTF-8.
    #[must_use]
    pub fn to_str(self) -> Option<&'a str> {
        core::str::from_utf8(self.0).ok()
    }
}

impl fmt::Debug for Utf8String<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KerberosString(self.0).fmt(f)
    }
}

impl<'a> DecodeContents<'a> for Utf8String<'a> {
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        Ok(Self(contents.rest()))
    }
}

/// OBJECT IDENTIFIER, as its contents octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Oid<'a>(pub &'a [u8]);

impl<'a> DecodeContents<'a> for Oid<'a> {
    /// Every arc in as few octets as it needs, the last one complete.
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        let octets = contents.rest();
        let before = core::iter::once(&0).chain(octets);
        let padded = before.zip(octets).any(|(&before, &octet)| before < 0x80 && octet == 0x80);
        match octets.last() {
            Some(0..0x80) if !padded => Ok(Self(octets)),
            _ => Err(contents.error(Kind::BadObjectIdentifier)),
        }
    }
}
