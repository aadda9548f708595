//! What a query reads: its CTEs, its SELECTs, their columns and what is put in order.

use sqlparser::ast::{
    Cte, Distinct, Fetch, ForClause, GroupByExpr, GroupByWithModifier, LimitClause,
    NamedWindowDefinition, NamedWindowExpr, Offset, OrderBy, OrderByExpr, OrderByKind,
    OrderByOptions, Query, Select, SelectFlavor, SelectInto, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, Table, Top, TopQuantity,
    Values, WildcardAdditionalOptions, WindowFrame, WindowFrameBound, WindowSpec, With,
};

use super::super::super::engine::Engine;
use super::super::Access;
use super::{Done, Walk, empty, no, none, unknown};

impl Walk<'_> {
    pub(super) fn query(&mut self, query: &Query) -> Done {
        let outside = self.defined.len();
        self.deeper(|walk| walk.query_inside(query))?;
        self.defined.truncate(outside);
        Ok(())
    }

    fn query_inside(&mut self, query: &Query) -> Done {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if let Some(With { with_token: _, recursive, cte_tables }) = with {
            for cte in cte_tables {
                let Cte { alias, query: _, from, materialized: _, closing_paren_token: _ } = cte;
                none(from, "a CTE with FROM")?;
                self.alias(alias)?;
                if *recursive {
                    self.defines(&alias.name);
                }
            }
            // Without RECURSIVE each knows those before it, and at SQL Server itself: another of its
            // name is a table.
            for cte in cte_tables {
                if self.engine == Engine::SqlServer {
                    self.defines(&cte.alias.name);
                }
                self.query(&cte.query)?;
                self.defines(&cte.alias.name);
            }
        }
        self.body(body)?;
        if let Some(OrderBy { kind, interpolate }) = order_by {
            none(interpolate, "INTERPOLATE")?;
            match kind {
                OrderByKind::All(_) => return unknown("ORDER BY ALL"),
                OrderByKind::Expressions(items) => self.order(items)?,
            }
        }
        match limit_clause {
            None => {}
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                empty(limit_by, "LIMIT BY")?;
                self.maybe(limit.as_ref())?;
                if let Some(Offset { value, rows: _ }) = offset {
                    self.expr(value)?;
                }
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => return unknown("LIMIT with a comma"),
        }
        if let Some(Fetch { with_ties: _, percent: _, quantity }) = fetch {
            self.maybe(quantity.as_ref())?;
        }
        for lock in locks {
            // FOR UPDATE and FOR SHARE hold others up, and need the right to change.
            self.is_at_least(Access::Write);
            if matches!(lock.lock_type, sqlparser::ast::LockType::Update) {
                self.updates += 1;
            }
        }
        match for_clause {
            None | Some(ForClause::Browse | ForClause::Json { .. } | ForClause::Xml { .. }) => {}
        }
        none(settings, "SETTINGS")?;
        none(format_clause, "FORMAT")?;
        empty(pipe_operators, "a pipe")
    }

    fn body(&mut self, body: &SetExpr) -> Done {
        self.deeper(|walk| match body {
            SetExpr::Select(select) => walk.select(select),
            SetExpr::Query(query) => walk.query(query),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                match op {
                    SetOperator::Union | SetOperator::Except | SetOperator::Intersect => {}
                    SetOperator::Minus => return unknown("MINUS"),
                }
                match set_quantifier {
                    SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None => {}
                    SetQuantifier::ByName
                    | SetQuantifier::AllByName
                    | SetQuantifier::DistinctByName => return unknown("BY NAME"),
                }
                walk.body(left)?;
                walk.body(right)
            }
            SetExpr::Values(values) => walk.values(values),
            // As the whole, or in a CTE: either way it changes something.
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => walk.statement(statement),
            SetExpr::Table(table) => {
                let Table { table_name, schema_name } = &**table;
                let names = [schema_name, table_name].into_iter().flatten();
                let name: Vec<&str> = names.map(|name| &*name.value).collect();
                walk.tables.push(name.join("."));
                Ok(())
            }
        })
    }

    pub(super) fn values(&mut self, values: &Values) -> Done {
        let Values { explicit_row, value_keyword, rows } = values;
        no(*explicit_row, "VALUES ROW")?;
        no(*value_keyword, "VALUE")?;
        rows.iter().try_for_each(|row| self.exprs(&row.content))
    }

    fn select(&mut self, select: &Select) -> Done {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        self.selects += 1;
        empty(optimizer_hints, "a hint")?;
        none(select_modifiers, "a modifier of SELECT")?;
        none(exclude, "EXCLUDE")?;
        empty(lateral_views, "LATERAL VIEW")?;
        none(prewhere, "PREWHERE")?;
        empty(connect_by, "CONNECT BY")?;
        empty(cluster_by, "CLUSTER BY")?;
        empty(distribute_by, "DISTRIBUTE BY")?;
        empty(sort_by, "SORT BY")?;
        none(qualify, "QUALIFY")?;
        none(value_table_mode, "AS VALUE")?;
        match flavor {
            SelectFlavor::Standard => {}
            SelectFlavor::FromFirst | SelectFlavor::FromFirstNoSelect => {
                return unknown("FROM before SELECT");
            }
        }
        match distinct {
            None | Some(Distinct::All | Distinct::Distinct) => {}
            Some(Distinct::On(items)) => self.exprs(items)?,
        }
        if let Some(Top { with_ties: _, percent: _, quantity }) = top {
            match quantity {
                None | Some(TopQuantity::Constant(_)) => {}
                Some(TopQuantity::Expr(expr)) => self.expr(expr)?,
            }
        }
        self.items(projection)?;
        if let Some(into) = into {
            self.into(into)?;
        }
        self.from(from)?;
        self.maybe(selection.as_ref())?;
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) = group_by;
        if let GroupByExpr::All(_) = group_by {
            return unknown("GROUP BY ALL");
        }
        if let GroupByExpr::Expressions(items, _) = group_by {
            self.exprs(items)?;
        }
        for modifier in modifiers {
            match modifier {
                GroupByWithModifier::Rollup | GroupByWithModifier::Cube => {}
                GroupByWithModifier::Totals => return unknown("WITH TOTALS"),
                GroupByWithModifier::GroupingSets(expr) => self.expr(expr)?,
            }
        }
        self.maybe(having.as_ref())?;
        for NamedWindowDefinition(name, window) in named_window {
            self.ident(name)?;
            match window {
                NamedWindowExpr::NamedWindow(name) => self.ident(name)?,
                NamedWindowExpr::WindowSpec(spec) => self.window(spec)?,
            }
        }
        Ok(())
    }

    /// It makes a table.
    fn into(&mut self, into: &SelectInto) -> Done {
        let SelectInto { temporary: _, unlogged: _, table: _, targets: _ } = into;
        self.intos += 1;
        self.is_at_least(Access::Admin);
        Ok(())
    }

    pub(super) fn items(&mut self, items: &[SelectItem]) -> Done {
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => self.expr(expr)?,
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.expr(expr)?;
                    self.label(alias)?;
                }
                SelectItem::ExprWithAliases { .. } => {
                    return unknown("several aliases of one column");
                }
                SelectItem::QualifiedWildcard(kind, options) => {
                    match kind {
                        SelectItemQualifiedWildcardKind::ObjectName(name) => self.object(name)?,
                        SelectItemQualifiedWildcardKind::Expr(expr) => self.expr(expr)?,
                    }
                    self.wildcard(options)?;
                }
                SelectItem::Wildcard(options) => self.wildcard(options)?,
            }
        }
        Ok(())
    }

    pub(super) fn wildcard(&self, options: &WildcardAdditionalOptions) -> Done {
        let WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        let what = "something behind *";
        none(opt_ilike, what)?;
        none(opt_exclude, what)?;
        none(opt_except, what)?;
        none(opt_replace, what)?;
        none(opt_rename, what)?;
        none(opt_alias, what)
    }

    pub(super) fn order(&mut self, items: &[OrderByExpr]) -> Done {
        for OrderByExpr { expr, options, with_fill } in items {
            none(with_fill, "WITH FILL")?;
            let OrderByOptions { sort, nulls_first: _ } = options;
            match sort {
                None
                | Some(sqlparser::ast::OrderBySort::Asc | sqlparser::ast::OrderBySort::Desc) => {}
                Some(_) => return unknown("ORDER BY USING"),
            }
            self.expr(expr)?;
        }
        Ok(())
    }

    pub(super) fn window(&mut self, spec: &WindowSpec) -> Done {
        let WindowSpec { window_name, partition_by, order_by, window_frame } = spec;
        window_name.iter().try_for_each(|name| self.ident(name))?;
        self.exprs(partition_by)?;
        self.order(order_by)?;
        if let Some(WindowFrame { units: _, start_bound, end_bound }) = window_frame {
            for bound in std::iter::once(start_bound).chain(end_bound) {
                match bound {
                    WindowFrameBound::CurrentRow => {}
                    WindowFrameBound::Preceding(expr) | WindowFrameBound::Following(expr) => {
                        self.maybe(expr.as_deref())?;
                    }
                }
            }
        }
        Ok(())
    }
}
