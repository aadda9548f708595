use core::fmt;

use crate::crypto::CryptoError;

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
    /// The signature does not hold.
    Signature(CryptoError),
}

impl PacError {
    pub(super) const fn new(kind: PacErrorKind, offset: usize, field: &'static str) -> Self {
        Self { kind, offset, field }
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
            PacErrorKind::Signature(error) => error.fmt(f)?,
        }
        write!(f, " ({}, byte {})", self.field, self.offset)
    }
}

impl core::error::Error for PacError {}
