use std::fmt;

use zeroize::Zeroizing;

/// The text of an access token: a caller's that was verified, or one that came in exchange and is yet to
/// be. Zeroized; `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// A token as it came in.
    #[must_use]
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, to be verified or exchanged and nothing else.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Zeroizing<String>> for BearerToken {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BearerToken({} bytes)", self.0.len())
    }
}
