use std::fmt;

/// sAMAccountName (MS-ADA3 2.222) is at most this long in the schema.
const MAX_CHARACTERS: usize = 256;

/// A bare sAMAccountName, as the exchanged token's `legacy_name` gives it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LegacyName(String);

/// Why a text is no bare sAMAccountName.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LegacyNameError {
    /// There is nothing in it.
    Empty,
    /// It is longer than any account's name.
    TooLong,
    /// It holds `@`, `\`, `/` or a control character: it is a UPN, a down-level name, an SPN or
    /// nothing at all.
    Character(char),
    /// A space at an end. The KDC would find the account without it and repeat the name with it.
    SpaceAtEnd,
}

impl LegacyName {
    /// Takes a bare sAMAccountName.
    ///
    /// # Errors
    /// [`LegacyNameError`].
    pub fn new(text: &str) -> Result<Self, LegacyNameError> {
        if text.is_empty() {
            return Err(LegacyNameError::Empty);
        }
        if text.chars().count() > MAX_CHARACTERS {
            return Err(LegacyNameError::TooLong);
        }
        let forbidden = |c: &char| matches!(c, '@' | '\\' | '/') || c.is_control();
        if let Some(character) = text.chars().find(forbidden) {
            return Err(LegacyNameError::Character(character));
        }
        if text.trim() != text {
            return Err(LegacyNameError::SpaceAtEnd);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LegacyNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong => f.write_str("it is too long"),
            Self::Character(character) => write!(f, "it holds {character:?}"),
            Self::SpaceAtEnd => f.write_str("it begins or ends with a space"),
        }
    }
}

impl std::error::Error for LegacyNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_account_names_pass() {
        for name in ["ALICE_ADMIN", "rené", "svc-web", "DC1$", "o'neil", "a b", &"x".repeat(256)] {
            assert_eq!(LegacyName::new(name).unwrap().as_str(), name);
        }
        for (name, error) in [
            ("", LegacyNameError::Empty),
            ("alice@w25ad.net", LegacyNameError::Character('@')),
            ("W25AD\\alice", LegacyNameError::Character('\\')),
            ("a/b", LegacyNameError::Character('/')),
            ("alice\0", LegacyNameError::Character('\0')),
            ("ali\nce", LegacyNameError::Character('\n')),
            (" alice", LegacyNameError::SpaceAtEnd),
            ("alice ", LegacyNameError::SpaceAtEnd),
            ("alice\u{a0}", LegacyNameError::SpaceAtEnd),
            (&"x".repeat(257), LegacyNameError::TooLong),
        ] {
            assert_eq!(LegacyName::new(name), Err(error), "{name:?}");
        }
    }
}
