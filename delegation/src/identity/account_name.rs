use std::fmt;

use super::{LegacyName, LegacyNameError};

/// The longest userPrincipalName in AD's schema.
const MAX_CHARACTERS: usize = 1024;

/// What an exchanged token calls the account. A user principal name holds an `@` and a bare account
/// name never does, so that neither is taken for the other.
///
/// A SID is who the account *is* and no name that a KDC looks accounts up by; a look-up in the
/// directory would make a name of it here.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum AccountName {
    /// The sAMAccountName.
    Sam(LegacyName),
    /// The userPrincipalName, sent to the KDC as an enterprise name.
    Upn(Upn),
}

impl AccountName {
    /// The name as it stands in the token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sam(name) => name.as_str(),
            Self::Upn(upn) => upn.as_str(),
        }
    }
}

/// A user principal name: `user@suffix`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Upn(String);

/// Why a text is no user principal name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpnError {
    /// It has no `@`, or more than one, or nothing before or behind it.
    Form,
    /// It is longer than any.
    TooLong,
    /// What stands before the `@` is no name.
    Name(LegacyNameError),
    /// What stands behind the `@` is no name.
    Suffix(LegacyNameError),
}

impl Upn {
    /// Takes a user principal name.
    ///
    /// # Errors
    /// [`UpnError`].
    pub fn new(text: &str) -> Result<Self, UpnError> {
        if text.chars().count() > MAX_CHARACTERS {
            return Err(UpnError::TooLong);
        }
        let (name, suffix) = text.split_once('@').ok_or(UpnError::Form)?;
        if name.is_empty() || suffix.is_empty() || suffix.contains('@') {
            return Err(UpnError::Form);
        }
        LegacyName::new(name).map_err(UpnError::Name)?;
        LegacyName::new(suffix).map_err(UpnError::Suffix)?;
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UpnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("it is not NAME@SUFFIX"),
            Self::TooLong => f.write_str("it is too long"),
            Self::Name(error) => write!(f, "before the @, {error}"),
            Self::Suffix(error) => write!(f, "behind the @, {error}"),
        }
    }
}

impl std::error::Error for UpnError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_user_principal_names_pass() {
        for name in ["alice@w25ad.net", "rené@corp.example", "a.b+c@X", "a_ext.com#EXT#@t.example"]
        {
            assert_eq!(Upn::new(name).unwrap().as_str(), name);
            assert!(LegacyName::new(name).is_err(), "neither is taken for the other");
        }
        for name in [
            "",
            "alice",
            "@",
            "alice@",
            "@w25ad.net",
            "alice@w25ad.net@evil",
            "a@@b",
            "a\\b@c",
            "a/b@c",
            "a@b/c",
            "a\0@b",
            "a@b\n",
            " a@b",
            "a @b",
            "a@ b",
            "a@b ",
        ] {
            assert!(Upn::new(name).is_err(), "{name:?}");
        }
        assert!(Upn::new(&format!("a@{}", "x".repeat(1023))).is_err());
    }
}
