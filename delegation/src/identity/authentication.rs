use super::jwt::Flaw;

/// Why a request does not let anybody in. One of a few fixed texts each, good for a challenge and for
/// counting.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// The token is no good: the caller's fault.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The proof that came with the token is no good (RFC 9449): the caller's fault.
    #[error("{0}")]
    Proof(&'static str),
    /// The proof has no nonce that this server gave out lately (RFC 9449 section 9): another one with the
    /// nonce that goes along is good.
    #[error("{0}")]
    Nonce(&'static str),
    /// What is needed to tell cannot be had, so nothing can be said of the token.
    #[error("{0}")]
    Unavailable(&'static str),
}

impl AuthenticationError {
    /// One of a few fixed texts.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unauthorized(reason)
            | Self::Proof(reason)
            | Self::Nonce(reason)
            | Self::Unavailable(reason) => reason,
        }
    }
}

impl From<Flaw> for AuthenticationError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Keys | Flaw::Introspection => Self::Unavailable(flaw.text()),
            flaw => Self::Unauthorized(flaw.text()),
        }
    }
}
