//! What can be done with databases.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::digest;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Serialize;
use serde_json::{Map, Value};
use unicode_normalization::is_nfkc;

use super::catalog;
use super::config::Endpoint;
use super::failure::Misasked;
use super::rows::{Column, Row};
use super::statement::{self, Access, Functions, Placeholders, Read, Refused};
use super::stored::Stored;
pub use super::work::Params;
use super::work::{Param, Work, check_values};
use crate::Failure;
use crate::resources::{Action, Form, Found, Recorded, kind};
use crate::targets::{Names, fold};

/// Something to do with a database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    target: Option<String>,
    database: Option<String>,
    verb: Box<Verb>,
    page: Page,
    /// As users write it.
    address: String,
}

impl Operation {
    /// At this target and database; without them, at the only one and its first.
    #[must_use]
    pub fn new(target: Option<String>, database: Option<String>, verb: Verb, page: Page) -> Self {
        let address = match (&target, &database) {
            (None, None) => String::new(),
            (target, database) => {
                let part = |name: &Option<String>| name.clone().unwrap_or_default();
                format!("{}/{}", part(target), part(database))
            }
        };
        Self { target, database, verb: Box::new(verb), page, address }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) const fn action(&self) -> &'static str {
        match &*self.verb {
            Verb::Query(_) | Verb::Schema { .. } | Verb::Table { .. } => Access::Read.action(),
            Verb::Execute(_) => Access::Write.action(),
            Verb::Procedure { .. } => PROCEDURE,
        }
    }
}

/// What.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verb {
    /// A statement that reads.
    Query(Statement),
    /// A statement that changes something.
    Execute(Statement),
    /// A procedure of the database.
    Procedure {
        /// Its schema; left out: the engine's usual one.
        schema: Option<String>,
        /// Its name.
        name: String,
        /// Values for its parameters.
        params: Params,
    },
    /// Which tables and views there are.
    Schema {
        /// In this schema; left out: in all that the user may use.
        schema: Option<String>,
    },
    /// What columns and keys a table has.
    Table {
        /// Its schema; left out: the engine's usual one.
        schema: Option<String>,
        /// Its name.
        table: String,
    },
}

/// A statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// Whose.
    pub text: Text,
    /// Values for its placeholders.
    pub params: Params,
}

/// Whose statement it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Text {
    /// The caller's.
    Written(String),
    /// The operator's, by its name.
    Stored(String),
}

/// Which part of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// So many rows at most.
    pub rows: Option<u32>,
    /// From where the answer before ended.
    pub cursor: Option<String>,
}

const PROCEDURE: &str = "sql:procedure";

pub(super) const ACTIONS: &[Action] = &[
    action(Access::Read.action()),
    action(Access::Write.action()),
    action(Access::Admin.action()),
    action(PROCEDURE),
];

const fn action(name: &'static str) -> Action {
    Action { name, form: Form::Either }
}

/// What came back: the rows, and beside them what is known of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct Outcome {
    /// The rows.
    pub rows: Vec<Row>,
    /// What else there is to say.
    #[serde(skip)]
    pub beside: Beside,
}

/// What is known of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Beside {
    /// The columns of its rows, in their order.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub row_count: usize,
    /// How many rows were changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_affected: Option<u64>,
    /// Whether there are more.
    pub has_more: bool,
    /// With what the next ones are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many bytes the values had on the wire.
    #[serde(skip)]
    pub bytes: u64,
}

impl Beside {
    /// As answers have it.
    pub(super) fn members(&self) -> kind::Beside {
        let members = match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let mut told = members.clone();
        told.retain(|name, value| match name.as_str() {
            "hasMore" => *value == Value::Bool(true),
            "cursor" | "rowsAffected" => true,
            _ => false,
        });
        kind::Beside { members, told }
    }
}

/// Something to do in one database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    pub(super) endpoint: Arc<Endpoint>,
    /// As configured.
    pub(super) database: String,
    pub(super) work: Work,
    named: Named,
    /// So many rows come before, and so many are taken.
    pub(super) skip: u64,
    pub(super) rows: u32,
    /// What a cursor is made for.
    digest: String,
    policy_path: String,
}

/// What a statement names.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Named {
    /// It as records have it, without values.
    redacted: String,
    /// The tables that it names.
    tables: Vec<String>,
}

impl Named {
    /// Of what is this server's own.
    const fn own(redacted: String) -> Self {
        Self { redacted, tables: Vec::new() }
    }
}

/// An operation as it is asked for.
pub(crate) struct Asked(Operation);

/// Rows that may be skipped: as many are read again for each page.
const MOST_SKIPPED: u64 = 10_000_000;

