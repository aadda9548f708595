//! Tables: who may see what of them, and what makes and changes them.

use super::super::catalogue;
use super::super::directory::Table;
use super::super::sql::evaluate::{convert, evaluate, truth};
use super::super::sql::syntax::Statement;
use super::super::token::SqlError;
use super::super::value::Value;
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
        let catalogue = schema.as_deref() == Some("information_schema");
        if let (true, Some(database)) = (catalogue, database) {
            return catalogue::view(&self.database, database, user, &key);
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
                self.make(name, Table { columns: columns.clone(), ..Table::default() })?;
                Ok(0)
            }
            Statement::Insert(path, rows) => {
                let table = self.table(path)?;
                let mut new = Vec::new();
                for row in rows {
                    let mut values = Vec::new();
                    for (value, (_, ty)) in row.iter().zip(&table.columns) {
                        values.push(convert(self.value(value, scope)?.1, *ty)?);
                    }
                    if row.len() != table.columns.len() {
                        let what = "Column name or number of supplied values does not match.";
                        return Err(SqlError::new(213, 16, what));
                    }
                    new.push(values);
                }
                let count = new.len() as u64;
                self.with_rows(path, |rows| rows.extend(new));
                Ok(count)
            }
            Statement::Update(path, set, condition) => {
                let mut table = self.table(path)?;
                let mut count = 0;
                let mut rows = std::mem::take(&mut table.rows);
                for values in &mut rows {
                    let names = self.row(scope, &table.columns, values);
                    let hit = match condition {
                        Some(condition) => truth(&evaluate(condition, &names)?.1) == Some(true),
                        None => true,
                    };
                    if !hit {
                        continue;
                    }
                    let mut changed = values.clone();
                    for (column, value) in set {
                        let at =
                            table.columns.iter().position(|(c, _)| c.eq_ignore_ascii_case(column));
                        let at = at.ok_or_else(|| {
                            SqlError::new(207, 16, format!("Invalid column name '{column}'."))
                        })?;
                        changed[at] = convert(evaluate(value, &names)?.1, table.columns[at].1)?;
                    }
                    *values = changed;
                    count += 1;
                }
                self.with_rows(path, |own| *own = rows);
                Ok(count)
            }
            Statement::Delete(path, condition) => {
                let mut table = self.table(path)?;
                let mut kept = Vec::new();
                let before = table.rows.len();
                for values in std::mem::take(&mut table.rows) {
                    let names = self.row(scope, &table.columns, &values);
                    let hit = match condition {
                        Some(condition) => truth(&evaluate(condition, &names)?.1) == Some(true),
                        None => true,
                    };
                    if !hit {
                        kept.push(values);
                    }
                }
                let count = (before - kept.len()) as u64;
                self.with_rows(path, |own| *own = kept);
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

    fn with_rows(&mut self, path: &[String], change: impl FnOnce(&mut Vec<Vec<Value>>)) {
        let key = path.last().map(|name| name.to_lowercase()).unwrap_or_default();
        if let Some(temporary) = self.temporary.get_mut(&key) {
            change(&mut temporary.table.rows);
            return;
        }
        let mut directory = self.shared.directory();
        let database = directory.databases.entry(self.database.clone()).or_default();
        change(&mut database.tables.entry(key).or_default().rows);
    }
}
