//! What names in expressions stand for.

use super::super::directory::Table;
use super::super::sql::evaluate::{Names, Typed, convert, evaluate};
use super::super::sql::syntax::Expression;
use super::super::token::SqlError;
use super::super::value::{Type, Value};
use super::functions::text;
use super::{Scoped, Session};

/// Where a column's name has its value.
pub(super) struct Row<'a> {
    session: &'a Session,
    scope: &'a Scoped,
    table: &'a Table,
    values: &'a [Value],
}

impl Names for Row<'_> {
    fn variable(&self, name: &str) -> Result<Typed, SqlError> {
        let global = |number: i64| Ok((Type::Int, Value::Int(number)));
        match name {
            "@@trancount" => global((self.session.transaction != 0).into()),
            "@@spid" => global(self.session.number.into()),
            "@@rowcount" | "@@error" | "@@lock_timeout" | "@@options" | "@@microsoftversion" => {
                global(0)
            }
            "@@version" => Ok(text("Microsoft SQL Server (a server for tests)")),
            "@@servername" => Ok(text("SQL")),
            _ => self.scope.get(name).cloned().ok_or_else(|| {
                let what = format!("Must declare the scalar variable \"{name}\".");
                SqlError::new(137, 15, what).with_state(2)
            }),
        }
    }

    fn column(&self, of: Option<&str>, name: &str) -> Result<Typed, SqlError> {
        let at = self.table.at(of, name)?;
        Ok((self.table.columns[at].1, self.values[at].clone()))
    }

    fn call(&self, name: &str, arguments: &[Typed]) -> Result<Typed, SqlError> {
        self.session.function(name, arguments)
    }
}

impl Session {
    /// Names where a row of a table has these values.
    pub(super) fn row<'a>(
        &'a self,
        scope: &'a Scoped,
        table: &'a Table,
        values: &'a [Value],
    ) -> Row<'a> {
        Row { session: self, scope, table, values }
    }

    pub(super) fn value(&self, expression: &Expression, scope: &Scoped) -> Result<Typed, SqlError> {
        evaluate(expression, &self.row(scope, &Table::default(), &[]))
    }

    pub(super) fn text(&self, expression: &Expression, scope: &Scoped) -> Result<String, SqlError> {
        match self.value(expression, scope)?.1 {
            Value::Text(text) => Ok(text),
            other => Err(SqlError::new(214, 16, format!("{other:?} is no text."))),
        }
    }
}

pub(super) fn assign(scope: &mut Scoped, name: &str, value: Value) -> Result<(), SqlError> {
    let what = || SqlError::new(137, 15, format!("Must declare the scalar variable \"{name}\"."));
    let place = scope.get_mut(&name.to_ascii_lowercase()).ok_or_else(what)?;
    place.1 = convert(value, place.0)?;
    Ok(())
}
