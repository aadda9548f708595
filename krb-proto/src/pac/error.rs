use core::fmt;

use crate::crypto::CryptoError;
use crate::der::DecodeError;

/// Why a PAC was refused, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacError {
    /// What is wrong.
    pub kind: PacErrorKind,
    /// Byte offset in the buffer named by `buffer`, or in the PAC.
    pub offset: usize,
    /// The buffer or field.
    pub field: &'static str,
}

/// What is wrong with a PAC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PacErrorKind {
    /// It ends inside a field.
    Truncated,
    /// An unknown version, or a header that says something else than MS-PAC prescribes.
    BadHeader,
    /// A count, a length or an offset that cannot be true.
    BadLength,
    /// Two buffers of a type that may stand there once.
    Duplicate,
    /// A buffer that must be there is not.
    Missing,
    /// Text that is not UTF-16.
    BadText,
    /// A SID that makes no sense.
    BadSid,
    /// A value that its field does not have.
    BadValue,
    /// Claims in a compression format other than XPRESS-Huffman, which alone AD writes.
    UnsupportedCompression,
    /// Claims that do not decompress to as many bytes as they should.
    BadCompression,
    /// Claims that say they are larger than
    /// [`MAX_UNCOMPRESSED_CLAIMS`](super::MAX_UNCOMPRESSED_CLAIMS).
    TooLarge,
    /// To be written: a text or a list that is longer than its length field can say.
    TooLong,
    /// The PAC is another client's, or was made for another logon.
    NotThisClient,
    /// The ticket's authorization data is malformed.
    Malformed(DecodeError),
    /// The signature does not hold.
    Signature(CryptoError),
    /// What was sealed in PAC_CREDENTIAL_INFO does not open.
    Sealed(CryptoError),
}

impl PacError {
    pub(super) const fn new(kind: PacErrorKind, offset: usize, field: &'static str) -> Self {
        Self { kind, offset, field }
    }

    /// The ticket that the PAC stands in, or shall stand in, is malformed.
    pub(crate) const fn in_ticket(error: DecodeError) -> Self {
        Self::new(PacErrorKind::Malformed(error), error.offset, "ticket")
    }
}

impl fmt::Display for PacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            PacErrorKind::Truncated => f.write_str("it ends too early")?,
            PacErrorKind::BadHeader => f.write_str("bad header")?,
            PacErrorKind::BadLength => f.write_str("impossible length or count")?,
            PacErrorKind::Duplicate => f.write_str("a buffer stands there twice")?,
            PacErrorKind::Missing => f.write_str("missing")?,
            PacErrorKind::BadText => f.write_str("text that is not UTF-16")?,
            PacErrorKind::BadSid => f.write_str("malformed SID")?,
            PacErrorKind::BadValue => f.write_str("a value that the field does not have")?,
            PacErrorKind::UnsupportedCompression => {
                f.write_str("compressed in a format other than XPRESS-Huffman")?;
            }
            PacErrorKind::BadCompression => f.write_str("malformed compressed claims")?,
            PacErrorKind::TooLarge => f.write_str("claims of more than a megabyte")?,
            PacErrorKind::TooLong => f.write_str("longer than its length field can say")?,
            PacErrorKind::NotThisClient => f.write_str("made for another client or logon")?,
            PacErrorKind::Malformed(error) => error.fmt(f)?,
            PacErrorKind::Signature(error) | PacErrorKind::Sealed(error) => error.fmt(f)?,
        }
        write!(f, " ({}, byte {})", self.field, self.offset)
    }
}

impl core::error::Error for PacError {}
