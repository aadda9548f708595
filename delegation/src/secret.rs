//! Secrets in the configuration.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

/// A secret: its text, or `{"$secret": "NAME"}` for one that is kept elsewhere. `Debug` shows
/// neither.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Secret {
    /// The text itself.
    Plain(Zeroizing<String>),
    /// The name of a file in `/run/secrets` or of an environment variable.
    Named(SecretName),
}

/// `{"$secret": "NAME"}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretName {
    #[serde(rename = "$secret")]
    name: String,
}

/// A named secret is not there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is neither a file /run/secrets/{name} nor an environment variable {name}")]
pub struct SecretMissing {
    name: String,
}

impl Secret {
    /// The text: for a named one that of `/run/secrets/NAME` without the line's end, else of the
    /// environment variable `NAME`.
    ///
    /// # Errors
    /// If it is in neither place.
    pub fn resolve(&self) -> Result<Zeroizing<String>, SecretMissing> {
        let name = match self {
            Self::Plain(text) => return Ok(text.clone()),
            Self::Named(SecretName { name }) => name,
        };
        let is_file_name = !name.contains(['/', '\0']) && name != "..";
        let file = is_file_name.then(|| std::fs::read_to_string(format!("/run/secrets/{name}")));
        match file {
            Some(Ok(text)) => Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())),
            _ => std::env::var(name)
                .map(Zeroizing::new)
                .map_err(|_| SecretMissing { name: name.clone() }),
        }
    }
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
    }
}
