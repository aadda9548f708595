//! Secrets in the configuration.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use krb_client::files::read_text;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A secret: its text, or `{"$secret": "NAME"}` for one that is kept elsewhere. `Debug` shows
/// neither.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The text itself.
    Plain(Zeroizing<String>),
    /// The name of a file in `$CREDENTIALS_DIRECTORY` or `/run/secrets`, or of an environment variable.
    Named(SecretName),
}

/// `{"$secret": "NAME"}`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretName {
    name: String,
}

/// What is said of anything else. The libraries' own words would have the value in them, or a name that
/// stands where only `$secret` may.
const FORMS: &str = r#"a secret is a text in quotes, or {"$secret": "NAME"}"#;

// Not derived: an untagged enum is read by way of a copy that nobody zeroizes.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = Forms.deserialize(deserializer)?;
        READ.with_borrow_mut(|read| read.iter_mut().for_each(|all| all.push(secret.clone())));
        Ok(secret)
    }
}

struct Forms;

impl<'de> DeserializeSeed<'de> for Forms {
    type Value = Secret;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Secret, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Forms {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a text, or {"$secret": "NAME"}"#)
    }

    fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::Plain(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Secret, E> {
        Ok(Secret::Plain(Zeroizing::new(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let other = || A::Error::custom(FORMS);
        let name = map.next_key::<String>()?.map(Zeroizing::new);
        if name.is_none_or(|name| *name != "$secret") {
            return Err(other());
        }
        let Secret::Plain(name) = map.next_value_seed(Self)? else { return Err(other()) };
        // Nothing stands beside it.
        match map.next_key::<String>()?.map(Zeroizing::new) {
            Some(_) => Err(other()),
            None => Ok(Secret::Named(SecretName { name: name.to_string() })),
        }
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Secret, E> {
        Err(E::custom(FORMS))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
        Err(E::custom(FORMS))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Secret, E> {
        Err(E::custom(FORMS))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Secret, E> {
        Err(E::custom(FORMS))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Secret, E> {
        Err(E::custom(FORMS))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
        Err(E::custom(FORMS))
    }
}

thread_local! {
    /// What was read since somebody began to listen.
    static READ: RefCell<Option<Vec<Secret>>> = const { RefCell::new(None) };
}

/// What `read` returns, and every secret in what it read on this thread, wherever it stood: no list of
/// settings could leave one out.
pub fn with_secrets<T>(read: impl FnOnce() -> T) -> (T, Vec<Secret>) {
    READ.set(Some(Vec::new()));
    let value = read();
    (value, READ.take().unwrap_or_default())
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"$secret": {"type": "string"}},
                    "required": ["$secret"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// Where systemd says that a service's own credentials are (`LoadCredential=`).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// Where files with secrets lie.
const FOLDER: &str = "/run/secrets";
/// Longer than any password or client secret.
const MAX_SECRET: u64 = 64 << 10;

/// A named secret cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It is not there.
    #[error(
        "there is neither a file {name} in {FOLDER} or ${CREDENTIALS} nor an environment variable \
         {name}"
    )]
    Missing {
        /// The name.
        name: String,
    },
    /// There is a file, and it cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

impl Secret {
    /// The text: for a named one that of the file `NAME` in `$CREDENTIALS_DIRECTORY`, where there is
    /// such a directory and it is there, else in `/run/secrets` (in whichever encoding Windows' editors
    /// write) without the line's end, else of the environment variable `NAME`.
    ///
    /// # Errors
    /// If it is in neither place, or the file cannot be read: what stands in the environment may be
    /// an older secret.
    pub fn resolve(&self) -> Result<Zeroizing<String>, SecretError> {
        self.resolve_in(&folders())
    }

    /// The file that a named one stands in, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let Self::Named(SecretName { name }) = self else { return None };
        let files = folders().into_iter().map(|folder| folder.join(name));
        files.into_iter().find(|file| is_file_name(name) && file.exists())
    }

    /// The name of a named one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Plain(_) => None,
            Self::Named(SecretName { name }) => Some(name),
        }
    }

    fn resolve_in(&self, folders: &[PathBuf]) -> Result<Zeroizing<String>, SecretError> {
        let name = match self {
            Self::Plain(text) => return Ok(text.clone()),
            Self::Named(SecretName { name }) => name,
        };
        for folder in folders.iter().filter(|_| is_file_name(name)) {
            let file = folder.join(name);
            match read_secret(&file) {
                Ok(text) => return Ok(text),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(cause) => return Err(SecretError::Unreadable { file, cause }),
            }
        }
        std::env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| SecretError::Missing { name: name.clone() })
    }
}

/// Where files with secrets lie; those of the service manager's first.
fn folders() -> Vec<PathBuf> {
    let own = std::env::var_os(CREDENTIALS).map(PathBuf::from);
    // A relative path would be anybody's.
    let own = own.filter(|folder| folder.is_absolute());
    own.into_iter().chain([PathBuf::from(FOLDER)]).collect()
}

fn is_file_name(name: &str) -> bool {
    !name.contains(['/', '\0']) && !matches!(name, "" | "." | "..")
}

/// What a file with a secret holds, without the line's end.
pub(crate) fn read_secret(file: &Path) -> io::Result<Zeroizing<String>> {
    let text = read_text(file, MAX_SECRET)?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Secret(…)"),
            Self::Named(name) => write!(f, "Secret({})", name.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_neither_is_shown() {
        let plain: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(*plain.resolve().unwrap(), "hunter2");
        assert!(!format!("{plain:?}").contains("hunter2"));
        let named: Secret = serde_json::from_str(r#"{"$secret": "PATH"}"#).unwrap();
        assert_eq!(*named.resolve().unwrap(), std::env::var("PATH").unwrap());
        let missing: Secret = serde_json::from_str(r#"{"$secret": "NO_SUCH_SECRET"}"#).unwrap();
        assert!(missing.resolve().unwrap_err().to_string().contains("NO_SUCH_SECRET"));
        assert!(serde_json::from_str::<Secret>(r#"{"$secret": "A", "b": 1}"#).is_err());
        assert!(serde_json::from_str::<Secret>(r#"{"$secret": {"$secret": "A"}}"#).is_err());
    }

    #[test]
    fn what_is_no_secret_is_said_without_it() {
        for text in [
            r#"["8273645591"]"#,
            "8273645591",
            "-8273645591",
            "8273645591.5",
            "18446744073709551615827",
            r#"{"8273645591": 1}"#,
            r#"{"$secret": 8273645591}"#,
            r#"{"$secret": "A", "8273645591": 1}"#,
            r#"{"$secret": ["8273645591"]}"#,
            "true",
            "{}",
        ] {
            let error = serde_json::from_str::<Secret>(text).err().unwrap().to_string();
            assert!(error.contains("$secret") && !error.contains("827"), "{text}: {error}");
            assert!(!error.contains("true"), "{error}");
        }
    }

    #[test]
    fn a_file_is_read_as_windows_editors_write_it_and_goes_before_the_environment() {
        let folder = std::env::temp_dir().join(format!("secrets-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let named: Secret = serde_json::from_str(r#"{"$secret": "PATH"}"#).unwrap();
        let utf16: Vec<u8> =
            "\u{feff}pässwörd\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in ["pässwörd\n".into(), "\u{feff}pässwörd\r\n".into(), utf16] {
            let bytes: Vec<u8> = bytes;
            std::fs::write(folder.join("PATH"), bytes).unwrap();
            assert_eq!(*named.resolve_in(std::slice::from_ref(&folder)).unwrap(), "pässwörd");
        }
        // Latin-1: neither guessed at nor passed over.
        std::fs::write(folder.join("PATH"), b"p\xe4ssw\xf6rd\n").unwrap();
        let error = named.resolve_in(std::slice::from_ref(&folder)).unwrap_err().to_string();
        let file = folder.join("PATH");
        assert!(error.starts_with(&format!("cannot read {}: ", file.display())), "{error}");
        // The first folder that has it decides.
        let own = folder.join("own");
        std::fs::create_dir(&own).unwrap();
        assert!(named.resolve_in(&[own.clone(), folder.clone()]).is_err());
        std::fs::write(own.join("PATH"), "its own").unwrap();
        assert_eq!(*named.resolve_in(&[own.clone(), folder.clone()]).unwrap(), "its own");
        std::fs::remove_dir_all(&folder).unwrap();
        let gone = named.resolve_in(&[own.clone(), folder.clone()]);
        assert_eq!(*gone.unwrap(), std::env::var("PATH").unwrap());
    }
}
