//! Statements that change rows.

use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, DoUpdate, Expr, FromTable, Insert, Merge,
    MergeAction, MergeClause, MergeInsertExpr, MergeInsertKind, MergeUpdateExpr, MergeUpdateKind,
    OnConflict, OnConflictAction, OnInsert, OutputClause, SelectInto, SelectItem,
    TableAliasWithoutColumns, TableFactor, TableObject, Update, UpdateTableFromKind,
};

use super::super::Access;
use super::{Done, Walk, empty, no, none, unknown};

impl Walk<'_> {
    pub(super) fn insert(&mut self, insert: &Insert) -> Done {
        let Insert {
            insert_token: _,
            optimizer_hints,
            or,
            ignore,
            into,
            table,
            table_alias,
            columns,
            by_name,
            overwrite,
            source,
            assignments,
            partitioned,
            after_columns,
            overriding: _,
            has_table_keyword,
            on,
            returning,
            output,
            replace_into,
            priority,
            insert_alias,
            settings,
            format_clause,
            multi_table_insert_type,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause,
        } = insert;
        let what = "a form of INSERT";
        empty(optimizer_hints, "a hint")?;
        none(or, what)?;
        no(*ignore || *by_name || *overwrite || *has_table_keyword || *replace_into, what)?;
        empty(assignments, what)?;
        none(partitioned, what)?;
        empty(after_columns, what)?;
        none(priority, what)?;
        none(insert_alias, what)?;
        none(settings, what)?;
        none(format_clause, what)?;
        none(multi_table_insert_type, what)?;
        empty(multi_table_into_clauses, what)?;
        empty(multi_table_when_clauses, what)?;
        none(multi_table_else_clause, what)?;
        self.is_at_least(Access::Write);
        self.inserts += 1;
        self.intos += usize::from(*into);
        match table {
            TableObject::TableName(name) => {
                self.table(name)?;
                self.records(name);
            }
            TableObject::TableFunction(_) | TableObject::TableQuery(_) => return unknown(what),
        }
        if let Some(TableAliasWithoutColumns { explicit: _, alias }) = table_alias {
            self.label(alias)?;
        }
        columns.iter().try_for_each(|column| self.object(column))?;
        if let Some(source) = source {
            self.query(source)?;
        }
        match on {
            None => {}
            Some(OnInsert::OnConflict(OnConflict { conflict_target, action })) => {
                match conflict_target {
                    None | Some(ConflictTarget::OnConstraint(_)) => {}
                    Some(ConflictTarget::Columns { columns, predicate }) => {
                        columns.iter().try_for_each(|column| self.ident(column))?;
                        self.maybe(predicate.as_ref())?;
                    }
                }
                match action {
                    OnConflictAction::DoNothing => {}
                    OnConflictAction::DoUpdate(DoUpdate { assignments, selection }) => {
                        self.updates += 1;
                        self.sets += 1;
                        self.assignments(assignments)?;
                        self.maybe(selection.as_ref())?;
                    }
                }
            }
            Some(_) => return unknown(what),
        }
        self.returned(returning.as_deref(), output.as_ref())
    }

    fn returned(
        &mut self,
        returning: Option<&[SelectItem]>,
        output: Option<&OutputClause>,
    ) -> Done {
        if let Some(items) = returning {
            self.items(items)?;
        }
        match output {
            None => Ok(()),
            Some(OutputClause::Output { output_token: _, select_items, into_table }) => {
                self.items(select_items)?;
                // Into a table that is there: no more than any INSERT.
                if let Some(SelectInto { temporary: _, unlogged: _, table: _, targets }) =
                    into_table
                {
                    self.intos += 1;
                    for target in targets {
                        match target {
                            Expr::Identifier(ident) => self.ident(ident)?,
                            Expr::CompoundIdentifier(parts) if parts.len() <= 2 => {}
                            _ => return unknown("OUTPUT INTO"),
                        }
                    }
                }
                Ok(())
            }
            Some(OutputClause::Returning { returning_token: _, select_items }) => {
                self.items(select_items)
            }
        }
    }

    fn assignments(&mut self, assignments: &[Assignment]) -> Done {
        for Assignment { target, value } in assignments {
            match target {
                AssignmentTarget::ColumnName(name) => self.object(name)?,
                AssignmentTarget::Tuple(names) => {
                    names.iter().try_for_each(|name| self.object(name))?;
                }
            }
            self.expr(value)?;
        }
        Ok(())
    }

    pub(super) fn update(&mut self, update: &Update) -> Done {
        let Update {
            update_token: _,
            optimizer_hints,
            table,
            on_cluster,
            assignments,
            from,
            selection,
            returning,
            output,
            or,
            order_by,
            limit,
            settings,
        } = update;
        let what = "a form of UPDATE";
        empty(optimizer_hints, "a hint")?;
        none(on_cluster, what)?;
        none(or, what)?;
        empty(order_by, what)?;
        none(limit, what)?;
        none(settings, what)?;
        self.is_at_least(Access::Write);
        self.updates += 1;
        self.sets += 1;
        self.joined(table)?;
        self.changes(std::slice::from_ref(table));
        self.assignments(assignments)?;
        match from {
            None => {}
            Some(UpdateTableFromKind::BeforeSet(_)) => return unknown(what),
            Some(UpdateTableFromKind::AfterSet(tables)) => self.from(tables)?,
        }
        self.maybe(selection.as_ref())?;
        self.returned(returning.as_deref(), output.as_ref())
    }

    pub(super) fn delete(&mut self, delete: &Delete) -> Done {
        let Delete {
            delete_token: _,
            optimizer_hints,
            tables,
            from,
            on_cluster,
            using,
            selection,
            returning,
            output,
            order_by,
            limit,
            settings,
        } = delete;
        let what = "a form of DELETE";
        empty(optimizer_hints, "a hint")?;
        none(on_cluster, what)?;
        empty(order_by, what)?;
        none(limit, what)?;
        none(settings, what)?;
        self.is_at_least(Access::Write);
        self.deletes += 1;
        tables.iter().try_for_each(|table| self.object(table))?;
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = from;
        self.from(from)?;
        self.changes(from);
        using.iter().try_for_each(|tables| self.from(tables))?;
        self.maybe(selection.as_ref())?;
        self.returned(returning.as_deref(), output.as_ref())
    }

    pub(super) fn merge(&mut self, merge: &Merge) -> Done {
        let Merge { merge_token: _, optimizer_hints, into, table, source, on, clauses, output } =
            merge;
        empty(optimizer_hints, "a hint")?;
        self.is_at_least(Access::Write);
        self.merges += 1;
        self.intos += usize::from(*into);
        self.factor(table)?;
        if let TableFactor::Table { name, .. } = table {
            self.records(name);
        }
        self.factor(source)?;
        self.expr(on)?;
        for MergeClause { when_token: _, clause_kind: _, predicate, action } in clauses {
            self.maybe(predicate.as_ref())?;
            match action {
                MergeAction::Insert(MergeInsertExpr {
                    insert_token: _,
                    columns,
                    kind_token: _,
                    kind,
                    insert_predicate,
                }) => {
                    self.inserts += 1;
                    columns.iter().try_for_each(|column| self.object(column))?;
                    none(insert_predicate, "INSERT with WHERE")?;
                    match kind {
                        MergeInsertKind::Values(values) => self.values(values)?,
                        MergeInsertKind::Row | MergeInsertKind::Wildcard => {
                            return unknown("a form of MERGE");
                        }
                    }
                }
                MergeAction::Update(MergeUpdateExpr {
                    update_token: _,
                    kind,
                    update_predicate,
                    delete_predicate,
                }) => {
                    self.updates += 1;
                    none(update_predicate, "UPDATE with WHERE in MERGE")?;
                    none(delete_predicate, "DELETE with WHERE in MERGE")?;
                    match kind {
                        MergeUpdateKind::Set(assignments) => {
                            self.sets += 1;
                            self.assignments(assignments)?;
                        }
                        MergeUpdateKind::Wildcard => return unknown("a form of MERGE"),
                    }
                }
                MergeAction::Delete { delete_token: _ } => self.deletes += 1,
                MergeAction::DoNothing { do_token: _, nothing_token: _ } => {}
            }
        }
        self.returned(None, output.as_ref())
    }
}
