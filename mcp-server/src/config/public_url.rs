//! The URL by which clients know this server.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use url::Url;

/// `server.publicUrl`. It is the resource identifier (RFC 9728), which clients compare letter by
/// letter with what they were given; a parsed URL is another text (it gains a slash, loses `:443`).
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl {
    text: String,
    url: Url,
}

impl PublicUrl {
    /// The URL, to take apart.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a resource identifier can be made of it.
    pub(super) fn is_sound(&self) -> bool {
        let url = &self.url;
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            // What the parser takes away silently would be in the identifier.
            && self.text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>".contains(&byte))
    }
}

impl FromStr for PublicUrl {
    type Err = url::ParseError;

    fn from_str(text: &str) -> Result<Self, url::ParseError> {
        Ok(Self { text: text.to_owned(), url: text.parse()? })
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = url::ParseError;

    fn try_from(text: String) -> Result<Self, url::ParseError> {
        text.parse()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
