use super::{DecodeError, DecodeErrorKind as Kind};

/// A cursor over one value's contents. All cursors of a message share the outermost input, so
/// that every error knows its offset in it.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    input: &'a [u8],
    position: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, position: 0, end: input.len() }
    }

    /// Is everything read?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.position == self.end
    }

    /// Offset of the next byte in the outermost input.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.position
    }

    /// What is left, as bytes.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.input.get(self.position..self.end).unwrap_or_default()
    }

    /// The bytes between an earlier [`Reader::offset`] and here.
    #[must_use]
    pub fn since(&self, offset: usize) -> &'a [u8] {
        self.input.get(offset..self.position).unwrap_or_default()
    }

    /// The next identifier octet, if any byte is left.
    #[inline]
    #[must_use]
    pub fn peek_tag(&self) -> Option<u8> {
        if self.position < self.end { self.input.get(self.position).copied() } else { None }
    }

    /// An error at the next byte.
    #[cold]
    #[must_use]
    pub const fn error(&self, kind: Kind) -> DecodeError {
        DecodeError::new(kind, self.position)
    }

    /// Reads identifier and length of a value with this tag and returns a cursor over its
    /// contents; this cursor moves behind it.
    ///
    /// # Errors
    /// If the tag differs, the length is not minimal DER, or the contents reach beyond the end.
    #[inline]
    pub fn enter(&mut self, tag: u8) -> Result<Reader<'a>, DecodeError> {
        match self.rest() {
            // The common case in one look: short form.
            [found, length @ 0..0x80, contents @ ..]
                if *found == tag && contents.len() >= *length as usize =>
            {
                let start = self.position + 2;
                let end = start + *length as usize;
                self.position = end;
                Ok(Reader { input: self.input, position: start, end })
            }
            rest => self.enter_long(tag, rest),
        }
    }

    fn enter_long(&mut self, tag: u8, rest: &'a [u8]) -> Result<Reader<'a>, DecodeError> {
        let (&found, after_tag) = rest.split_first().ok_or(self.error(Kind::Truncated))?;
        if found != tag {
            return Err(self.error(Kind::UnexpectedTag { expected: tag, found }));
        }
        let at_length = DecodeError::new(Kind::BadLength, self.position + 1);
        let (length, header) = match *after_tag {
            [short @ 0..0x80, ..] => (short as usize, 2),
            [0x80, ..] => return Err(DecodeError { kind: Kind::IndefiniteLength, ..at_length }),
            [0x81, a @ 0x80..=0xff, ..] => (a as usize, 3),
            [0x82, a @ 1..=0xff, b, ..] => (usize::from(u16::from_be_bytes([a, b])), 4),
            [0x83, a @ 1..=0xff, b, c, ..] => (u32::from_be_bytes([0, a, b, c]) as usize, 5),
            [0x84, a @ 1..=0xff, b, c, d, ..] => (u32::from_be_bytes([a, b, c, d]) as usize, 6),
            [first @ 0x81..=0x84, ref octets @ ..] if octets.len() >= usize::from(first & 0x7f) => {
                return Err(at_length);
            }
            [0x85..=0xff, ..] => return Err(at_length),
            _ => return Err(DecodeError { kind: Kind::Truncated, ..at_length }),
        };
        let start = self.position + header;
        match start.checked_add(length) {
            Some(end) if end <= self.end => {
                self.position = end;
                Ok(Reader { input: self.input, position: start, end })
            }
            _ => Err(DecodeError::new(Kind::Truncated, start)),
        }
    }

    /// Reads one whole value of whatever tag and returns its bytes, header included.
    ///
    /// # Errors
    /// If there is none, or its length is not minimal DER or too long.
    pub fn any(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.position;
        let tag = self.peek_tag().ok_or(self.error(Kind::Truncated))?;
        self.enter(tag)?;
        Ok(self.since(start))
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
