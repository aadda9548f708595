//! What a statement does, read from its text before anybody is asked: by an allow-list, all the way
//! down. What is not known to be harmless is not done, or is not done as a read.

mod failure;
mod placeholders;

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::engine::Engine;
pub(super) use failure::Refused;
pub(super) use placeholders::Placeholders;

/// What a statement does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It reads, and nothing else.
    Read,
    /// It changes rows.
    Write,
    /// It changes anything else, or nobody here knows what it does.
    Admin,
}

impl Access {
    /// As the configuration names it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The action's name in policy and audit.
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Read => "sql:read",
            Self::Write => "sql:write",
            Self::Admin => "sql:admin",
        }
    }
}

/// Which functions are known to change nothing.
pub(super) enum Functions<'a> {
    /// Those of the engine, and these of the operator's.
    Known(&'a HashSet<String>),
    /// Those of the engine; the others are told.
    All,
}

/// A statement that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Read {
    /// What it does: with [`Functions::Known`], whatever calls another function does anything.
    pub(super) access: Access,
    /// With [`Functions::All`], those of which nobody here knows what they do.
    pub(super) calls_unknown: Vec<String>,
    /// Where values come in.
    pub(super) placeholders: Placeholders,
}

/// Reads a statement in the engine's dialect.
///
/// # Errors
/// [`Refused`]: it is not one statement, not known, or could be read as another one.
pub(super) fn read(text: &str, engine: Engine, functions: &Functions<'_>) -> Result<Read, Refused> {
    let _ = (text, engine, functions);
    Err(Refused::Unknown)
}
