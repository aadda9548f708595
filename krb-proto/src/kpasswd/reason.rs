use alloc::string::String;
#[cfg(any(feature = "kdc", test))]
use alloc::vec::Vec;
use core::fmt;

/// Why a server refused a password.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// In its own words, with spaces for what is not printable, cut to 256 characters.
    Text(String),
    /// Active Directory: what a password must be.
    Policy(PasswordPolicy),
}

/// What a password must be at an Active Directory: 30 octets in the place of a text (MS-SAMR
/// DOMAIN_PASSWORD_INFORMATION, big-endian, behind two zeros).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PasswordPolicy {
    /// The fewest characters.
    pub min_length: u32,
    /// How many former passwords must not come again.
    pub history: u32,
    /// DOMAIN_PASSWORD_COMPLEX and others.
    pub properties: u32,
    /// After how many units of 100 ns it must be changed.
    pub max_age: u64,
    /// For how many units of 100 ns it cannot be changed again.
    pub min_age: u64,
}

impl PasswordPolicy {
    /// DOMAIN_PASSWORD_COMPLEX: characters of several classes are demanded.
    pub const COMPLEX: u32 = 1;

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(&[0, 0])?;
        let (min_length, rest) = bytes.split_first_chunk()?;
        let (history, rest) = rest.split_first_chunk()?;
        let (properties, rest) = rest.split_first_chunk()?;
        let (max_age, rest) = rest.split_first_chunk()?;
        let [min_length, history, properties] =
            [min_length, history, properties].map(|n| u32::from_be_bytes(*n));
        let [max_age, min_age] =
            [max_age, rest.try_into().ok()?].map(|n: &[u8; 8]| u64::from_be_bytes(*n));
        Some(Self { min_length, history, properties, max_age, min_age })
    }

    /// The 30 octets that say so.
    #[cfg(any(feature = "kdc", test))]
    #[must_use]
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let numbers = [self.min_length, self.history, self.properties].map(u32::to_be_bytes);
        let ages = [self.max_age, self.min_age].map(u64::to_be_bytes);
        [&[0, 0], numbers.as_flattened(), ages.as_flattened()].concat()
    }

    /// Must characters be of several classes?
    #[must_use]
    pub const fn is_complex(&self) -> bool {
        self.properties & Self::COMPLEX != 0
    }
}

impl fmt::Display for PasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a password has at least {} characters", self.min_length)?;
        if self.is_complex() {
            f.write_str(
                ", of three kinds among capitals, small letters, digits and signs, and not the account's name",
            )?;
        }
        if self.history > 0 {
            write!(f, ", is none of the last {}", self.history)?;
        }
        let days = self.min_age / (86_400 * 10_000_000);
        if days > 0 {
            write!(f, ", and stays for at least {days} days")?;
        }
        Ok(())
    }
}

impl Reason {
    /// `None` where nothing is said.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        if let Some(policy) = PasswordPolicy::from_bytes(bytes) {
            return Some(Self::Policy(policy));
        }
        let text = String::from_utf8_lossy(bytes);
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let text: String = text.chars().map(printable).take(256).collect();
        (!text.is_empty()).then_some(Self::Text(text))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Policy(policy) => policy.fmt(f),
        }
    }
}
