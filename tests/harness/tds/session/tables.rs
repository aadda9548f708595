//! Tables: who may see what of them, and what makes and changes them.

use super::super::directory::{Rule, Table};
use super::super::sql::evaluate::{convert, evaluate, truth};
use super::super::sql::syntax::{Expression, Statement};
use super::super::token::SqlError;
use super::super::value::Value;
use super::super::{catalogue, objects};
use super::{Scoped, Session, Temporary};

impl Session {
    /// The rows that the one who asks may see.
    pub(super) fn table(&self, path: &[String]) -> Result<Table, SqlError> {
        let name = path.last().cloned().unwrap_or_default();
        let key = name.to_lowercase();
        if let Some(temporary) = self.temporary.get(&key) {
            return Ok(temporary.table.clone());
        }
        let user = &self.contexts.now().user;
        let directory = self.shared.directory();
        let database = directory.databases.get(&self.database);
        let schema = path.len().checked_sub(2).map(|at| path[at].to_lowercase());
        match (schema.as_deref(), database) {
            (Some("information_schema"), Some(database)) => {
                return catalogue::view(&self.database, database, user, &key);
            }
            (Some("sys"), Some(database)) => return objects::view(database, user, &key),
            _ => {}
        }
        let table = database.and_then(|database| database.tables.get(&key));
        let table = table.ok_or_else(|| {
            SqlError::new(208, 16, format!("Invalid object name '{}'.", path.join(".")))
        })?;
        if user != "dbo" && table.readers.as_ref().is_some_and(|may| !may.contains(user)) {
            let what = format!(
                "The SELECT permission was denied on the object '{name}', database '{}', schema '{}'.",
                self.database, table.schema
            );
            return Err(SqlError::new(229, 14, what).with_state(5));
        }
        let mut table = table.clone();
        if let (Some(owner), true) = (&table.owner, user != "dbo") {
            let at = table.columns.iter().position(|(column, _)| column == owner);
            table.rows.retain(|row| at.is_some_and(|at| row[at] == Value::Text(user.clone())));
        }
        Ok(table)
    }

    pub(super) fn make(&mut self, name: &str, table: Table) -> Result<(), SqlError> {
        let key = name.to_lowercase();
        if key.starts_with('#') {
            if self.temporary.contains_key(&key) {
                let what = format!("There is already an object named '{name}' in the database.");
                return Err(SqlError::new(2714, 16, what).with_state(6));
            }
            self.temporary.insert(key, Temporary { table, depth: self.depth });
            return Ok(());
        }
        if self.contexts.now().user != "dbo" {
            let what = format!("CREATE TABLE permission denied in database '{}'.", self.database);
            return Err(SqlError::new(262, 14, what));
        }
        let table = Table { schema: "dbo".into(), ..table };
        let mut directory = self.shared.directory();
        directory.databases.entry(self.database.clone()).or_default().tables.insert(key, table);
        Ok(())
    }

    /// What changes tables; how many rows.
    pub(super) fn change(
        &mut self,
        statement: &Statement,
        scope: &Scoped,
    ) -> Result<u64, SqlError> {
        match statement {
            Statement::CreateTable(name, columns) => {
                let mut table = Table::default();
                for column in columns {
                    table.columns.push((column.name.clone(), column.ty));
                    let default = match &column.default {
                        Some(default) => {
                            let value = convert(self.value(default, scope)?.1, column.ty)?;
                            Some((value, written(default)))
                        }
                        None => None,
                    };
                    let (never_null, is_key) = (column.never_null, column.is_key);
                    table.rules.push(Rule { never_null, is_key, default });
                }
                self.make(name, table)?;
                Ok(0)
            }
            Statement::Insert(path, into, rows) => {
                let table = self.table(path)?;
                let all = 0..table.columns.len();
                let into: Vec<usize> = match into {
                    Some(into) => {
                        into.iter()
                            .map(|name| table.at(None, name))
                            .collect::<Result<_, SqlError>>()?
                    }
                    None => all.clone().collect(),
                };
                let mut new = Vec::new();
                for row in rows {
                    if row.len() != into.len() {
                        let what = "Column name or number of supplied values does not match.";
                        return Err(SqlError::new(213, 16, what));
                    }
                    let default =
                        |at| table.rule(at).default.map_or(Value::Null, |(value, _)| value);
                    let mut values: Vec<Value> = all.clone().map(default).collect();
                    for (value, at) in row.iter().zip(&into) {
                        values[*at] = convert(self.value(value, scope)?.1, table.columns[*at].1)?;
                    }
                    new.push(values);
                }
                let count = new.len() as u64;
                let name = path.last().cloned().unwrap_or_default();
                self.with_table(path, |table| table.insert(&name, new))?;
                Ok(count)
            }
            Statement::Update(path, set, condition) => {
                let mut table = self.table(path)?;
                let mut count = 0;
                let mut rows = std::mem::take(&mut table.rows);
                for values in &mut rows {
                    let names = self.row(scope, &table, values);
                    let hit = match condition {
                        Some(condition) => truth(&evaluate(condition, &names)?.1) == Some(true),
                        None => true,
                    };
                    if !hit {
                        continue;
                    }
                    let mut changed = values.clone();
                    for (column, value) in set {
                        let at = table.at(None, column)?;
                        changed[at] = convert(evaluate(value, &names)?.1, table.columns[at].1)?;
                    }
                    *values = changed;
                    count += 1;
                }
                self.with_table(path, |own| own.rows = rows);
                Ok(count)
            }
            Statement::Delete(path, condition) => {
                let mut table = self.table(path)?;
                let mut kept = Vec::new();
                let before = table.rows.len();
                for values in std::mem::take(&mut table.rows) {
                    let names = self.row(scope, &table, &values);
                    let hit = match condition {
                        Some(condition) => truth(&evaluate(condition, &names)?.1) == Some(true),
                        None => true,
                    };
                    if !hit {
                        kept.push(values);
                    }
                }
                let count = (before - kept.len()) as u64;
                self.with_table(path, |own| own.rows = kept);
                Ok(count)
            }
            Statement::Drop(path) => {
                self.table(path)?;
                let key = path.last().map(|name| name.to_lowercase()).unwrap_or_default();
                self.temporary.remove(&key);
                Ok(0)
            }
            other => Err(SqlError::new(102, 15, format!("{other:?} changes nothing."))),
        }
    }

    fn with_table<T>(&mut self, path: &[String], change: impl FnOnce(&mut Table) -> T) -> T {
        let key = path.last().map(|name| name.to_lowercase()).unwrap_or_default();
        if let Some(temporary) = self.temporary.get_mut(&key) {
            return change(&mut temporary.table);
        }
        let mut directory = self.shared.directory();
        let database = directory.databases.entry(self.database.clone()).or_default();
        change(database.tables.entry(key).or_default())
    }
}

/// A default as SQL Server writes it down.
fn written(default: &Expression) -> String {
    match default {
        Expression::Constant(_, Value::Text(text)) => format!("(N'{}')", text.replace('\'', "''")),
        Expression::Constant(_, Value::Int(number)) => format!("(({number}))"),
        Expression::Constant(_, Value::Null) => "(NULL)".into(),
        Expression::Call(name, _) => format!("({name}())"),
        other => format!("({other:?})"),
    }
}
