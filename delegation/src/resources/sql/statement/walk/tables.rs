//! What stands behind FROM: tables, joins, and whatever is used as a table.

use sqlparser::ast::{
    Expr, ExprWithAlias, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
    OpenJsonTableColumn, PivotValueSource, TableFactor, TableFunctionArgs, TableWithJoins,
};

use super::super::super::engine::Engine;
use super::super::Access;
use super::super::failure::Refused;
use super::{Done, Walk, empty, no, none, unknown};

impl Walk<'_> {
    pub(super) fn from(&mut self, tables: &[TableWithJoins]) -> Done {
        tables.iter().try_for_each(|table| self.joined(table))
    }

    pub(super) fn joined(&mut self, table: &TableWithJoins) -> Done {
        let TableWithJoins { relation, joins } = table;
        self.factor(relation)?;
        for Join { relation, global, join_operator } in joins {
            no(*global, "GLOBAL JOIN")?;
            self.factor(relation)?;
            self.join(join_operator)?;
        }
        Ok(())
    }

    fn join(&mut self, operator: &JoinOperator) -> Done {
        let constraint = match operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) => constraint,
            JoinOperator::CrossApply | JoinOperator::OuterApply => return Ok(()),
            _ => return unknown("a kind of JOIN"),
        };
        match constraint {
            JoinConstraint::On(expr) => self.expr(expr),
            JoinConstraint::Using(names) => names.iter().try_for_each(|name| self.object(name)),
            JoinConstraint::UsingAlias(names, alias) => {
                names.iter().try_for_each(|name| self.object(name))?;
                self.label(alias)
            }
            JoinConstraint::Natural | JoinConstraint::None => Ok(()),
        }
    }

    pub(super) fn factor(&mut self, factor: &TableFactor) -> Done {
        self.deeper(|walk| walk.factor_inside(factor))
    }

    fn factor_inside(&mut self, factor: &TableFactor) -> Done {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality: _,
                partitions,
                json_path,
                sample,
                index_directives,
                inheritance: _,
            } => {
                none(version, "a version of a table")?;
                empty(partitions, "PARTITION")?;
                none(json_path, "a path behind a table")?;
                none(sample, "TABLESAMPLE")?;
                empty(index_directives, "an index hint")?;
                self.maybe_alias(alias.as_ref())?;
                with_hints.iter().try_for_each(|hint| self.hint(hint))?;
                match args {
                    None => self.table(name),
                    Some(TableFunctionArgs { args, settings }) => {
                        none(settings, "SETTINGS")?;
                        self.call(name)?;
                        args.iter().try_for_each(|arg| self.arg(arg))
                    }
                }
            }
            TableFactor::Derived { lateral: _, subquery, alias, sample } => {
                none(sample, "TABLESAMPLE")?;
                self.maybe_alias(alias.as_ref())?;
                self.query(subquery)
            }
            TableFactor::Function { lateral: _, name, args, with_ordinality: _, alias } => {
                self.maybe_alias(alias.as_ref())?;
                self.call(name)?;
                args.iter().try_for_each(|arg| self.arg(arg))
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset,
                with_offset_alias,
                with_ordinality: _,
            } => {
                no(*with_offset, "WITH OFFSET")?;
                none(with_offset_alias, "WITH OFFSET")?;
                self.maybe_alias(alias.as_ref())?;
                self.exprs(array_exprs)
            }
            TableFactor::OpenJsonTable { json_expr, json_path: _, columns, alias } => {
                self.maybe_alias(alias.as_ref())?;
                for OpenJsonTableColumn { name, r#type, path: _, as_json: _ } in columns {
                    self.ident(name)?;
                    self.data_type(r#type)?;
                }
                self.expr(json_expr)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                self.maybe_alias(alias.as_ref())?;
                self.joined(table_with_joins)
            }
            TableFactor::Pivot {
                table,
                aggregate_functions,
                value_column,
                value_source,
                default_on_null,
                alias,
            } => {
                none(default_on_null, "DEFAULT ON NULL")?;
                self.maybe_alias(alias.as_ref())?;
                self.factor(table)?;
                self.aliased(aggregate_functions)?;
                self.exprs(value_column)?;
                match value_source {
                    PivotValueSource::List(items) => self.aliased(items),
                    PivotValueSource::Any(_) | PivotValueSource::Subquery(_) => {
                        unknown("PIVOT of what is not listed")
                    }
                }
            }
            TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } => {
                none(null_inclusion, "UNPIVOT with NULLS")?;
                self.maybe_alias(alias.as_ref())?;
                self.factor(table)?;
                self.expr(value)?;
                self.ident(name)?;
                self.aliased(columns)
            }
            _ => unknown("a kind of table"),
        }
    }

    fn aliased(&mut self, items: &[ExprWithAlias]) -> Done {
        for ExprWithAlias { expr, alias } in items {
            self.expr(expr)?;
            alias.iter().try_for_each(|alias| self.label(alias))?;
        }
        Ok(())
    }

    /// `WITH (NOLOCK)`: how much is locked.
    fn hint(&mut self, hint: &Expr) -> Done {
        let Expr::Identifier(Ident { value, quote_style: None, span: _ }) = hint else {
            return unknown("a hint");
        };
        match value.to_ascii_uppercase().as_str() {
            "NOLOCK" | "READUNCOMMITTED" | "READCOMMITTED" | "READPAST" | "NOEXPAND"
            | "FORCESEEK" | "FORCESCAN" | "NOWAIT" => Ok(()),
            "UPDLOCK" | "XLOCK" | "TABLOCK" | "TABLOCKX" | "HOLDLOCK" | "SERIALIZABLE"
            | "REPEATABLEREAD" | "PAGLOCK" | "ROWLOCK" => {
                self.is_at_least(Access::Write);
                Ok(())
            }
            _ => unknown("a hint"),
        }
    }

    pub(super) fn table(&mut self, name: &ObjectName) -> Done {
        self.object(name)?;
        let parts = &name.0;
        let most = match self.engine {
            Engine::Postgresql => 3,
            // Three parts are in another database, four on another server.
            Engine::SqlServer => 2,
        };
        if parts.len() > most {
            return Err(Refused::Elsewhere(name.to_string()));
        }
        let is_defined = match parts.as_slice() {
            [ObjectNamePart::Identifier(one)] => self.defined.contains(&self.defined_as(one)),
            _ => false,
        };
        if !is_defined {
            self.records(name);
        }
        Ok(())
    }

    /// What is changed is a table whatever the queries around define: PostgreSQL looks for no other.
    pub(super) fn changes(&mut self, tables: &[TableWithJoins]) {
        for table in tables {
            if let TableFactor::Table { name, .. } = &table.relation {
                self.records(name);
            }
        }
    }

    pub(super) fn records(&mut self, name: &ObjectName) {
        let written = name.to_string();
        if !self.tables.contains(&written) {
            self.tables.push(written);
        }
    }
}
