//! `sql-schema`.

use krb_delegation::resources::sql;
use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::Deserialize;
#[cfg(test)]
use serde_json::json;

#[cfg(test)]
use super::sql_delegate;
use super::sql_delegate::describe_rows;
use super::{Entry, arguments};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Which of the SQL targets that `list-targets` names; may be left out where there is one.
    target: Option<String>,
    /// Which of its databases; left out: its first.
    database: Option<String>,
    /// Of this schema alone.
    schema: Option<String>,
    /// What the answer before had as `cursor`, with all else the same, for the rows behind it.
    cursor: Option<String>,
}

pub(super) const ENTRY: Entry = Entry {
    name: "sql-schema",
    actions: &["sql:read"],
    describe: |name| {
        describe_rows::<Arguments>(
            name,
            "Lists the tables and views of a database that the calling user may use: schema, name, \
             kind. sql-table-details says what columns one has.",
            ToolAnnotations::with_title("List tables")
                .read_only(true)
                .idempotent(true)
                .open_world(false),
        )
    },
    parse: |given| {
        let Arguments { target, database, schema, cursor } = arguments(given)?;
        let page = sql::Page { rows: None, cursor };
        Ok(sql::Operation::new(target, database, sql::Verb::Schema { schema }, page).into())
    },
    #[cfg(test)]
    asks: || {
        let verb = |schema| sql::Verb::Schema { schema };
        let all = sql::Operation::new(None, None, verb(None), sql::Page::default());
        let one = sql::Operation::new(
            Some("payroll".into()),
            Some("hr".into()),
            verb(Some("public".into())),
            sql::Page::default(),
        );
        let given = json!({"target": "payroll", "database": "hr", "schema": "public"});
        vec![(json!({}), all.into()), (given, one.into())]
    },
    #[cfg(test)]
    answer: sql_delegate::some_rows,
};
