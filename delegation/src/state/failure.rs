//! What it means that somebody was revoked, or that nobody knows who was.

use std::path::PathBuf;

use crate::{Code, Failure};

/// Why nobody goes on in this user's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Revoked {
    /// An operator ended the access of the account.
    Account,
    /// An operator ended the access of whoever has this token, or an older one.
    Token,
    /// It cannot be read who was revoked.
    Unknown,
}

impl Revoked {
    /// One of a few fixed texts.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Account => "an operator revoked the access of this account",
            Self::Token => "an operator revoked this user's access after the token was issued",
            Self::Unknown => "it cannot be read whose access was revoked",
        }
    }
}

impl From<Revoked> for Failure {
    fn from(why: Revoked) -> Self {
        let remedy = match why {
            Revoked::Account => {
                "Nothing is done in its name until an operator lifts that: krb-mcp revoke --lift."
            }
            Revoked::Token => "Log in again.",
            Revoked::Unknown => {
                "Nothing is done meanwhile. This server's log says what is wrong with its state \
                 (state.directory)."
            }
        };
        let code = match why {
            Revoked::Account | Revoked::Token => Code::Revoked,
            Revoked::Unknown => Code::StateUnavailable,
        };
        Self::new(code, why.reason(), remedy)
    }
}

/// What is wrong with the state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// There is none.
    #[error(
        "the configuration has no state.directory: there is no place where it would be known after \
         this program has ended"
    )]
    None,
    /// A file or the directory cannot be used.
    #[error("state.directory: {}: {what}", path.display())]
    Place {
        /// Which.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// The key is none.
    #[error("state.key: {0}")]
    Key(String),
    /// A file was edited, torn, or sealed with another key.
    #[error(
        "{}: {what}. It is not believed: restore it from a backup; or begin anew by moving all \
         files of the directory away, and then approve pins and revoke users again", path.display()
    )]
    Broken {
        /// Which.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// There are too many.
    #[error(
        "there are {0} already, and no more are kept: lift or release those that are done with"
    )]
    Full(usize),
    /// What was asked to be taken away is not there.
    #[error("{0} is not there")]
    Missing(String),
}

impl StateError {
    /// The setting that it is about.
    #[must_use]
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Key(_) => "state.key",
            _ => "state.directory",
        }
    }
}
