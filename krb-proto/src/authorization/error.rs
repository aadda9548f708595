use core::fmt;

use crate::crypto::CryptoError;

/// Why signed authorization data were not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AuthorizationError {
    /// There is no verifier for us.
    NoVerifier,
    /// The verifier does not hold.
    Crypto(CryptoError),
}

impl fmt::Display for AuthorizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVerifier => {
                f.write_str("the authorization data have no verifier that is meant for us")
            }
            Self::Crypto(error) => write!(f, "the authorization data's verifier: {error}"),
        }
    }
}

impl core::error::Error for AuthorizationError {}
