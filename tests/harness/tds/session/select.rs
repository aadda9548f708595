//! SELECT.

use std::time::Duration;

use tokio::io::AsyncWrite;

use super::super::directory::{Rule, Table};
use super::super::output::Output;
use super::super::sql::evaluate::{compare, convert, evaluate, truth};
use super::super::sql::syntax::{Expression, From, Item, Join, Select, Source};
use super::super::token::{self, Column, SqlError};
use super::super::value::{Type, Value};
use super::scope::assign;
use super::{Failed, Scoped, Session};

const NAME: Type = Type::NVarChar(Some(50));

fn is(path: &[String], name: &str) -> bool {
    path.last().is_some_and(|last| last.eq_ignore_ascii_case(name))
}

impl Session {
    pub(super) async fn select<W: AsyncWrite + Unpin + Send>(
        &mut self,
        select: &Select,
        scope: &mut Scoped,
        done: u8,
        out: &mut Output<W>,
    ) -> Result<(), Failed> {
        // Tables of ours, for tests: `many` has ten million rows, `slow` one, after a minute. Rows
        // without end are not made before they are sent.
        let mut table = self.from(select, scope)?;
        let endless = match select.from.as_ref().map(|from| &from.source) {
            Some(Source::Table(path)) if is(path, "many") => Some(10_000_000),
            Some(Source::Table(path)) if is(path, "slow") => {
                out.wait(Duration::from_secs(60)).await?;
                Some(1)
            }
            Some(Source::Numbers(count)) => match self.value(count, scope)?.1 {
                Value::Int(count) => Some(count),
                _ => return Err(SqlError::new(8116, 16, "Argument data type is invalid.").into()),
            },
            _ => None,
        };
        let items = items(select, &table);
        let counts = |(expression, _): &(Expression, Item)| matches!(expression, Expression::Call(name, _) if name.starts_with("count"));
        let is_count = items.len() == 1 && items.iter().all(counts);
        let top = match &select.top {
            Some(top) => match self.value(top, scope)?.1 {
                Value::Int(top) => Some(u64::try_from(top).unwrap_or(0)),
                _ => None,
            },
            None => None,
        };
        self.sort(&mut table, select, &items, scope)?;
        let assigns = items.iter().any(|(_, item)| matches!(item, Item::Assigned(_)));
        let types = self.types(&items, &table, scope)?;
        let name_of = |item: &Item| match item {
            Item::Named(name) | Item::Assigned(name) => name.clone(),
        };
        let columns: Vec<Column> = items
            .iter()
            .zip(&types)
            .map(|((expression, item), ty)| {
                let column = match expression {
                    Expression::Column(of, name) => table.at(of.as_deref(), name).ok(),
                    _ => None,
                };
                (name_of(item), *ty, !column.is_some_and(|at| table.rule(at).never_null))
            })
            .collect();
        if !assigns && select.into.is_none() {
            out.send(&token::columns(&columns)).await?;
        }
        let mut kept = Vec::new();
        let mut count = 0;
        let mut produced = 0;
        let rows = std::mem::take(&mut table.rows);
        let mut rows = rows.into_iter();
        loop {
            let values = match endless {
                Some(end) if produced < end => {
                    produced += 1;
                    let mut values = vec![Value::Int(produced)];
                    values.resize(table.columns.len(), Value::Text("one of many".into()));
                    values
                }
                Some(_) => break,
                None => match rows.next() {
                    Some(values) => values,
                    None => break,
                },
            };
            if top.is_some_and(|top| count >= top) {
                break;
            }
            let results = {
                let names = self.row(scope, &table, &values);
                if let Some(condition) = &select.condition
                    && truth(&evaluate(condition, &names)?.1) != Some(true)
                {
                    continue;
                }
                let value = |((item, _), ty): (&(Expression, Item), &Type)| {
                    convert(evaluate(item, &names)?.1, *ty)
                };
                let all = items.iter().zip(&types).map(value);
                all.collect::<Result<Vec<Value>, SqlError>>()?
            };
            count += 1;
            if is_count {
                continue;
            }
            if assigns {
                for ((_, item), value) in items.iter().zip(results) {
                    if let Item::Assigned(name) = item {
                        assign(scope, name, value)?;
                    }
                }
            } else if select.into.is_some() {
                kept.push(results);
            } else {
                out.row(&token::row(&columns, &results)).await?;
            }
        }
        if is_count {
            let number = Value::Int(i64::try_from(count).expect("few"));
            count = 1;
            out.row(&token::row(&columns, &[number])).await?;
        }
        if let Some(name) = &select.into {
            let columns = columns.into_iter().map(|(name, ty, _)| (name, ty)).collect();
            self.make(name, Table { columns, rows: kept, ..Table::default() })?;
        }
        out.done(done, token::COUNT, count).await?;
        Ok(())
    }

    /// What it selects from, all of it.
    fn from(&self, select: &Select, scope: &Scoped) -> Result<Table, SqlError> {
        let Some(from) = &select.from else {
            return Ok(Table { rows: vec![Vec::new()], ..Table::default() });
        };
        let mut table = self.source(from, scope)?;
        for join in &select.joins {
            table = self.join(table, join, scope)?;
        }
        Ok(table)
    }

