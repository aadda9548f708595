//! Principals as this crate's own values: names are octets with a UTF-8 view, never an alphabet.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::iana::NameType;

/// PrincipalName (RFC 4120 section 5.2.2): a type and one or more components, as octets.
///
/// Two names are equal for Kerberos if their components are ([`Name::same_components`]); the
/// derived `PartialEq` compares the type as well.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// A hint for the KDC (RFC 4120 section 6.2), except that ENTERPRISE changes the look-up.
    pub name_type: NameType,
    /// The components, in order.
    pub components: Vec<Vec<u8>>,
}

impl Name {
    /// A name of the given type from its components.
    pub fn new<C: AsRef<[u8]>>(
        name_type: NameType,
        components: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            name_type,
            components: components.into_iter().map(|c| c.as_ref().to_vec()).collect(),
        }
    }

    /// A user name: one component, NT-PRINCIPAL, taken as it is (no `/` or `@` has a meaning).
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self { name_type: NameType::PRINCIPAL, components: vec![name.as_bytes().to_vec()] }
    }

    /// An enterprise name: one component `user@suffix`, NT-ENTERPRISE (RFC 6806 section 5).
    #[must_use]
    pub fn enterprise(name: &str) -> Self {
        Self { name_type: NameType::ENTERPRISE, components: vec![name.as_bytes().to_vec()] }
    }

    /// `krbtgt/REALM`, the ticket-granting service of `realm`.
    #[must_use]
    pub fn krbtgt(realm: &[u8]) -> Self {
        Self { name_type: NameType::SRV_INST, components: vec![b"krbtgt".to_vec(), realm.to_vec()] }
    }

    /// Is this the name of a ticket-granting service?
    #[must_use]
    pub fn is_krbtgt(&self) -> bool {
        self.components.len() == 2 && self.components[0] == b"krbtgt"
    }

    /// Do both have the same components, whatever their types say?
    #[must_use]
    pub fn same_components(&self, other: &Self) -> bool {
        self.components == other.components
    }
}

/// The realm of those of whom a KDC does not know who they are (RFC 8062 section 3).
pub(crate) const ANONYMOUS_REALM: &[u8] = b"WELLKNOWN:ANONYMOUS";

/// A name in a realm.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// The name.
    pub name: Name,
    /// The realm, as octets.
    pub realm: Vec<u8>,
}

/// Why a text is no principal name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrincipalParseError {
    /// The text has no name in it.
    Empty,
    /// A second unescaped `@`.
    SecondRealm,
    /// An unescaped `/` behind the `@`.
    SlashInRealm,
    /// A backslash at the end escapes nothing.
    TrailingBackslash,
    /// No realm in the text and no default realm.
    NoRealm,
}

impl fmt::Display for PrincipalParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the principal name is empty",
            Self::SecondRealm => {
                "the principal name has a second '@'; write '\\@' for one that belongs to the name"
            }
            Self::SlashInRealm => {
                "the principal name has a '/' in its realm; write '\\/' for one that belongs to it"
            }
            Self::TrailingBackslash => "the principal name ends in a backslash",
            Self::NoRealm => "the principal name has no '@REALM' and there is no default realm",
        })
    }
}

impl core::error::Error for PrincipalParseError {}

impl Principal {
    /// A name in a realm.
    pub fn new(name: Name, realm: impl AsRef<[u8]>) -> Self {
        Self { name, realm: realm.as_ref().to_vec() }
    }

    /// `krbtgt/REALM@REALM`.
    #[must_use]
    pub fn krbtgt(realm: &[u8]) -> Self {
        Self { name: Name::krbtgt(realm), realm: realm.to_owned() }
    }

    /// Nobody (RFC 8062 section 3), in the realm whose KDC is asked. What a KDC grants names the realm
    /// `WELLKNOWN:ANONYMOUS` in that one's place, where it does not know who asked.
    #[must_use]
    pub fn anonymous(realm: &[u8]) -> Self {
        let name = Name::new(NameType::WELLKNOWN, ["WELLKNOWN", "ANONYMOUS"]);
        Self { name, realm: realm.to_owned() }
    }

