//! What a parsed statement does, by an allow-list all the way down. Every type is taken apart by all of
//! its members: one that a later parser adds does not compile until somebody has thought of it.

mod changes;
mod expressions;
mod functions;
mod names;
mod query;
mod tables;

use sqlparser::ast::Statement;

use super::super::engine::Engine;
use super::Access;
use super::failure::Refused;
use super::lexis::{Lexis, What};

type Done = Result<(), Refused>;

/// One in the other, no more than these.
const MAX_DEPTH: usize = 400;

/// What was found so far.
pub(super) struct Walk<'a> {
    pub(super) engine: Engine,
    pub(super) lexis: &'a Lexis,
    pub(super) access: Access,
    /// Functions that are not the engine's harmless ones.
    pub(super) calls: Vec<String>,
    /// Tables that it names, as it writes them, without those that it defines itself.
    pub(super) tables: Vec<String>,
    /// What the queries around define, the innermost last.
    defined: Vec<String>,
    depth: usize,
    // How often these words have been understood for what they are.
    selects: usize,
    inserts: usize,
    updates: usize,
    sets: usize,
    deletes: usize,
    merges: usize,
    intos: usize,
}

const fn unknown<T>(what: &'static str) -> Result<T, Refused> {
    Err(Refused::Unknown(what))
}

/// Nothing of this may be there.
fn none<T>(option: &Option<T>, what: &'static str) -> Done {
    if option.is_none() { Ok(()) } else { unknown(what) }
}

fn empty<T>(items: &[T], what: &'static str) -> Done {
    if items.is_empty() { Ok(()) } else { unknown(what) }
}

const fn no(flag: bool, what: &'static str) -> Done {
    if flag { unknown(what) } else { Ok(()) }
}

impl<'a> Walk<'a> {
    pub(super) fn new(engine: Engine, lexis: &'a Lexis) -> Self {
        Self {
            engine,
            lexis,
            access: Access::Read,
            calls: Vec::new(),
            tables: Vec::new(),
            defined: Vec::new(),
            depth: 0,
            selects: 0,
            inserts: 0,
            updates: 0,
            sets: 0,
            deletes: 0,
            merges: 0,
            intos: 0,
        }
    }

    fn is_at_least(&mut self, access: Access) {
        self.access = self.access.max(access);
    }

    fn deeper(&mut self, work: impl FnOnce(&mut Self) -> Done) -> Done {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refused::TooDeep);
        }
        work(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// A whole statement; and each word that could begin one has been understood as what it is.
    pub(super) fn all(&mut self, statement: &Statement) -> Done {
        self.statement(statement)?;
        if self.access == Access::Admin && !matches!(statement, Statement::Query(_)) {
            return Ok(());
        }
        for (word, understood) in [
            ("SELECT", self.selects),
            ("INSERT", self.inserts),
            ("UPDATE", self.updates),
            ("SET", self.sets),
            ("DELETE", self.deletes),
            ("MERGE", self.merges),
            ("INTO", self.intos),
        ] {
            if self.lexis.count(word) != understood {
                return Err(Refused::Word(word.into()));
            }
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement) -> Done {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::Explain {
                describe_alias: _,
                analyze: _,
                verbose: _,
                query_plan,
                estimate,
                statement,
                format: _,
                options,
            } => {
                no(*query_plan || *estimate, "EXPLAIN of another server")?;
                none(options, "EXPLAIN with options")?;
                self.statement(statement)
            }
            Statement::ShowVariable { variable: _ } if self.engine == Engine::Postgresql => {
                // The parser takes whatever comes for a part of its name.
                let is_name = |what: &What| matches!(what, What::Word(_) | What::Sign('.'));
                let is_plain = self.lexis.tokens.iter().all(|token| is_name(&token.what));
                if is_plain { Ok(()) } else { unknown("something behind SHOW") }
            }
            Statement::CreateTable(_)
            | Statement::CreateView(_)
            | Statement::CreateIndex(_)
            | Statement::CreateSchema { .. }
            | Statement::CreateSequence { .. }
            | Statement::CreateType { .. }
            | Statement::CreateDomain(_)
            | Statement::AlterTable(_)
            | Statement::AlterSchema(_)
            | Statement::AlterIndex { .. }
            | Statement::AlterView(_)
            | Statement::AlterType(_)
            | Statement::Drop { .. }
            | Statement::DropDomain(_)
            | Statement::DropFunction(_)
            | Statement::DropProcedure { .. }
            | Statement::Truncate(_)
            | Statement::Grant(_)
            | Statement::Revoke(_)
            | Statement::Deny(_)
            | Statement::Comment { .. }
            | Statement::Analyze(_)
            | Statement::RefreshMaterializedView(_) => {
                self.is_at_least(Access::Admin);
                Ok(())
            }
            Statement::Call(_) | Statement::Execute { .. } => {
                unknown("a call of a procedure (use the action procedure)")
            }
            Statement::Set(_) | Statement::Reset(_) => Err(Refused::Session("SET or RESET")),
            Statement::StartTransaction { .. }
            | Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::Savepoint { .. }
            | Statement::ReleaseSavepoint { .. } => Err(Refused::Session("of a transaction")),
            Statement::Prepare { .. }
            | Statement::Deallocate { .. }
            | Statement::Declare { .. }
            | Statement::Fetch { .. }
            | Statement::Close { .. }
            | Statement::Discard { .. }
            | Statement::LISTEN { .. }
            | Statement::UNLISTEN { .. }
            | Statement::NOTIFY { .. }
            | Statement::Use(_) => Err(Refused::Session("of the session")),
            _ => unknown("a form"),
        }
    }
}
