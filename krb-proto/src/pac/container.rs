use alloc::vec::Vec;

use super::{LogonInfo, PacBuffer, PacError, PacErrorKind as Kind};
use crate::iana::PacBufferType;

/// AD writes about ten; each takes sixteen bytes of header.
pub(super) const MAX_BUFFERS: usize = 64;

/// A PAC (PACTYPE, MS-PAC 2.3) whose structure is sound and of which nothing else is known.
#[derive(Debug)]
pub struct Pac<'a> {
    pub(super) bytes: &'a [u8],
    places: Vec<Place>,
}

/// PAC_INFO_BUFFER (MS-PAC 2.4).
#[derive(Clone, Copy, Debug)]
struct Place {
    kind: PacBufferType,
    offset: usize,
    length: usize,
}

impl<'a> Pac<'a> {
    /// Reads the directory of buffers.
    ///
    /// # Errors
    /// If one lies outside of the PAC, overlaps another or is there twice.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacError> {
        let word = |at: usize| {
            let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
            word.map(|word| u32::from_le_bytes(*word)).ok_or(PacError::new(
                Kind::Truncated,
                at,
                "PACTYPE",
            ))
        };
        let (count, version) = (word(0)? as usize, word(4)?);
        if version != 0 {
            return Err(PacError::new(Kind::BadHeader, 4, "PACTYPE version"));
        }
        if count > MAX_BUFFERS {
            return Err(PacError::new(Kind::BadLength, 0, "PACTYPE count"));
        }
        let directory_end = 8 + 16 * count;
        let mut places: Vec<Place> = Vec::with_capacity(count);
        for at in (8..directory_end).step_by(16) {
            let (kind, length) = (PacBufferType(word(at)?), word(at + 4)? as usize);
            let (offset, high) = (word(at + 8)? as usize, word(at + 12)?);
            let end = offset.checked_add(length).filter(|&end| high == 0 && end <= bytes.len());
            let overlaps = |other: &Place| {
                offset < other.offset + other.length && other.offset < offset + length
            };
            if end.is_none() || offset % 8 != 0 || offset < directory_end {
                return Err(PacError::new(Kind::BadLength, at, "PAC_INFO_BUFFER"));
            }
            if length > 0 && places.iter().any(overlaps) {
                return Err(PacError::new(Kind::BadLength, at, "PAC_INFO_BUFFER"));
            }
            if places.iter().any(|other| other.kind == kind) {
                return Err(PacError::new(Kind::Duplicate, at, "PAC_INFO_BUFFER"));
            }
            places.push(Place { kind, offset, length });
        }
        Ok(Self { bytes, places })
    }

    /// All buffers in the directory's order, unknown ones too. Nobody has vouched for them.
    pub fn buffers(&self) -> impl Iterator<Item = (PacBufferType, &'a [u8])> {
        self.places.iter().map(|place| (place.kind, self.contents(*place)))
    }

    fn contents(&self, place: Place) -> &'a [u8] {
        self.bytes.get(place.offset..place.offset + place.length).unwrap_or_default()
    }

    /// Where the buffer begins in the PAC, and the buffer.
    pub(super) fn find(&self, kind: PacBufferType) -> Option<(usize, &'a [u8])> {
        let place = self.places.iter().find(|place| place.kind == kind)?;
        Some((place.offset, self.contents(*place)))
    }
}

/// A PAC that the KDC made for us.
#[derive(Debug)]
pub struct VerifiedPac<'a>(pub(super) Pac<'a>);

impl<'a> VerifiedPac<'a> {
    /// A buffer's contents, if it is there, as `pac.get::<UpnDnsInfo>()`.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn get<B: PacBuffer>(&self) -> Result<Option<B>, PacError> {
        self.0.find(B::TYPE).map(|(_, buffer)| B::from_bytes(buffer)).transpose()
    }

    /// LOGON_INFO: who it is.
    ///
    /// # Errors
    /// If it is missing or malformed.
    pub fn logon_info(&self) -> Result<LogonInfo, PacError> {
        self.get()?.ok_or(PacError::new(Kind::Missing, 0, "LOGON_INFO"))
    }

    /// The PAC's structure.
    #[must_use]
    pub const fn as_pac(&self) -> &Pac<'a> {
        &self.0
    }
}
