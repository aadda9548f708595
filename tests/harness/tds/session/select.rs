//! SELECT.

use std::time::Duration;

use tokio::io::AsyncWrite;

use super::super::directory::Table;
use super::super::output::Output;
use super::super::sql::evaluate::{compare, convert, evaluate, truth};
use super::super::sql::syntax::{Expression, Item, Select, Source};
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
        let mut table = match &select.from {
            None => Table { rows: vec![Vec::new()], ..Table::default() },
            Some(Source::Table(path)) if is(path, "many") || is(path, "slow") => {
                let columns = vec![("n".into(), Type::BigInt), ("name".into(), NAME)];
                Table { columns, ..Table::default() }
            }
            Some(Source::Table(path)) => self.table(path)?,
            Some(Source::Numbers(_)) => {
                Table { columns: vec![("n".into(), Type::BigInt)], ..Table::default() }
            }
        };
        let endless = match &select.from {
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
        let mut items: Vec<(Expression, Item)> = select.items.clone();
        if items.is_empty() {
            let all = table.columns.iter();
            items = all
                .map(|(name, _)| (Expression::Column(name.clone()), Item::Named(name.clone())))
                .collect();
        }
        let counts = |(expression, _): &(Expression, Item)| matches!(expression, Expression::Call(name, _) if name.starts_with("count"));
        let is_count = items.len() == 1 && items.iter().all(counts);
        let top = match &select.top {
            Some(top) => match self.value(top, scope)?.1 {
                Value::Int(top) => Some(u64::try_from(top).unwrap_or(0)),
                _ => None,
            },
            None => None,
        };
        self.sort(&mut table, select, scope)?;
        let assigns = items.iter().any(|(_, item)| matches!(item, Item::Assigned(_)));
        let nulls = vec![Value::Null; table.columns.len()];
        let types = {
            let names = self.row(scope, &table.columns, &nulls);
            let ty = |(expression, _): &(Expression, Item)| Ok(evaluate(expression, &names)?.0);
            // An expression may fail with NULL and be fine with a row.
            let first = table.rows.first().unwrap_or(&nulls);
            let names_first = self.row(scope, &table.columns, first);
            items
                .iter()
                .map(|item| ty(item).or_else(|_: SqlError| Ok(evaluate(&item.0, &names_first)?.0)))
                .collect::<Result<Vec<Type>, SqlError>>()?
        };
        let name_of = |item: &Item| match item {
            Item::Named(name) | Item::Assigned(name) => name.clone(),
        };
        let columns: Vec<Column> =
            items.iter().zip(&types).map(|((_, item), ty)| (name_of(item), *ty, true)).collect();
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
                let names = self.row(scope, &table.columns, &values);
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

    fn sort(&self, table: &mut Table, select: &Select, scope: &Scoped) -> Result<(), SqlError> {
        for (by, descending) in select.order.iter().rev() {
            let mut keyed = Vec::new();
            for values in std::mem::take(&mut table.rows) {
                let names = self.row(scope, &table.columns, &values);
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
