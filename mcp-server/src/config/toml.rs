//! TOML, by the library of that name: it takes no name twice, and nothing deeper than 80 levels.

use serde::de::DeserializeOwned;
use toml::de::{Deserializer, Error};

use super::malformed::Malformed;

/// What a text says.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    let malformed = |error: &Error, path: &str| {
        let at = error.span().map_or(0, |span| span.start);
        Malformed::setting(place(text, at), path, error.message())
    };
    let input = Deserializer::parse(text).map_err(|error| malformed(&error, ""))?;
    serde_path_to_error::deserialize(input)
        .map_err(|error| malformed(error.inner(), &error.path().to_string()))
}

/// The line and the column of an octet.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    let line = before.iter().filter(|octet| **octet == b'\n').count();
    let begins = before.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
    (line + 1, before.len() - begins + 1)
}
