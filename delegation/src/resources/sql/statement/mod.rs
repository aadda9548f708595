//! What a statement does, read from its text before anybody is asked: by an allow-list, all the way
//! down. What is not known to be harmless is not done, or is not done as a read.
//!
//! First its words are read by rules that the parser and the servers share ([`lexis`]), and what one
//! of them could read otherwise is refused; then a parser for the dialect makes a tree of it; then every
//! branch of that is looked at ([`walk`]). The database's own rights, and its read-only transactions, are
//! the wall behind it.

mod called;
mod failure;
mod functions;
mod lexis;
mod placeholders;
mod walk;
mod words;

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;
use sqlparser::dialect::{Dialect, MsSqlDialect, PostgreSqlDialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::engine::Engine;
pub(super) use called::read as function_name;
pub(super) use failure::Refused;
use lexis::Lexis;
pub(super) use placeholders::Placeholders;
use walk::Walk;
use words::{IN_SCHEMA, STARTS};

/// What a statement does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It reads, and nothing else.
    Read,
    /// It changes rows, or holds some for itself.
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

/// What is made of a function that is not known to change nothing.
pub(super) enum Functions<'a> {
    /// Whoever calls it does anything, but for these of the operator's, as `function_name` has them.
    Anything(&'a HashSet<String>),
    /// It is told.
    Told,
}

/// A statement that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Read {
    /// It as it is sent: without comments and a `;`, and else as it was.
    pub(super) text: String,
    /// It as records have it: without literals.
    pub(super) redacted: String,
    /// What it does, in which functions count as they are taken.
    pub(super) access: Access,
    /// Functions that are not known to change nothing, if they are told.
    pub(super) calls: Vec<String>,
    /// The tables that it names, as far as it does so itself.
    pub(super) tables: Vec<String>,
    /// Where values come in.
    pub(super) placeholders: Placeholders,
}

/// How deep the parser goes into it, where that is by recursion.
const MAX_NESTED: usize = 45;
/// The stack on which that is done, in bytes: several times what the deepest needs.
const STACK: usize = 32 << 20;

/// Reads a statement in the engine's dialect.
///
/// # Errors
/// [`Refused`]: it is not one statement, not known, or could be read as another one.
pub(super) fn read(text: &str, engine: Engine, functions: &Functions<'_>) -> Result<Read, Refused> {
    // How much of a stack is used already, nobody knows here.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("statement".into()).stack_size(STACK);
        let reading = thread.spawn_scoped(scope, || read_here(text, engine, functions));
        reading.ok().and_then(|reading| reading.join().ok()).unwrap_or(Err(Refused::NotRead))
    })
}

fn read_here(text: &str, engine: Engine, functions: &Functions<'_>) -> Result<Read, Refused> {
    let lexis = Lexis::read(text, engine)?;
    if engine == Engine::SqlServer {
        check_starts(&lexis)?;
    }
    let dialect: &dyn Dialect = match engine {
        Engine::Postgresql => &PostgreSqlDialect {},
        Engine::SqlServer => &MsSqlDialect {},
    };
    let not_understood = |error: ParserError| {
        let said: String =
            error.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
        Refused::NotUnderstood(said)
    };
    let parser = Parser::new(dialect).with_recursion_limit(MAX_NESTED);
    let mut parser = parser.try_with_sql(&lexis.text).map_err(not_understood)?;
    let statement = parser.parse_statement().map_err(not_understood)?;
    // Its own reading of several statements ends at END, and says nothing of what comes behind.
    match parser.peek_token().token {
        Token::EOF => {}
        behind => return Err(Refused::NotUnderstood(format!("it ends before {behind}"))),
    }
    let mut walk = Walk::new(engine, &lexis);
    walk.all(&statement)?;
    let Walk { mut access, mut calls, tables, .. } = walk;
    match functions {
        Functions::Told => {}
        Functions::Anything(but) => {
            calls.retain(|name| !but.contains(name));
            if !calls.is_empty() {
                access = Access::Admin;
            }
        }
    }
    let placeholders = Placeholders::of(&lexis, engine)?;
    Ok(Read { redacted: lexis.redacted(), text: lexis.text, access, calls, tables, placeholders })
}

/// Where nothing stands between two statements, no word may begin one.
fn check_starts(lexis: &Lexis) -> Result<(), Refused> {
    let schema =
        matches!(lexis.word(0), Some("ALTER" | "CREATE" | "DROP" | "GRANT" | "REVOKE" | "DENY"));
    for index in 1..lexis.tokens.len() {
        let Some(word) = lexis.word(index) else { continue };
        if STARTS.contains(&word) && !(schema && IN_SCHEMA.contains(&word)) {
            return Err(Refused::Word(word.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
