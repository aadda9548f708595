use super::{DecodeError, DecodeErrorKind as Kind};

/// A cursor over one value's contents, which knows its offset in the outermost input.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { rest: input, offset: 0 }
    }

    /// Is everything read?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left, as bytes.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The bytes between an earlier state of this cursor and now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> &'a [u8] {
        let length = earlier.rest.len().saturating_sub(self.rest.len());
        earlier.rest.get(..length).unwrap_or_default()
    }

    /// The next identifier octet, if any byte is left.
    #[inline]
    #[must_use]
    pub fn peek_tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// An error at the next byte.
    #[cold]
    #[must_use]
    pub const fn error(&self, kind: Kind) -> DecodeError {
        DecodeError::new(kind, self.offset)
    }

    /// Reads identifier and length of a value with this tag and returns a cursor over its
    /// contents; this cursor moves behind it.
    ///
    /// # Errors
    /// If the tag differs, the length is not minimal DER, or the contents reach beyond the end.
    #[inline]
    pub fn enter(&mut self, tag: u8) -> Result<Reader<'a>, DecodeError> {
        // The common case in one look: short form.
        if let [found, length @ 0..0x80, contents @ ..] = self.rest
            && *found == tag
            && let Some((contents, rest)) = contents.split_at_checked(*length as usize)
        {
            return Ok(self.advance(2, contents, rest));
        }
        self.enter_long(tag)
    }

    /// Moves behind a value; returns a cursor over its contents.
    #[inline]
    fn advance(&mut self, header: usize, contents: &'a [u8], rest: &'a [u8]) -> Reader<'a> {
        let inner = Reader { rest: contents, offset: self.offset + header };
        *self = Reader { rest, offset: inner.offset + contents.len() };
        inner
    }

    fn enter_long(&mut self, tag: u8) -> Result<Reader<'a>, DecodeError> {
        let (&found, after_tag) = self.rest.split_first().ok_or(self.error(Kind::Truncated))?;
        if found != tag {
            return Err(self.error(Kind::UnexpectedTag { expected: tag, found }));
        }
        let at_length = DecodeError::new(Kind::BadLength, self.offset + 1);
        let (length, contents) = match *after_tag {
            [short @ 0..0x80, ref contents @ ..] => (short as usize, contents),
            [0x80, ..] => return Err(DecodeError { kind: Kind::IndefiniteLength, ..at_length }),
            [0x81, a @ 0x80..=0xff, ref contents @ ..] => (a as usize, contents),
            [0x82, a @ 1..=0xff, b, ref contents @ ..] => {
                (usize::from(u16::from_be_bytes([a, b])), contents)
            }
            [0x83, a @ 1..=0xff, b, c, ref contents @ ..] => {
                (u32::from_be_bytes([0, a, b, c]) as usize, contents)
            }
            [0x84, a @ 1..=0xff, b, c, d, ref contents @ ..] => {
                (u32::from_be_bytes([a, b, c, d]) as usize, contents)
            }
            [first @ 0x81..=0x84, ref octets @ ..] if octets.len() >= usize::from(first & 0x7f) => {
                return Err(at_length);
            }
            [0x85..=0xff, ..] => return Err(at_length),
            _ => return Err(DecodeError { kind: Kind::Truncated, ..at_length }),
        };
        let header = self.rest.len() - contents.len();
        let (contents, rest) = contents
            .split_at_checked(length)
            .ok_or(DecodeError::new(Kind::Truncated, self.offset + header))?;
        Ok(self.advance(header, contents, rest))
    }

    /// Fails if bytes are left.
    ///
    /// # Errors
    /// [`DecodeErrorKind::TrailingData`](Kind::TrailingData).
    #[inline]
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.is_empty() { Ok(()) } else { Err(self.error(Kind::TrailingData)) }
    }
}
