use core::fmt;

/// Why bytes were refused, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Byte offset in the input given to [`decode`](super::decode).
    pub offset: usize,
    /// The innermost declared field that holds the fault, as `Type.field`; empty outside of one.
    pub field: &'static str,
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside a value.
    Truncated,
    /// Another tag stands where this one must.
    UnexpectedTag {
        /// The identifier octet that must stand here.
        expected: u8,
        /// The one that does.
        found: u8,
    },
    /// An indefinite length: BER, not DER.
    IndefiniteLength,
    /// A length in more octets than it needs, or longer than 2^32 - 1.
    BadLength,
    /// Bytes are left over behind the last field.
    TrailingData,
    /// An integer in more octets than it needs, or in none.
    NonMinimalInteger,
    /// An integer outside the range of its field.
    IntegerOutOfRange,
    /// A BOOLEAN that is neither 00 nor FF.
    BadBoolean,
    /// A BIT STRING with a wrong count of unused bits, or with unused bits set.
    BadBitString,
    /// An OBJECT IDENTIFIER with an arc that is cut off or in more octets than it needs.
    BadObjectIdentifier,
    /// A CHOICE that is none of its alternatives.
    NoAlternative,
    /// A CHOICE that later versions may add alternatives to, and this is one of theirs.
    UnknownAlternative {
        /// Its identifier octet.
        tag: u8,
    },
    /// A time that is not `YYYYMMDDHHMMSSZ`.
    BadTime,
    /// A number that the specification fixes (version, message type) is another one.
    WrongConstant,
    /// A SEQUENCE OF with more elements than this crate takes.
    TooManyElements,
}

/// A [`DecodeError`] in the making, as a [`Reader`](super::Reader) finds it: it knows which byte is
/// wrong but not where the outermost input begins. So a reader is one slice, and none of its steps
/// counts what only errors ask for.
#[derive(Clone, Copy)]
pub struct Fault {
    kind: DecodeErrorKind,
    address: usize,
    field: &'static str,
}

impl Fault {
    /// A fault `ahead` bytes into `rest`.
    pub(super) fn new(kind: DecodeErrorKind, rest: &[u8], ahead: usize) -> Self {
        Self { kind, address: rest.as_ptr().addr() + ahead, field: "" }
    }

    /// The error, for the whole input that the reader was made of.
    #[cold]
    #[must_use]
    pub fn within(self, input: &[u8]) -> DecodeError {
        let offset = self.address.saturating_sub(input.as_ptr().addr()).min(input.len());
        DecodeError { kind: self.kind, offset, field: self.field }
    }

    /// Names the field, unless a field further in is named already.
    #[cold]
    pub(crate) fn in_field(mut self, field: &'static str) -> Self {
        if self.field.is_empty() {
            self.field = field;
        }
        self
    }
}

/// Without the address: where memory lies is nobody's business.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({:?}, {:?})", self.kind, self.field)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DecodeErrorKind::Truncated => f.write_str("the input ends too early")?,
            DecodeErrorKind::UnexpectedTag { expected, found } => {
                write!(f, "tag {found:#04x} where {expected:#04x} must stand")?;
            }
            DecodeErrorKind::IndefiniteLength => f.write_str("indefinite length")?,
            DecodeErrorKind::BadLength => f.write_str("length that is not minimal or too large")?,
            DecodeErrorKind::TrailingData => f.write_str("bytes left over")?,
            DecodeErrorKind::NonMinimalInteger => f.write_str("integer that is not minimal")?,
            DecodeErrorKind::IntegerOutOfRange => f.write_str("integer out of range")?,
            DecodeErrorKind::BadBoolean => f.write_str("boolean that is neither 00 nor ff")?,
            DecodeErrorKind::BadBitString => f.write_str("malformed bit string")?,
            DecodeErrorKind::BadObjectIdentifier => f.write_str("malformed object identifier")?,
            DecodeErrorKind::NoAlternative => f.write_str("none of the alternatives")?,
            DecodeErrorKind::UnknownAlternative { tag } => {
                write!(f, "an alternative that is not known here (tag {tag:#04x})")?;
            }
            DecodeErrorKind::BadTime => f.write_str("time that is not YYYYMMDDHHMMSSZ")?,
            DecodeErrorKind::WrongConstant => f.write_str("wrong version or message type")?,
            DecodeErrorKind::TooManyElements => f.write_str("too many elements")?,
        }
        write!(f, " at byte {}", self.offset)?;
        if !self.field.is_empty() {
            write!(f, " in {}", self.field)?;
        }
        Ok(())
    }
}

impl core::error::Error for DecodeError {}
