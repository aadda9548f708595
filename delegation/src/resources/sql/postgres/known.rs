//! What is known of columns' types and tables, beside what the server says of them with an answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::answer::Described;
use super::values;
use crate::resources::sql::rows::Column;

/// It is known of so many, and for so long.
const MOST: usize = 1000;
const LIFE: Duration = Duration::from_secs(60);
/// Of statements, and of texts that are no longer.
const MOST_STATEMENTS: usize = 64;
const MOST_TEXT: usize = 4096;

/// What is known in one session, and so what its user may know.
#[derive(Default)]
pub(super) struct Known {
    /// Names of types that are not built in.
    kinds: HashMap<u32, String>,
    /// Of tables, the numbers of the columns, and whether they are never null.
    tables: HashMap<u32, HashMap<i16, bool>>,
    /// By their texts, of those whose columns are known. What the server says of one when it runs is
    /// compared with it.
    statements: HashMap<String, Arc<Shape>>,
    since: Option<Instant>,
}

/// What a statement takes and gives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Shape {
    /// Types of its parameters.
    pub(super) kinds: Vec<u32>,
    pub(super) columns: Vec<Described>,
}

/// What a statement makes of a table's columns that are never null.
#[derive(Clone, Copy)]
enum Nulls {
    /// What comes of what changes something may be a row that is not there: the one before, or what another
    /// one was merged with.
    Unknown,
    /// Nulls may stand in the place of a table's rows.
    Padded,
    /// They are as in their table.
    AsInTables,
}

impl Known {
    /// What a statement had when it was last asked about.
    pub(super) fn statement(&self, text: &str) -> Option<Arc<Shape>> {
        let is_known = self.since.is_some_and(|since| since.elapsed() <= LIFE);
        self.statements.get(text).filter(|_| is_known).cloned()
    }

    /// Remembers what a statement has, about whose columns nothing is left to be asked.
    pub(super) fn remember(&mut self, text: &str, shape: Shape) {
        if text.len() > MOST_TEXT {
            return;
        }
        if self.statements.len() >= MOST_STATEMENTS && !self.statements.contains_key(text) {
            self.statements.clear();
        }
        self.statements.insert(text.to_owned(), Arc::new(shape));
    }

    /// What to ask about the columns of a statement, if anything: what types are called that are not
    /// built in, and of what reads which columns of tables may be null. Of views nothing is known; of
    /// tables with children that are none of their parts, and of foreign ones, nobody sees to it that
    /// nothing is null, nor where a constraint holds for new rows alone (PostgreSQL 18).
    pub(super) fn question(&mut self, columns: &[Described], reads: bool) -> Option<String> {
        if self.since.is_none_or(|since| since.elapsed() > LIFE) {
            *self = Self { since: Some(Instant::now()), ..Self::default() };
        }
        let kinds: HashSet<u32> = columns
            .iter()
            .map(|column| column.kind)
            .filter(|kind| values::name(*kind).is_none() && !self.kinds.contains_key(kind))
            .collect();
        let tables: HashSet<u32> = columns
            .iter()
            .map(|column| column.table)
            .filter(|table| reads && *table != 0 && !self.tables.contains_key(table))
            .collect();
        if kinds.is_empty() && tables.is_empty() {
            return None;
        }
        if self.kinds.len() > MOST || self.tables.len() > MOST {
            self.kinds.clear();
            self.tables.clear();
            self.statements.clear();
        }
        let list = |oids: &HashSet<u32>| {
            let oids: Vec<String> = oids.iter().map(u32::to_string).collect();
            format!("'{{{}}}'::pg_catalog.oid[]", oids.join(","))
        };
        self.tables.extend(tables.iter().map(|table| (*table, HashMap::new())));
        Some(format!(
            "SELECT 'kind', oid::pg_catalog.text, pg_catalog.format_type(oid, NULL), '' \
             FROM pg_catalog.pg_type WHERE oid OPERATOR(pg_catalog.=) ANY ({}) \
             UNION ALL SELECT 'column', a.attrelid::pg_catalog.text, a.attnum::pg_catalog.text, \
             (a.attnotnull AND (c.relkind OPERATOR(pg_catalog.=) 'p' \
             OR (c.relkind OPERATOR(pg_catalog.=) 'r' AND NOT c.relhassubclass)) \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k \
             WHERE k.conrelid OPERATOR(pg_catalog.=) a.attrelid AND NOT k.convalidated \
             AND k.contype OPERATOR(pg_catalog.=) 'n' \
             AND a.attnum OPERATOR(pg_catalog.=) ANY (k.conkey)))::pg_catalog.text \
             FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c \
             ON c.oid OPERATOR(pg_catalog.=) a.attrelid \
             WHERE a.attrelid OPERATOR(pg_catalog.=) ANY ({}) \
             AND c.relkind OPERATOR(pg_catalog.<>) 'v' AND a.attnum OPERATOR(pg_catalog.>) 0",
            list(&kinds),
            list(&tables)
        ))
    }