impl Asked {
    pub(super) fn read(operation: &Operation) -> Result<Self, Failure> {
        if let (Some(_), Verb::Execute(_) | Verb::Procedure { .. }) =
            (&operation.page.cursor, &*operation.verb)
        {
            return Err(Misasked::NoPages.into());
        }
        Ok(Self(operation.clone()))
    }

    pub(super) const fn names_none(&self) -> bool {
        self.0.target.is_none()
    }

    pub(super) fn find(
        &self,
        endpoint: &Arc<Endpoint>,
        names: &Names,
    ) -> Result<Option<Found<Task>>, Failure> {
        let Operation { target, database, verb, page, .. } = &self.0;
        if target.as_deref().is_some_and(|target| !names.has(target)) {
            return Ok(None);
        }
        let Some(database) = endpoint.database(database.as_deref()) else { return Ok(None) };
        let Found { task: (work, named), action, policy_path: inner } = endpoint.work(verb)?;
        let digest = digest_of(database, &work);
        let skip = match &page.cursor {
            None => 0,
            Some(cursor) => read_cursor(cursor, &digest).ok_or(Misasked::Cursor)?,
        };
        let policy_path = format!("/{}/{inner}", fold(database));
        let task = Task {
            endpoint: endpoint.clone(),
            database: database.clone(),
            work,
            named,
            skip,
            rows: endpoint.limits.rows_of(page.rows),
            digest,
            policy_path: policy_path.clone(),
        };
        Ok(Some(Found { task, action, policy_path }))
    }
}

impl Task {
    /// With what the rows behind these are asked for.
    pub(super) fn cursor(&self, taken: usize) -> Option<String> {
        let next = self.skip.saturating_add(taken as u64);
        (self.work.access == Access::Read && next <= MOST_SKIPPED)
            .then(|| Base64UrlUnpadded::encode_string(format!("{next}.{}", self.digest).as_bytes()))
    }

    /// The place as policy sees it.
    pub(super) fn place(&self) -> &str {
        &self.policy_path
    }

    /// What records have of the statement: its text without values, which statement that is, and what
    /// tables it names.
    pub(super) fn recorded(&self) -> Recorded {
        let Named { redacted, tables } = &self.named;
        let text = self.work.text.as_bytes();
        let hash = hex(digest::digest(&digest::SHA256, text).as_ref(), 16);
        Recorded { statement: redacted.clone(), hash, tables: tables.clone() }
    }
}

impl Endpoint {
    /// What is to be done, what that is to policy, and where in the database.
    fn work(&self, verb: &Verb) -> Result<Found<(Work, Named)>, Failure> {
        let engine = self.engine;
        let schema = |schema: &Option<String>| match schema {
            Some(schema) => name("schema", schema),
            None => Ok(catalog::usual_schema(engine).to_owned()),
        };
        Ok(match verb {
            Verb::Query(statement) => self.statement(statement, true)?,
            Verb::Execute(statement) => self.statement(statement, false)?,
            Verb::Procedure { schema: of, name: called, params } => {
                if !self.login.mode.takes_free_form() {
                    return Err(Misasked::FreeForm(self.statement_names()).into());
                }
                let (schema, called) = (schema(of)?, name("procedure", called)?);
                let path = format!("procedures/{}/{}", fold(&schema), fold(&called));
                let work = catalog::call(engine, &schema, &called, params)?;
                let named = Named::own(format!("CALL {schema}.{called}"));
                let action = match catalog::is_the_engines(engine, &schema, &called) {
                    // It may be one that runs whatever text it is given.
                    true => Access::Admin.action(),
                    false => PROCEDURE,
                };
                found(work, named, action, path)
            }
            Verb::Schema { schema: of } => {
                let of = of.as_ref().map(|of| name("schema", of)).transpose()?;
                let inner = of.as_ref().map(|of| format!("{}/", fold(of))).unwrap_or_default();
                let path = format!("catalog/{inner}");
                found(
                    catalog::tables(engine, of.as_deref()),
                    Named::own("(tables)".into()),
                    Access::Read.action(),
                    path,
                )
            }
            Verb::Table { schema: of, table } => {
                let (schema, table) = (schema(of)?, name("table", table)?);
                let path = format!("catalog/{}/{}", fold(&schema), fold(&table));
                found(
                    catalog::columns(engine, &schema, &table),
                    Named::own("(columns)".into()),
                    Access::Read.action(),
                    path,
                )
            }
        })
    }

    fn statement_names(&self) -> Vec<String> {
        self.statements.keys().cloned().collect()
    }

