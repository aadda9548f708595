use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// A security identifier (MS-DTYP 2.4.2), revision 1. The default one is `S-1-0`, nobody's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sid {
    /// 48 bits.
    authority: u64,
    sub_authorities: Vec<u32>,
}

/// A text is no SID of the form `S-1-…`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SidParseError;

impl fmt::Display for SidParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a SID of the form S-1-…")
    }
}

impl core::error::Error for SidParseError {}

impl Sid {
    /// The most sub-authorities that a SID has.
    const MAX_SUB_AUTHORITIES: usize = 15;

    /// `None` if there are more than 15 sub-authorities or the authority has more than 48 bits.
    #[must_use]
    pub fn new(authority: u64, sub_authorities: Vec<u32>) -> Option<Self> {
        (sub_authorities.len() <= Self::MAX_SUB_AUTHORITIES && authority >> 48 == 0)
            .then_some(Self { authority, sub_authorities })
    }

    /// Reads the packet representation (MS-DTYP 2.4.2.2), which must fill `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [1, count, authority @ ..] = bytes else { return None };
        let (authority, sub_authorities) = authority.split_first_chunk::<6>()?;
        if sub_authorities.len() != 4 * usize::from(*count) {
            return None;
        }
        let authority = authority.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
        let sub_authorities = sub_authorities.chunks_exact(4);
        let sub_authorities = sub_authorities.map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Self::new(authority, sub_authorities.collect())
    }

    /// The packet representation.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = self.sub_authorities.len() as u8; // at most 15
        let mut bytes = vec![1, count];
        bytes.extend(&self.authority.to_be_bytes()[2..]);
        bytes.extend(self.sub_authorities.iter().flat_map(|part| part.to_le_bytes()));
        bytes
    }

    /// The last sub-authority: the relative identifier within the domain.
    #[must_use]
    pub fn rid(&self) -> Option<u32> {
        self.sub_authorities.last().copied()
    }

    /// The SID without its relative identifier.
    #[must_use]
    pub fn domain(&self) -> Option<Self> {
        let (_, domain) = self.sub_authorities.split_last()?;
        Some(Self { authority: self.authority, sub_authorities: domain.to_vec() })
    }

    /// The SID with this relative identifier in the domain that `self` is. `None` if `self` is
    /// full.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Option<Self> {
        let mut sub_authorities = self.sub_authorities.clone();
        sub_authorities.push(rid);
        Self::new(self.authority, sub_authorities)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // MS-DTYP 2.4.2.1: an authority beyond 32 bits is written in hexadecimal.
        if self.authority >> 32 == 0 {
            write!(f, "S-1-{}", self.authority)?;
        } else {
            write!(f, "S-1-0x{:012x}", self.authority)?;
        }
        self.sub_authorities.iter().try_for_each(|sub_authority| write!(f, "-{sub_authority}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sid {
    type Err = SidParseError;

    fn from_str(text: &str) -> Result<Self, SidParseError> {
        let mut parts = text.strip_prefix("S-1-").ok_or(SidParseError)?.split('-');
        let authority = parts.next().ok_or(SidParseError)?;
        let authority = match authority.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => authority.parse(),
        };
        let sub_authorities = parts.map(str::parse).collect::<Result<_, _>>();
        Self::new(
            authority.map_err(|_| SidParseError)?,
            sub_authorities.map_err(|_| SidParseError)?,
        )
        .ok_or(SidParseError)
    }
}