    fn source(&self, from: &From, scope: &Scoped) -> Result<Table, SqlError> {
        let table = match &from.source {
            Source::Table(path) if is(path, "many") || is(path, "slow") => {
                let columns = vec![("n".into(), Type::BigInt), ("name".into(), NAME)];
                Table { columns, ..Table::default() }
            }
            Source::Table(path) => self.table(path)?,
            Source::Select(select) => self.selected(select, scope)?,
            Source::Numbers(_) => {
                Table { columns: vec![("n".into(), Type::BigInt)], ..Table::default() }
            }
        };
        Ok(table.called(from.alias.as_deref()))
    }

    /// Each row of one with each of the other for which the condition is true.
    fn join(&self, table: Table, join: &Join, scope: &Scoped) -> Result<Table, SqlError> {
        let other = self.source(&join.from, scope)?;
        let rules = (0..table.columns.len()).map(|at| table.rule(at));
        let others = (0..other.columns.len()).map(|at| match join.is_outer {
            true => Rule::default(),
            false => other.rule(at),
        });
        let mut joined = Table {
            columns: [table.columns.clone(), other.columns.clone()].concat(),
            of: [table.of.clone(), other.of.clone()].concat(),
            rules: rules.chain(others).collect(),
            ..Table::default()
        };
        let mut rows = Vec::new();
        for left in &table.rows {
            let before = rows.len();
            for right in &other.rows {
                let values = [&left[..], right].concat();
                let is = truth(&evaluate(&join.on, &self.row(scope, &joined, &values))?.1);
                if is == Some(true) {
                    rows.push(values);
                }
            }
            if join.is_outer && rows.len() == before {
                let nulls = vec![Value::Null; other.columns.len()];
                rows.push([&left[..], &nulls].concat());
            }
        }
        joined.rows = rows;
        Ok(joined)
    }

    /// A query within another.
    fn selected(&self, select: &Select, scope: &Scoped) -> Result<Table, SqlError> {
        let mut table = self.from(select, scope)?;
        let items = items(select, &table);
        self.sort(&mut table, select, &items, scope)?;
        let types = self.types(&items, &table, scope)?;
        let mut result = Table::default();
        for ((_, item), ty) in items.iter().zip(&types) {
            let (Item::Named(name) | Item::Assigned(name)) = item;
            result.columns.push((name.clone(), *ty));
        }
        for values in &table.rows {
            let names = self.row(scope, &table, values);
            let is = match &select.condition {
                Some(condition) => truth(&evaluate(condition, &names)?.1),
                None => Some(true),
            };
            if is == Some(true) {
                let value = |((item, _), ty): (&(Expression, Item), &Type)| {
                    convert(evaluate(item, &names)?.1, *ty)
                };
                let row = items.iter().zip(&types).map(value);
                result.rows.push(row.collect::<Result<_, SqlError>>()?);
            }
        }
        Ok(result)
    }

    fn types(
        &self,
        items: &[(Expression, Item)],
        table: &Table,
        scope: &Scoped,
    ) -> Result<Vec<Type>, SqlError> {
        let nulls = vec![Value::Null; table.columns.len()];
        let names = self.row(scope, table, &nulls);
        // An expression may fail with NULL and be fine with a row.
        let first = self.row(scope, table, table.rows.first().unwrap_or(&nulls));
        let ty = |(expression, _): &(Expression, Item)| {
            let with = |row| Ok(evaluate(expression, row)?.0);
            with(&names).or_else(|_: SqlError| with(&first))
        };
        items.iter().map(ty).collect()
    }

    fn sort(
        &self,
        table: &mut Table,
        select: &Select,
        items: &[(Expression, Item)],
        scope: &Scoped,
    ) -> Result<(), SqlError> {
        for (by, descending) in select.order.iter().rev() {
            // A number is that of a column of the answer.
            let by = match by {
                Expression::Constant(_, Value::Int(number)) => {
                    let at = usize::try_from(*number - 1).ok();
                    let item = at.and_then(|at| items.get(at));
                    &item.ok_or_else(|| SqlError::new(108, 15, "No such column to order by."))?.0
                }
                by => by,
            };
            let mut keyed = Vec::new();
            for values in std::mem::take(&mut table.rows) {
                let names = self.row(scope, table, &values);
                keyed.push((evaluate(by, &names)?.1, values));
            }
            keyed.sort_by(|(a, _), (b, _)| {
                let order = compare(a, b).ok().flatten();
                let order = order.unwrap_or(std::cmp::Ordering::Equal);
                if *descending { order.reverse() } else { order }
            });
            table.rows = keyed.into_iter().map(|(_, values)| values).collect();
        }
        Ok(())
    }
}

/// What is selected: all columns, where it says none.
fn items(select: &Select, table: &Table) -> Vec<(Expression, Item)> {
    if !select.items.is_empty() {
        return select.items.clone();
    }
    let column = |(at, (name, _)): (usize, &(String, Type))| {
        let of = table.of.get(at).filter(|of| !of.is_empty()).cloned();
        (Expression::Column(of, name.clone()), Item::Named(name.clone()))
    };
    table.columns.iter().enumerate().map(column).collect()
}