    /// Takes the answer to that.
    pub(super) fn learn(&mut self, answer: Vec<Vec<Option<String>>>) {
        for row in answer {
            let texts: Vec<String> = row.into_iter().flatten().collect();
            let [what, oid, name, never] = texts.as_slice() else { continue };
            let Ok(oid) = oid.parse() else { continue };
            if what == "kind" {
                self.kinds.insert(oid, name.clone());
            } else if let (Some(columns), Ok(number)) = (self.tables.get_mut(&oid), name.parse()) {
                columns.insert(number, never == "true");
            }
        }
    }

    /// The columns of a statement, as answers have them.
    pub(super) fn columns(&self, columns: &[Described], text: &str, reads: bool) -> Vec<Column> {
        let nulls = match (reads, pads(text)) {
            (false, _) => Nulls::Unknown,
            (true, true) => Nulls::Padded,
            (true, false) => Nulls::AsInTables,
        };
        columns.iter().map(|column| self.column(column, nulls)).collect()
    }

    fn column(&self, described: &Described, nulls: Nulls) -> Column {
        let Described { name, kind, table, number } = described;
        let named = values::name(*kind).or_else(|| self.kinds.get(kind).cloned());
        let never = self.tables.get(table).and_then(|columns| columns.get(number));
        let nullable = match (nulls, never) {
            (Nulls::Unknown, _) | (_, None) | (Nulls::Padded, Some(true)) => None,
            (_, Some(never)) => Some(!never),
        };
        Column {
            name: name.clone(),
            kind: named.unwrap_or_else(|| format!("type {kind}")),
            nullable,
        }
    }
}

/// Whether a statement could put nulls in the place of a table's rows: by an outer join, or by grouping
/// by several lists. Its words are looked for wherever they stand.
fn pads(text: &str) -> bool {
    let is_one = |word: &str| {
        ["left", "right", "full", "rollup", "cube", "grouping"]
            .iter()
            .any(|one| word.eq_ignore_ascii_case(one))
    };
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_statements_are_remembered_for_so_long_and_none_that_is_long() {
        let mut known = Known::default();
        known.remember("SELECT 1", Shape::default());
        assert!(known.statement("SELECT 1").is_none(), "nothing is known yet");
        known.since = Some(Instant::now());
        for number in 0..2 * MOST_STATEMENTS {
            known.remember(&format!("SELECT {number}"), Shape::default());
            assert!(known.statements.len() <= MOST_STATEMENTS);
            assert!(known.statement(&format!("SELECT {number}")).is_some());
        }
        for (length, is_known) in [(MOST_TEXT, true), (MOST_TEXT + 1, false)] {
            let text = "x".repeat(length);
            known.remember(&text, Shape::default());
            assert_eq!(known.statement(&text).is_some(), is_known);
        }
        known.since = Instant::now().checked_sub(LIFE + Duration::from_secs(1));
        assert!(known.statement(&"x".repeat(MOST_TEXT)).is_none());
    }
}
