//! `sql-delegate`.

#[cfg(test)]
use krb_delegation::Outcome;
use krb_delegation::resources::sql;
use rmcp::model::{Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Entry, arguments, describe_with};
use crate::failure::NotBegun;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Arguments {
    /// `query` for a statement that reads, `execute` for one that changes something, `procedure` to
    /// call a procedure.
    action: Action,
    /// One statement, with `$1`, `$2`, … (PostgreSQL) or `@name` (SQL Server) where values come in.
    sql: Option<String>,
    /// The name of a statement that the server's operator wrote, in place of `sql`.
    statement: Option<String>,
    /// The procedure, as `name` or `schema.name`.
    procedure: Option<String>,
    /// Values for the placeholders, never written into the text: an array in their order, or an object
    /// by their names.
    #[serde(default)]
    params: Values,
    /// Which of the SQL targets that `list-targets` names; may be left out where there is one.
    target: Option<String>,
    /// Which of its databases; left out: its first.
    database: Option<String>,
    /// So many rows at most.
    #[schemars(range(min = 1))]
    max_rows: Option<u32>,
    /// What the answer before had as `cursor`, with all else the same, for the rows behind it.
    cursor: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Query,
    Execute,
    Procedure,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Values {
    /// By their names.
    Named(serde_json::Map<String, Value>),
    /// In their order.
    List(Vec<Value>),
}

impl Default for Values {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl From<Values> for sql::Params {
    fn from(values: Values) -> Self {
        match values {
            // Of nothing, an empty object is as good as an empty array.
            Values::Named(map) if map.is_empty() => Self::List(Vec::new()),
            Values::Named(map) => Self::Named(map),
            Values::List(list) => Self::List(list),
        }
    }
}

fn wrong(place: &str, problem: &str) -> NotBegun {
    NotBegun::Arguments(place.into(), problem.into())
}

/// `name` or `schema.name`.
pub(super) fn split(name: String, schema: Option<String>) -> (Option<String>, String) {
    match (name.split_once('.'), schema) {
        (Some((schema, name)), None) if !name.contains('.') => {
            (Some(schema.to_owned()), name.to_owned())
        }
        (_, schema) => (schema, name),
    }
}

/// A tool that answers with rows.
pub(super) fn describe_rows<Arguments: JsonSchema + 'static>(
    name: &'static str,
    description: &'static str,
    annotations: ToolAnnotations,
) -> Tool {
    let rows = json!({
        "type": "array",
        "description": "the rows, each an object by the names of its columns",
        "items": {"type": "object"}
    });
    let columns = json!({
        "type": "array",
        "description": "the columns of the rows, in their order",
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "its name in the rows"},
                "type": {"type": "string", "description": "as the database calls it"},
                "nullable": {"type": "boolean", "description": "where the database says so"}
            },
            "required": ["name", "type"]
        }
    });
    let beside = [
        ("columns", columns),
        ("rowCount", json!({"type": "integer", "minimum": 0})),
        (
            "rowsAffected",
            json!({"type": "integer", "minimum": 0, "description": "how many rows were changed"}),
        ),
        ("hasMore", json!({"type": "boolean", "description": "whether there are further rows"})),
        (
            "cursor",
            json!({"type": "string", "description": "with what the further rows are asked for"}),
        ),
    ];
    describe_with::<Arguments>(name, description, annotations, &rows, &beside)
}

/// An answer with all that one may have.
#[cfg(test)]
pub(super) fn some_rows(_: &str) -> Outcome {
    let column = sql::Column { name: "a".into(), kind: "int4".into(), nullable: Some(true) };
    let beside = sql::Beside {
        columns: vec![column],
        row_count: 0,
        rows_affected: Some(1),
        has_more: true,
        cursor: Some("x".into()),
        bytes: 0,
    };
    sql::Outcome { rows: vec![], beside }.into()
}

pub(super) const ENTRY: Entry = Entry {
    name: "sql-delegate",
    actions: &["sql:read", "sql:write", "sql:admin", "sql:procedure"],
    describe: |name| {
        describe_rows::<Arguments>(
            name,
            "Runs one SQL statement, or a procedure, in a database (PostgreSQL or SQL Server) as the \
             calling user, with their own rights there. Call list-targets first: it names the \
             databases; sql-schema says what is in them. Give values in params, never in the text. \
             `query` only reads; what changes something is `execute`, and is a transaction of its \
             own. Numbers that JSON cannot hold exactly come as text.",
            ToolAnnotations::with_title("Run SQL")
                .read_only(false)
                .destructive(true)
                .idempotent(false)
                .open_world(false),
        )
    },
    parse: |given| {
        let Arguments {
            action,
            sql,
            statement,
            procedure,
            params,
            target,
            database,
            max_rows,
            cursor,
        } = arguments(given)?;
        let params = sql::Params::from(params);
        let text = match (sql, statement, procedure.is_some()) {
            (Some(sql), None, false) => Some(sql::Text::Written(sql)),
            (None, Some(name), false) => Some(sql::Text::Stored(name)),
            (None, None, true) => None,
            _ => return Err(wrong("", "give one of sql, statement and procedure").into()),
        };
        let verb = match (action, text, procedure) {
            (Action::Query, Some(text), _) => sql::Verb::Query(sql::Statement { text, params }),
            (Action::Execute, Some(text), _) => sql::Verb::Execute(sql::Statement { text, params }),
            (Action::Procedure, None, Some(name)) => {
                let (schema, name) = split(name, None);
                sql::Verb::Procedure { schema, name, params }
            }
            _ => {
                return Err(wrong(
                    "action",
                    "procedure goes with `procedure`, the others with `sql` or `statement`",
                )
                .into());
            }
        };
        if max_rows == Some(0) {
            return Err(wrong("maxRows", "must be at least 1").into());
        }
        let page = sql::Page { rows: max_rows, cursor };
        Ok(sql::Operation::new(target, database, verb, page).into())
    },
    #[cfg(test)]
    asks: || {
        let text = || "SELECT 1".to_owned();
        let statement = |params| sql::Statement { text: sql::Text::Written(text()), params };
        let none = || sql::Params::List(vec![]);
        let plain = |verb| sql::Operation::new(None, None, verb, sql::Page::default());
        let all = sql::Operation::new(
            Some("payroll".into()),
            Some("hr".into()),
            sql::Verb::Execute(sql::Statement {
                text: sql::Text::Stored("raise".into()),
                params: sql::Params::List(vec![json!(1)]),
            }),
            sql::Page { rows: Some(5), cursor: Some("x".into()) },
        );
        let named = json!({"a": null}).as_object().cloned().unwrap_or_default();
        vec![
            (
                json!({"action": "query", "sql": text(), "params": {}}),
                plain(sql::Verb::Query(statement(none()))).into(),
            ),
            (
                json!({"action": "query", "sql": text(), "params": {"a": null}}),
                plain(sql::Verb::Query(statement(sql::Params::Named(named)))).into(),
            ),
            (
                json!({
                    "action": "execute", "statement": "raise", "params": [1], "target": "payroll",
                    "database": "hr", "maxRows": 5, "cursor": "x"
                }),
                all.into(),
            ),
            (
                json!({"action": "procedure", "procedure": "hr.close_year"}),
                plain(sql::Verb::Procedure {
                    schema: Some("hr".into()),
                    name: "close_year".into(),
                    params: none(),
                })
                .into(),
            ),
        ]
    },
    #[cfg(test)]
    answer: some_rows,
};
