use super::{DecodeErrorKind as Kind, Fault};

/// A cursor over one value's contents.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `input`.
    #[inline]
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// Is everything read?
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left, as bytes.
    #[inline]
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The bytes between an earlier state of this cursor and now.
    #[inline]
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
    pub fn error(&self, kind: Kind) -> Fault {
        Fault::new(kind, self.rest, 0)
    }

    /// Reads identifier and length of a value with this tag and returns a cursor over its
    /// contents; this cursor moves behind it.
    ///
    /// # Errors
    /// If the tag differs, the length is not minimal DER, or the contents reach beyond the end.
    #[inline]
    pub fn enter(&mut self, tag: u8) -> Result<Reader<'a>, Fault> {
        // The common case in one look: short form.
        if let [found, length @ 0..0x80, contents @ ..] = self.rest
            && *found == tag
            && let Some(parts) = contents.split_at_checked(usize::from(*length))
        {
            return Ok(self.pass(parts));
        }
        match self.enter_long(tag) {
            Some(parts) => Ok(self.pass(parts)),
            None => Err(self.refusal(tag)),
        }
    }

    /// The contents of the one value of this tag that fills what is left.
    #[inline]
    pub(crate) fn only(mut self, tag: u8) -> Result<Reader<'a>, Fault> {
        let contents = self.enter(tag)?;
        self.finish()?;
        Ok(contents)
    }

    /// [`Reader::enter`] twice: a value of tag `inner` which alone fills one of tag `outer`.
    #[inline]
    pub(super) fn enter_explicit(&mut self, outer: u8, inner: u8) -> Result<Reader<'a>, Fault> {
        if let [found_outer, outer_length, found_inner, length @ 0..0x7e, contents @ ..] = self.rest
            && *found_outer == outer
            && *found_inner == inner
            && *outer_length == *length + 2
            && let Some(parts) = contents.split_at_checked(usize::from(*length))
        {
            return Ok(self.pass(parts));
        }
        self.enter_long_explicit(outer, inner)
    }

    #[inline(never)]
    fn enter_long_explicit(&mut self, outer: u8, inner: u8) -> Result<Reader<'a>, Fault> {
        self.enter(outer)?.only(inner)
    }

    /// Moves behind a value; returns a cursor over its contents.
    #[inline]
    fn pass(&mut self, (contents, rest): (&'a [u8], &'a [u8])) -> Reader<'a> {
        self.rest = rest;
        Reader { rest: contents }
    }

    /// Long form.
    #[inline]
    fn enter_long(&self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        let [found, first, octets @ ..] = self.rest else { return None };
        if *found != tag {
            return None;
        }
        let length = long_length(*first, octets)?;
        octets.get(usize::from(*first & 0x7f)..)?.split_at_checked(length)
    }

    /// Why no value with this tag can be entered here.
    #[cold]
    #[inline(never)]
    fn refusal(&self, tag: u8) -> Fault {
        let (kind, at) = match *self.rest {
            [] => (Kind::Truncated, 0),
            [found, ..] if found != tag => (Kind::UnexpectedTag { expected: tag, found }, 0),
            [_] => (Kind::Truncated, 1),
            [_, 0..0x80, ..] => (Kind::Truncated, 2),
            [_, 0x80, ..] => (Kind::IndefiniteLength, 1),
            [_, 0x85..=0xff, ..] => (Kind::BadLength, 1),
            [_, count, ref octets @ ..] => {
                let count = usize::from(count & 0x7f);
                match octets.get(..count) {
                    None => (Kind::Truncated, 1),
                    Some([0, ..] | [0..0x80]) => (Kind::BadLength, 1),
                    Some(_) => (Kind::Truncated, 2 + count),
                }
            }
        };
        Fault::new(kind, self.rest, at)
    }

    /// Fails if bytes are left.
    ///
    /// # Errors
    /// [`DecodeErrorKind::TrailingData`](Kind::TrailingData).
    #[inline]
    pub fn finish(&self) -> Result<(), Fault> {
        if self.is_empty() { Ok(()) } else { Err(self.error(Kind::TrailingData)) }
    }
}

/// How a SEQUENCE ends behind its last declared member.
impl Reader<'_> {
    /// A closed one: with it. `_last` is for the symmetry of the two.
    #[inline]
    pub(crate) fn finish_closed(&mut self, _last: u8) -> Result<(), Fault> {
        self.finish()
    }

    /// One with an extension marker: with members of later versions, whose context tags are higher
    /// than `last`, the declared ones' last. Nobody looks into them.
    #[inline]
    pub(crate) fn finish_extensible(&mut self, last: u8) -> Result<(), Fault> {
        while let Some(tag) = self.peek_tag() {
            if !is_later(tag, last) {
                return Err(self.error(Kind::TrailingData));
            }
            self.enter(tag)?;
        }
        Ok(())
    }

    /// Why what stands here is none of the alternatives of a CHOICE, whose last tag is `last`.
    #[cold]
    pub(crate) fn no_alternative(&self, last: u8) -> Fault {
        match self.peek_tag() {
            Some(tag) if is_later(tag, last) => self.error(Kind::UnknownAlternative { tag }),
            _ => self.error(Kind::NoAlternative),
        }
    }
}

/// Is this a context tag of one octet whose number is higher than `last`?
const fn is_later(tag: u8, last: u8) -> bool {
    const NUMBER: u8 = 0x1f;
    tag & 0xc0 == 0x80 && tag & NUMBER > last && tag & NUMBER != NUMBER
}

/// The last of a type's tags.
pub(crate) const fn last(tags: &[u8]) -> u8 {
    match tags {
        [.., last] => *last,
        [] => 0,
    }
}

/// A length in as few octets as it needs.
#[inline(never)]
fn long_length(first: u8, octets: &[u8]) -> Option<usize> {
    match (first, octets) {
        (0x82, [a @ 1..=0xff, b, ..]) => Some(usize::from(u16::from_be_bytes([*a, *b]))),
        (0x81, [a @ 0x80..=0xff, ..]) => Some(usize::from(*a)),
        (0x83, [a @ 1..=0xff, b, c, ..]) => Some(u32::from_be_bytes([0, *a, *b, *c]) as usize),
        (0x84, [a @ 1..=0xff, b, c, d, ..]) => Some(u32::from_be_bytes([*a, *b, *c, *d]) as usize),
        _ => None,
    }
}
