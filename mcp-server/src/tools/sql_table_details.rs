//! `sql-table-details`.

use krb_delegation::resources::sql;
use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::Deserialize;
#[cfg(test)]
use serde_json::json;

use super::sql_delegate::describe_rows;
use super::{Entry, arguments, sql_delegate};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The table or view, as `name` or `schema.name`, without quotes.
    table: String,
    /// Its schema, where `table` does not say it.
    schema: Option<String>,
    /// Which of the SQL targets that `list-targets` names; may be left out where there is one.
    target: Option<String>,
    /// Which of its databases; left out: its first.
    database: Option<String>,
}

pub(super) const ENTRY: Entry = Entry {
    name: "sql-table-details",
    actions: &["sql:read"],
    describe: |name| {
        describe_rows::<Arguments>(
            name,
            "Lists the columns of a table or view that the calling user may use: name, type, whether \
             it may be null, default, whether it belongs to the primary key. No rows: there is no \
             such table, or the user may not use it.",
            ToolAnnotations::with_title("Describe a table")
                .read_only(true)
                .idempotent(true)
                .open_world(false),
        )
    },
    parse: |given| {
        let Arguments { table, schema, target, database } = arguments(given)?;
        let (schema, table) = sql_delegate::split(table, schema);
        let verb = sql::Verb::Table { schema, table };
        Ok(sql::Operation::new(target, database, verb, sql::Page::default()).into())
    },
    #[cfg(test)]
    asks: || {
        let operation = |schema: Option<&str>| {
            let verb = sql::Verb::Table { schema: schema.map(Into::into), table: "staff".into() };
            sql::Operation::new(None, None, verb, sql::Page::default())
        };
        vec![
            (json!({"table": "staff"}), operation(None).into()),
            (json!({"table": "hr.staff"}), operation(Some("hr")).into()),
            (json!({"table": "staff", "schema": "hr"}), operation(Some("hr")).into()),
        ]
    },
    #[cfg(test)]
    answer: sql_delegate::some_rows,
};
