//! What it means that somebody was revoked, or that nobody knows who was.

use std::path::PathBuf;

use crate::{Blame, Code, Failure};

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
                 (state.directory; state.redis, if that does not answer)."
            }
        };
        let code = match why {
            Revoked::Account | Revoked::Token => Code::Revoked,
            Revoked::Unknown => Code::StateUnavailable,
        };
        Self::new(code, why.reason(), remedy)
    }
}

/// Why it cannot be said which account a subject is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NotPinned {
    /// So many subjects were seen that no more can be remembered.
    TooMany,
    /// No operator approved it yet.
    NotApproved,
    /// It can be neither read nor written, and why.
    Unknown(Option<String>),
}

impl From<NotPinned> for Failure {
    fn from(why: NotPinned) -> Self {
        match why {
            NotPinned::TooMany => Self::new(
                Code::SidMismatch,
                "too many subjects were seen to remember another one's account",
                "Configure a SID claim (claimMappings.sid) so that nothing has to be remembered, \
                 or release pins that are done with (krb-mcp pins release).",
            )
            .blamed_on(Blame::Configuration),
            NotPinned::NotApproved => Self::new(
                Code::SidMismatch,
                "no operator has approved yet which account this user is",
                "An operator looks at it with krb-mcp pins list, and then approves it with krb-mcp \
                 pins approve.",
            )
            .blamed_on(Blame::Configuration),
            NotPinned::Unknown(cause) => {
                let failure = Self::new(
                    Code::StateUnavailable,
                    "which account the user is can be neither read nor written",
                    "Nothing is done meanwhile. This server's log says what is wrong with its state \
                     (state.directory; state.redis, if that does not answer).",
                );
                match cause {
                    Some(cause) => failure.caused_by(cause),
                    None => failure,
                }
            }
        }
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
    /// What all replicas have in common.
    #[error("{what}")]
    Shared {
        /// The setting that it is about.
        setting: &'static str,
        /// What is wrong.
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
            Self::Shared { setting, .. } => setting,
            _ => "state.directory",
        }
    }
}