    /// Is it [nobody](Self::anonymous)?
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        matches!(self.name.components.as_slice(),
            [first, second] if first == b"WELLKNOWN" && second == b"ANONYMOUS")
    }

    /// Are both the same to Kerberos: the components and the realm, whatever the types say (MIT's
    /// `krb5_principal_compare`)? Files that other tools wrote have other types in them.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.name.same_components(&other.name) && self.realm == other.realm
    }

    /// Parses MIT's text form `a/b@REALM`, with `\/`, `\@`, `\\`, `\n`, `\t`, `\b` and `\0`
    /// escapes, by the rules of `krb5_parse_name`: a realm is one as soon as there is an `@`, if an
    /// empty one (`a@`), and has no bare `/` (`a@R/S`). Two things differ. A name of nothing but
    /// empty components, which MIT takes, is refused. And the type, a hint, is what KDCs follow
    /// referrals for: NT-SRV-INST for `krbtgt/…`, NT-WELLKNOWN for `WELLKNOWN/…`, NT-SRV-HST for
    /// other names of two components, else NT-PRINCIPAL.
    ///
    /// # Errors
    /// See [`PrincipalParseError`].
    pub fn parse(text: &str, default_realm: Option<&str>) -> Result<Self, PrincipalParseError> {
        let mut components: Vec<Vec<u8>> = vec![Vec::new()];
        let mut realm: Option<Vec<u8>> = None;
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let (byte, escaped) = if byte == b'\\' {
                match bytes.next().ok_or(PrincipalParseError::TrailingBackslash)? {
                    b'n' => (b'\n', true),
                    b't' => (b'\t', true),
                    b'b' => (8, true),
                    b'0' => (0, true),
                    other => (other, true),
                }
            } else {
                (byte, false)
            };
            match (byte, &mut realm) {
                (b'@', Some(_)) if !escaped => return Err(PrincipalParseError::SecondRealm),
                (b'@', None) if !escaped => realm = Some(Vec::new()),
                (b'/', Some(_)) if !escaped => return Err(PrincipalParseError::SlashInRealm),
                (b'/', None) if !escaped => components.push(Vec::new()),
                (_, Some(realm)) => realm.push(byte),
                (_, None) => {
                    if let Some(last) = components.last_mut() {
                        last.push(byte);
                    }
                }
            }
        }
        if components.iter().all(Vec::is_empty) {
            return Err(PrincipalParseError::Empty);
        }
        let realm = match (realm, default_realm) {
            (Some(realm), _) => realm,
            (None, Some(default)) => default.as_bytes().to_vec(),
            (None, None) => return Err(PrincipalParseError::NoRealm),
        };
        let name_type = match components.as_slice() {
            [first, _] if first == b"krbtgt" => NameType::SRV_INST,
            [first, _, ..] if first == b"WELLKNOWN" => NameType::WELLKNOWN,
            [_, _] => NameType::SRV_HST,
            _ => NameType::PRINCIPAL,
        };
        Ok(Self { name: Name { name_type, components }, realm })
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '/' => f.write_str("\\/")?,
            '@' => f.write_str("\\@")?,
            '\\' => f.write_str("\\\\")?,
            '\0' => f.write_str("\\0")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            c => write!(f, "{c}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, component) in self.components.iter().enumerate() {
            if i > 0 {
                f.write_str("/")?;
            }
            write_escaped(f, component)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({})", self.name_type)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@", self.name)?;
        write_escaped(f, &self.realm)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({})", self.name.name_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn text_form_round_trips() {
        for text in [
            "alice@W25AD.NET",
            "HTTP/webapp.w25ad.net@W25AD.NET",
            "alice\\@w25ad.net@W25AD.NET",
            "a\\/b@R",
            "rené@W25AD.NET",
            "back\\\\slash@R",
            "a@",
            "a/@R",
            "a//b@R",
            "a@R\\/S\\@T",
            "a\\b\\n\\t\\0@R",
        ] {
            assert_eq!(Principal::parse(text, None).unwrap().to_string(), text);
        }
        assert_eq!(Principal::parse("alice", Some("R")).unwrap().to_string(), "alice@R");
    }

    /// MIT krb5 `src/lib/krb5/krb/parse.c`: text, components, realm.
    #[test]
    fn texts_mean_what_they_mean_to_mit() {
        let cases: &[(&str, &[&str], &str)] = &[
            ("a", &["a"], "DEFAULT"),
            ("a@", &["a"], ""),
            ("a@R", &["a"], "R"),
            ("a/b/c@R", &["a", "b", "c"], "R"),
            ("a/@R", &["a", ""], "R"),
            ("/a", &["", "a"], "DEFAULT"),
            ("a\\@b@R", &["a@b"], "R"),
            ("a\\/b", &["a/b"], "DEFAULT"),
            ("a@R\\/S", &["a"], "R/S"),
            ("a@R\\@S", &["a"], "R@S"),
            ("\\a\\n\\t\\b\\0\\\\@R", &["a\n\t\u{8}\0\\"], "R"),
            (" a @ R ", &[" a "], " R "),
        ];
        for (text, components, realm) in cases {
            let parsed = Principal::parse(text, Some("DEFAULT")).unwrap();
            let expected = Name::new(NameType::PRINCIPAL, *components);
            assert!(parsed.name.same_components(&expected), "{text}: {parsed:?}");
            assert_eq!(parsed.realm, realm.as_bytes(), "{text}");
        }
    }

    #[test]
    fn name_types_follow_the_shape() {
        let of = |t| Principal::parse(t, Some("R")).unwrap().name.name_type;
        assert_eq!(of("alice"), NameType::PRINCIPAL);
        assert_eq!(of("HTTP/web"), NameType::SRV_HST);
        assert_eq!(of("krbtgt/R"), NameType::SRV_INST);
        assert_eq!(of("WELLKNOWN/ANONYMOUS"), NameType::WELLKNOWN);
        assert_eq!(of("WELLKNOWN/a/b"), NameType::WELLKNOWN);
    }

    #[test]
    fn bad_names_are_refused() {
        use PrincipalParseError as E;
        for (text, error) in [
            ("", E::Empty),
            ("@R", E::Empty),
            ("a@b@c", E::SecondRealm),
            ("a\\", E::TrailingBackslash),
            ("a", E::NoRealm),
            ("a@R/S", E::SlashInRealm),
            ("a@/", E::SlashInRealm),
            ("/@R", E::Empty),
            ("a@R\\", E::TrailingBackslash),
        ] {
            assert_eq!(Principal::parse(text, None), Err(error), "{text}");
        }
    }
}