    fn statement(
        &self,
        statement: &Statement,
        reads: bool,
    ) -> Result<Found<(Work, Named)>, Failure> {
        let Statement { text, params } = statement;
        let (work, named, inner) = match text {
            Text::Stored(name) => {
                let stored = self.statements.get(name).ok_or_else(|| {
                    Misasked::NoSuchStatement(name.clone(), self.statement_names())
                })?;
                let params = bind(&stored.placeholders, &stored.params, params)?;
                let Stored { text, redacted, tables, access, .. } = stored.clone();
                let work = Work { text, params, access };
                (work, Named { redacted, tables }, format!("statements/{name}"))
            }
            Text::Written(_) if !self.login.mode.takes_free_form() => {
                return Err(Misasked::FreeForm(self.statement_names()).into());
            }
            Text::Written(sql) => {
                let functions = Functions::Anything(&self.read_functions);
                let read = statement::read(sql, self.engine, &functions);
                let read = read.map_err(|refused| refused_as_asked(&refused))?;
                let params = bind(&read.placeholders, &[], params)?;
                let Read { text, redacted, tables, access, .. } = read;
                (Work { text, params, access }, Named { redacted, tables }, String::new())
            }
        };
        match (reads, work.access) {
            (true, Access::Read) | (false, Access::Write | Access::Admin) => {}
            (true, Access::Write | Access::Admin) => {
                return Err(Misasked::NoRead(work.access.action()).into());
            }
            (false, Access::Read) => return Err(Misasked::NoChange.into()),
        }
        let action = work.access.action();
        Ok(found(work, named, action, inner))
    }
}

fn found(work: Work, named: Named, action: &'static str, inner: String) -> Found<(Work, Named)> {
    Found { task: (work, named), action: action.into(), policy_path: inner }
}

fn refused_as_asked(refused: &Refused) -> Failure {
    Misasked::Statement(refused.to_string(), refused.remedy().to_owned()).into()
}

/// A name of an object, not quoted. SQL Server does not see spaces at its end, nor, by many collations,
/// whether letters are wide or narrow; policy would.
fn name(what: &'static str, name: &str) -> Result<String, Misasked> {
    let is_one = (1..=128).contains(&name.chars().count())
        && !name.chars().any(|c| c.is_control() || c == '/')
        && name.trim() == name
        && is_nfkc(name)
        && !matches!(name, "." | "..");
    if is_one { Ok(name.to_owned()) } else { Err(Misasked::Name(what)) }
}

/// The values for a statement's placeholders, all of them and no other.
fn bind(
    placeholders: &Placeholders,
    names: &[String],
    params: &Params,
) -> Result<Vec<Param>, Misasked> {
    let wrong = |problem: String| Err(Misasked::Parameters(problem));
    let wanted = placeholders.names(names);
    let values: Vec<Param> = match params {
        Params::List(values) => {
            if values.len() != wanted.len() {
                return wrong(format!("{} placeholders, {} values", wanted.len(), values.len()));
            }
            let values = wanted.iter().zip(values);
            values.map(|(name, value)| Param { name: name.clone(), value: value.clone() }).collect()
        }
        Params::Named(map) => {
            let bare = |name: &String| name.trim_start_matches(['@', '$', ':']).to_lowercase();
            let bare_wanted: Vec<String> = wanted.iter().map(bare).collect();
            let known: HashSet<&String> = bare_wanted.iter().collect();
            // None: it is given twice.
            let mut given: HashMap<String, Option<&Value>> = HashMap::new();
            for (key, value) in map {
                let name = bare(key);
                if !known.contains(&name) {
                    return wrong(format!("there is no placeholder for {key:?}"));
                }
                given.entry(name).and_modify(|value| *value = None).or_insert(Some(value));
            }
            let mut values = Vec::with_capacity(wanted.len());
            for (name, bare) in wanted.into_iter().zip(&bare_wanted) {
                match given.get(bare) {
                    Some(Some(value)) => values.push(Param { name, value: (*value).clone() }),
                    None => return wrong(format!("there is no value for {name:?}")),
                    Some(None) => return wrong(format!("{name:?} has two values")),
                }
            }
            values
        }
    };
    check_values(&values)?;
    Ok(values)
}

/// Which call a cursor is of.
fn digest_of(database: &str, work: &Work) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut add = |text: &str| {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    };
    add(database);
    add(&work.text);
    for Param { name, value } in &work.params {
        add(name);
        add(&value.to_string());
    }
    hex(context.finish().as_ref(), 8)
}

fn hex(bytes: &[u8], length: usize) -> String {
    bytes.iter().take(length).map(|byte| format!("{byte:02x}")).collect()
}

fn read_cursor(cursor: &str, digest: &str) -> Option<u64> {
    let text = Base64UrlUnpadded::decode_vec(cursor).ok()?;
    let (skip, of) = std::str::from_utf8(&text).ok()?.split_once('.')?;
    let skip = skip.parse().ok().filter(|skip| *skip <= MOST_SKIPPED)?;
    (of == digest).then_some(skip)
}
