//! Statements that the operator writes and callers name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::engine::Engine;
use super::statement::{self, Access};
use crate::resources::Wrong;

/// So many there may be.
const MOST: usize = 1000;

/// A statement that may be called by its name.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredConfig {
    /// The statement: one, with `$1`, `$2`, … (PostgreSQL) or `@name` (SQL Server) where values come in.
    pub sql: String,
    /// What callers name the values of `$1`, `$2`, …, in that order.
    #[serde(default)]
    pub params: Vec<String>,
    /// What it does; left out: what its text says. Needed where that cannot be told, such as of functions
    /// of your own.
    pub access: Option<Access>,
}

/// The same, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stored {
    pub(super) text: String,
    pub(super) redacted: String,
    pub(super) tables: Vec<String>,
    pub(super) access: Access,
    pub(super) params: Vec<String>,
    pub(super) placeholders: statement::Placeholders,
}

pub(super) fn check(
    config: BTreeMap<String, StoredConfig>,
    engine: Engine,
) -> Result<BTreeMap<String, Stored>, Wrong> {
    let wrong = |name: &str, problem: String| ("statements", format!("{name}: {problem}"));
    if config.len() > MOST {
        return Err(("statements", format!("must be no more than {MOST}")));
    }
    let mut statements = BTreeMap::new();
    for (name, StoredConfig { sql, params, access }) in config {
        let is_name = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
        if !is_name {
            let problem = "must be named by 1 to 64 small letters, digits, '-' or '_'";
            return Err(wrong(&name, problem.into()));
        }
        let read = statement::read(&sql, engine, &statement::Functions::Told);
        let read = read.map_err(|refused| wrong(&name, refused.to_string()))?;
        let given = match access {
            // What only reads for us only reads for everybody.
            Some(access) if access >= read.access => access,
            Some(access) => {
                let problem =
                    format!("is called {}, and does {}", access.as_str(), read.access.as_str());
                return Err(wrong(&name, problem));
            }
            None if read.calls.is_empty() => read.access,
            None => {
                let problem =
                    format!("give access: nobody here knows what {} does", read.calls.join(", "));
                return Err(wrong(&name, problem));
            }
        };
        let placeholders = read.placeholders.clone();
        if let Some(problem) = placeholders.unlike(&params) {
            return Err(wrong(&name, problem));
        }
        let statement::Read { text, redacted, tables, .. } = read;
        let stored = Stored { text, redacted, tables, access: given, params, placeholders };
        statements.insert(name, stored);
    }
    Ok(statements)
}
