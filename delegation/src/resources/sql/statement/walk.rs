//! What a parsed statement does, by an allow-list all the way down. Every type is taken apart by all of
//! its members: one that a later parser adds does not compile until somebody has thought of it.

use std::collections::HashSet;

use sqlparser::ast::{
    AccessExpr, Array, Assignment, AssignmentTarget, BinaryOperator, CaseWhen, CastKind,
    CeilFloorKind, ConflictTarget, Cte, DataType, Delete, Distinct, DoUpdate, Expr, ExprWithAlias,
    Fetch, ForClause, FromTable, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, GroupByExpr,
    GroupByWithModifier, Ident, InTarget, Insert, Interval, Join, JoinConstraint, JoinOperator,
    LimitClause, ListAggOnOverflow, Merge, MergeAction, MergeClause, MergeInsertExpr,
    MergeInsertKind, MergeUpdateExpr, MergeUpdateKind, NamedWindowDefinition, NamedWindowExpr,
    ObjectName, ObjectNamePart, Offset, OnConflict, OnConflictAction, OnInsert,
    OpenJsonTableColumn, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OutputClause,
    PivotValueSource, Query, Select, SelectFlavor, SelectInto, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, Statement, Subscript,
    Table, TableAlias, TableAliasColumnDef, TableAliasWithoutColumns, TableFactor,
    TableFunctionArgs, TableObject, TableWithJoins, Top, TopQuantity, TypedString, UnaryOperator,
    Update, UpdateTableFromKind, Value, ValueWithSpan, Values, WildcardAdditionalOptions,
    WindowFrame, WindowFrameBound, WindowSpec, WindowType, With,
};
use sqlparser::keywords::ALL_KEYWORDS;

use super::super::engine::Engine;
use super::Access;
use super::failure::Refused;
use super::functions::is_harmless;
use super::lexis::{Lexis, What};

type Done = Result<(), Refused>;

/// One in the other, no more than these.
const MAX_DEPTH: usize = 400;

/// What was found so far.
pub(super) struct Walk<'a> {
    pub(super) engine: Engine,
    pub(super) lexis: &'a Lexis,
    pub(super) access: Access,
    /// Functions that are not the engine's harmless ones.
    pub(super) calls: Vec<String>,
    /// Tables that it names, as it writes them, without those that it defines itself.
    pub(super) tables: Vec<String>,
    defined: HashSet<String>,
    depth: usize,
    // How often these words have been understood for what they are.
    selects: usize,
    inserts: usize,
    updates: usize,
    sets: usize,
    deletes: usize,
    merges: usize,
    intos: usize,
}

const fn unknown<T>(what: &'static str) -> Result<T, Refused> {
    Err(Refused::Unknown(what))
}

/// Nothing of this may be there.
fn none<T>(option: &Option<T>, what: &'static str) -> Done {
    if option.is_none() { Ok(()) } else { unknown(what) }
}

fn empty<T>(items: &[T], what: &'static str) -> Done {
    if items.is_empty() { Ok(()) } else { unknown(what) }
}

const fn no(flag: bool, what: &'static str) -> Done {
    if flag { unknown(what) } else { Ok(()) }
}

impl<'a> Walk<'a> {
    pub(super) fn new(engine: Engine, lexis: &'a Lexis) -> Self {
        Self {
            engine,
            lexis,
            access: Access::Read,
            calls: Vec::new(),
            tables: Vec::new(),
            defined: HashSet::new(),
            depth: 0,
            selects: 0,
            inserts: 0,
            updates: 0,
            sets: 0,
            deletes: 0,
            merges: 0,
            intos: 0,
        }
    }

    fn is_at_least(&mut self, access: Access) {
        self.access = self.access.max(access);
    }

    fn deeper(&mut self, work: impl FnOnce(&mut Self) -> Done) -> Done {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refused::TooDeep);
        }
        work(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// A whole statement; and each word that could begin one has been understood as what it is.
    pub(super) fn all(&mut self, statement: &Statement) -> Done {
        self.statement(statement)?;
        if self.access == Access::Admin && !matches!(statement, Statement::Query(_)) {
            return Ok(());
        }
        for (word, understood) in [
            ("SELECT", self.selects),
            ("INSERT", self.inserts),
            ("UPDATE", self.updates),
            ("SET", self.sets),
            ("DELETE", self.deletes),
            ("MERGE", self.merges),
            ("INTO", self.intos),
        ] {
            if self.lexis.count(word) != understood {
                return Err(Refused::Word(word.into()));
            }
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement) -> Done {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::Explain {
                describe_alias: _,
                analyze: _,
                verbose: _,
                query_plan,
                estimate,
                statement,
                format: _,
                options,
            } => {
                no(*query_plan || *estimate, "EXPLAIN of another server")?;
                none(options, "EXPLAIN with options")?;
                self.statement(statement)
            }
            Statement::ShowVariable { variable: _ } if self.engine == Engine::Postgresql => {
                // The parser takes whatever comes for a part of its name.
                let is_name = |what: &What| matches!(what, What::Word(_) | What::Sign('.'));
                let is_plain = self.lexis.tokens.iter().all(|token| is_name(&token.what));
                if is_plain { Ok(()) } else { unknown("something behind SHOW") }
            }
            Statement::CreateTable(_)
            | Statement::CreateView(_)
            | Statement::CreateIndex(_)
            | Statement::CreateSchema { .. }
            | Statement::CreateSequence { .. }
            | Statement::CreateType { .. }
            | Statement::CreateDomain(_)
            | Statement::AlterTable(_)
            | Statement::AlterSchema(_)
            | Statement::AlterIndex { .. }
            | Statement::AlterView(_)
            | Statement::AlterType(_)
            | Statement::Drop { .. }
            | Statement::DropDomain(_)
            | Statement::DropFunction(_)
            | Statement::DropProcedure { .. }
            | Statement::Truncate(_)
            | Statement::Grant(_)
            | Statement::Revoke(_)
            | Statement::Deny(_)
            | Statement::Comment { .. }
            | Statement::Analyze(_)
            | Statement::RefreshMaterializedView(_) => {
                self.is_at_least(Access::Admin);
                Ok(())
            }
            Statement::Call(_) | Statement::Execute { .. } => {
                unknown("a call of a procedure (use the action procedure)")
            }
            Statement::Set(_) | Statement::Reset(_) => Err(Refused::Session("SET or RESET")),
            Statement::StartTransaction { .. }
            | Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::Savepoint { .. }
            | Statement::ReleaseSavepoint { .. } => Err(Refused::Session("of a transaction")),
            Statement::Prepare { .. }
            | Statement::Deallocate { .. }
            | Statement::Declare { .. }
            | Statement::Fetch { .. }
            | Statement::Close { .. }
            | Statement::Discard { .. }
            | Statement::LISTEN { .. }
            | Statement::UNLISTEN { .. }
            | Statement::NOTIFY { .. }
            | Statement::Use(_) => Err(Refused::Session("of the session")),
            _ => unknown("a form"),
        }
    }

    fn query(&mut self, query: &Query) -> Done {
        self.deeper(|walk| walk.query_inside(query))
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
        if let Some(With { with_token: _, recursive: _, cte_tables }) = with {
            for cte in cte_tables {
                let Cte { alias, query: _, from, materialized: _, closing_paren_token: _ } = cte;
                none(from, "a CTE with FROM")?;
                self.alias(alias)?;
                self.defined.insert(folded(&alias.name));
            }
            for cte in cte_tables {
                self.query(&cte.query)?;
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

    fn values(&mut self, values: &Values) -> Done {
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

    fn items(&mut self, items: &[SelectItem]) -> Done {
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

    fn wildcard(&self, options: &WildcardAdditionalOptions) -> Done {
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

    fn from(&mut self, tables: &[TableWithJoins]) -> Done {
        tables.iter().try_for_each(|table| self.joined(table))
    }

    fn joined(&mut self, table: &TableWithJoins) -> Done {
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

    fn factor(&mut self, factor: &TableFactor) -> Done {
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

    fn table(&mut self, name: &ObjectName) -> Done {
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
            [ObjectNamePart::Identifier(one)] => self.defined.contains(&folded(one)),
            _ => false,
        };
        let written = name.to_string();
        if !is_defined && !self.tables.contains(&written) {
            self.tables.push(written);
        }
        Ok(())
    }

    /// A name of whatever: plain names, and of words none that begins a statement.
    fn object(&mut self, name: &ObjectName) -> Done {
        for part in &name.0 {
            match part {
                ObjectNamePart::Identifier(ident) => self.ident(ident)?,
                ObjectNamePart::Function(_) => return unknown("a function in a name"),
            }
        }
        Ok(())
    }

    fn ident(&self, ident: &Ident) -> Done {
        let Ident { value, quote_style, span: _ } = ident;
        // `@name` is no name of anything but a value.
        if quote_style.is_none() && value.starts_with('@') && self.engine == Engine::SqlServer {
            return unknown("a value in a name's place");
        }
        Ok(())
    }

    fn maybe_alias(&mut self, alias: Option<&TableAlias>) -> Done {
        alias.map_or(Ok(()), |alias| self.alias(alias))
    }

    fn alias(&mut self, alias: &TableAlias) -> Done {
        let TableAlias { explicit: _, name, columns, at } = alias;
        none(at, "AT behind an alias")?;
        self.label(name)?;
        for TableAliasColumnDef { name, data_type } in columns {
            self.ident(name)?;
            data_type.iter().try_for_each(|data_type| self.data_type(data_type))?;
        }
        Ok(())
    }

    /// A name that somebody gives. A keyword may only be one where the server cannot take it for one:
    /// behind AS, or before an `=`.
    fn label(&self, label: &Ident) -> Done {
        let Ident { value, quote_style, span } = label;
        self.ident(label)?;
        if quote_style.is_some() {
            return Ok(());
        }
        let word = value.to_ascii_uppercase();
        if ALL_KEYWORDS.binary_search(&&*word).is_err() {
            return Ok(());
        }
        let at = self.lexis.at(span.start.line, span.start.column);
        let Some(at) = at.filter(|at| self.lexis.word(*at) == Some(&*word)) else {
            return Err(Refused::Word(word));
        };
        let behind_as = at.checked_sub(1).and_then(|before| self.lexis.word(before)) == Some("AS");
        let next = self.lexis.tokens.get(at + 1).map(|token| &token.what);
        let before_eq = matches!(next, Some(What::Operator(operator)) if operator == "=");
        // `name AS (` of a CTE, which the parser has seen for one.
        let before_as = self.lexis.word(at + 1) == Some("AS");
        if behind_as || before_eq || before_as { Ok(()) } else { Err(Refused::Word(word)) }
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Done {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    fn maybe(&mut self, expr: Option<&Expr>) -> Done {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    fn both(&mut self, left: &Expr, right: &Expr) -> Done {
        self.expr(left)?;
        self.expr(right)
    }

    fn expr(&mut self, expr: &Expr) -> Done {
        self.deeper(|walk| walk.expr_inside(expr))
    }

    fn expr_inside(&mut self, expr: &Expr) -> Done {
        match expr {
            Expr::Identifier(ident) => self.value_or_name(ident),
            Expr::CompoundIdentifier(parts) => {
                if parts.len() > 3 {
                    return unknown("a name of more than three parts");
                }
                parts.iter().try_for_each(|part| self.ident(part))
            }
            Expr::IsFalse(one)
            | Expr::IsNotFalse(one)
            | Expr::IsTrue(one)
            | Expr::IsNotTrue(one)
            | Expr::IsNull(one)
            | Expr::IsNotNull(one)
            | Expr::IsUnknown(one)
            | Expr::IsNotUnknown(one)
            | Expr::Nested(one) => self.expr(one),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.both(left, right)
            }
            Expr::IsJson { expr, kind: _, unique_keys: _, negated: _ } => self.expr(expr),
            Expr::IsNormalized { expr, form: _, negated: _ } => self.expr(expr),
            Expr::UnaryOp { op, expr } => {
                match op {
                    UnaryOperator::Plus
                    | UnaryOperator::Minus
                    | UnaryOperator::Not
                    | UnaryOperator::BitwiseNot => {}
                    _ => return unknown("an operator"),
                }
                self.expr(expr)
            }
            Expr::BinaryOp { left, op, right } => {
                self.operator(op)?;
                self.both(left, right)
            }
            Expr::Value(value) => self.value(value),
            Expr::Function(function) => self.function(function),
            Expr::Subquery(query) => self.query(query),
            Expr::Exists { subquery, negated: _ } => self.query(subquery),
            Expr::Tuple(items) => self.exprs(items),
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                sets.iter().try_for_each(|items| self.exprs(items))
            }
            Expr::Array(Array { elem, named: _ }) => self.exprs(elem),
            Expr::Collate { expr, collation } => {
                self.object(collation)?;
                self.expr(expr)
            }
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.maybe(operand.as_deref())?;
                for CaseWhen { condition, result } in conditions {
                    self.both(condition, result)?;
                }
                self.maybe(else_result.as_deref())
            }
            Expr::CompoundFieldAccess { root, access_chain } => self.access_of(root, access_chain),
            _ => self.comparison(expr),
        }
    }

    fn comparison(&mut self, expr: &Expr) -> Done {
        match expr {
            Expr::In { expr, target, negated: _, global } => {
                no(*global, "GLOBAL IN")?;
                self.expr(expr)?;
                match target {
                    InTarget::List(items) => self.exprs(items),
                    InTarget::Subquery(query) => self.query(query),
                    InTarget::Unnest(_) => unknown("IN UNNEST"),
                    InTarget::Table { .. } => unknown("IN and a table"),
                }
            }
            Expr::Between { expr, negated: _, low, high } => {
                self.expr(expr)?;
                self.both(low, high)
            }
            Expr::Like { negated: _, any, expr, pattern, escape_char }
            | Expr::ILike { negated: _, any, expr, pattern, escape_char } => {
                no(*any, "LIKE ANY without parentheses")?;
                self.maybe(escape_char.as_deref())?;
                self.both(expr, pattern)
            }
            Expr::SimilarTo { negated: _, expr, pattern, escape_char } => {
                self.maybe(escape_char.as_deref())?;
                self.both(expr, pattern)
            }
            Expr::AnyOp { left, compare_op, right, is_some: _ }
            | Expr::AllOp { left, compare_op, right } => {
                self.operator(compare_op)?;
                self.both(left, right)
            }
            Expr::AtTimeZone { timestamp, time_zone } => self.both(timestamp, time_zone),
            _ => self.special(expr),
        }
    }

    /// What has words of its own between its arguments.
    fn special(&mut self, expr: &Expr) -> Done {
        match expr {
            Expr::Convert {
                is_try: _,
                expr,
                data_type,
                charset,
                target_before_value: _,
                styles,
            } => {
                none(charset, "a character set")?;
                data_type.iter().try_for_each(|data_type| self.data_type(data_type))?;
                self.exprs(styles)?;
                self.expr(expr)
            }
            Expr::Cast { kind, expr, data_type, format } => {
                match kind {
                    CastKind::Cast | CastKind::DoubleColon => {}
                    CastKind::TryCast if self.engine == Engine::SqlServer => {}
                    CastKind::TryCast | CastKind::SafeCast => return unknown("a kind of CAST"),
                }
                none(format, "CAST with FORMAT")?;
                self.data_type(data_type)?;
                self.expr(expr)
            }
            Expr::Extract { field: _, syntax: _, expr } => self.expr(expr),
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                match field {
                    CeilFloorKind::DateTimeField(_) | CeilFloorKind::Scale(_) => {}
                }
                self.expr(expr)
            }
            Expr::Position { expr, r#in } => self.both(expr, r#in),
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => {
                self.maybe(substring_from.as_deref())?;
                self.maybe(substring_for.as_deref())?;
                self.expr(expr)
            }
            Expr::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                self.maybe(trim_what.as_deref())?;
                trim_characters.iter().try_for_each(|items| self.exprs(items))?;
                self.expr(expr)
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.maybe(overlay_for.as_deref())?;
                self.both(overlay_what, overlay_from)?;
                self.expr(expr)
            }
            Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax }) => {
                no(*uses_odbc_syntax, "an ODBC escape")?;
                self.data_type(data_type)?;
                self.value(value)
            }
            Expr::Interval(Interval {
                value,
                leading_field: _,
                leading_precision: _,
                last_field: _,
                fractional_seconds_precision: _,
            }) => self.expr(value),
            _ => unknown("an expression"),
        }
    }

    fn access_of(&mut self, root: &Expr, chain: &[AccessExpr]) -> Done {
        for access in chain {
            match access {
                AccessExpr::Dot(Expr::Identifier(ident)) => self.ident(ident)?,
                // `t.f(x)`: a function by another way of writing, or a method.
                AccessExpr::Dot(_) => return unknown("something behind a dot"),
                AccessExpr::Subscript(Subscript::Index { index }) => self.expr(index)?,
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride }) => {
                    none(stride, "a stride")?;
                    self.maybe(lower_bound.as_ref())?;
                    self.maybe(upper_bound.as_ref())?;
                }
            }
        }
        self.expr(root)
    }

    /// At SQL Server `@name` is a value, which the parser takes for a name.
    fn value_or_name(&self, ident: &Ident) -> Done {
        let is_value = ident.quote_style.is_none() && ident.value.starts_with('@');
        if is_value && self.engine == Engine::SqlServer { Ok(()) } else { self.ident(ident) }
    }

    fn value(&self, value: &ValueWithSpan) -> Done {
        let ValueWithSpan { value, span: _ } = value;
        match value {
            Value::Number(_, long) => no(*long, "a number with L"),
            Value::SingleQuotedString(_)
            | Value::NationalStringLiteral(_)
            | Value::HexStringLiteral(_)
            | Value::Boolean(_)
            | Value::Null
            | Value::Placeholder(_) => Ok(()),
            _ => unknown("a kind of literal"),
        }
    }

    fn operator(&self, operator: &BinaryOperator) -> Done {
        match operator {
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo
            | BinaryOperator::StringConcat
            | BinaryOperator::Gt
            | BinaryOperator::Lt
            | BinaryOperator::GtEq
            | BinaryOperator::LtEq
            | BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::And
            | BinaryOperator::Or
            | BinaryOperator::BitwiseOr
            | BinaryOperator::BitwiseAnd
            | BinaryOperator::BitwiseXor
            | BinaryOperator::PGBitwiseXor
            | BinaryOperator::PGBitwiseShiftLeft
            | BinaryOperator::PGBitwiseShiftRight
            | BinaryOperator::PGExp
            | BinaryOperator::PGOverlap
            | BinaryOperator::PGRegexMatch
            | BinaryOperator::PGRegexIMatch
            | BinaryOperator::PGRegexNotMatch
            | BinaryOperator::PGRegexNotIMatch
            | BinaryOperator::PGLikeMatch
            | BinaryOperator::PGILikeMatch
            | BinaryOperator::PGNotLikeMatch
            | BinaryOperator::PGNotILikeMatch
            | BinaryOperator::PGStartsWith
            | BinaryOperator::Arrow
            | BinaryOperator::LongArrow
            | BinaryOperator::HashArrow
            | BinaryOperator::HashLongArrow
            | BinaryOperator::AtAt
            | BinaryOperator::AtArrow
            | BinaryOperator::ArrowAt
            | BinaryOperator::HashMinus
            | BinaryOperator::Overlaps => Ok(()),
            _ => unknown("an operator"),
        }
    }

    /// A function's name: who is not the engine's and harmless does anything.
    fn call(&mut self, name: &ObjectName) -> Done {
        self.object(name)?;
        let mut parts = Vec::with_capacity(name.0.len());
        for part in &name.0 {
            let ObjectNamePart::Identifier(ident) = part else { return unknown("a name") };
            parts.push(folded(ident));
        }
        let own = match (self.engine, parts.as_slice()) {
            (Engine::Postgresql, [schema, own]) if schema == "pg_catalog" => Some(own),
            (_, [own]) => Some(own),
            _ => None,
        };
        if !own.is_some_and(|own| is_harmless(self.engine, own)) {
            self.calls.push(parts.join("."));
        }
        Ok(())
    }

    fn function(&mut self, function: &Function) -> Done {
        let Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment: _,
            over,
        } = function;
        no(*uses_odbc_syntax, "an ODBC escape")?;
        match parameters {
            FunctionArguments::None => {}
            _ => return unknown("a function with parameters of its own"),
        }
        self.call(name)?;
        match args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(query) => self.query(query)?,
            FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: _,
                args,
                clauses,
            }) => {
                args.iter().try_for_each(|arg| self.arg(arg))?;
                clauses.iter().try_for_each(|clause| self.clause(clause))?;
            }
        }
        self.order(within_group)?;
        self.maybe(filter.as_deref())?;
        match over {
            None => Ok(()),
            Some(WindowType::NamedWindow(name)) => self.ident(name),
            Some(WindowType::WindowSpec(spec)) => self.window(spec),
        }
    }

    fn clause(&mut self, clause: &FunctionArgumentClause) -> Done {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(_)
            | FunctionArgumentClause::JsonNullClause(_) => Ok(()),
            FunctionArgumentClause::Where(expr) | FunctionArgumentClause::Limit(expr) => {
                self.expr(expr)
            }
            FunctionArgumentClause::OrderBy(items) => self.order(items),
            FunctionArgumentClause::JsonReturningClause(returning) => {
                self.data_type(&returning.data_type)
            }
            FunctionArgumentClause::OnOverflow(ListAggOnOverflow::Error) => Ok(()),
            _ => unknown("a clause of a function"),
        }
    }

    fn arg(&mut self, arg: &FunctionArg) -> Done {
        let arg = match arg {
            FunctionArg::Named { name, arg, operator } => {
                self.ident(name)?;
                self.arg_operator(operator)?;
                arg
            }
            FunctionArg::ExprNamed { name, arg, operator } => {
                self.expr(name)?;
                self.arg_operator(operator)?;
                arg
            }
            FunctionArg::Unnamed(arg) => arg,
        };
        match arg {
            FunctionArgExpr::Expr(expr) => self.expr(expr),
            FunctionArgExpr::QualifiedWildcard(name) => self.object(name),
            FunctionArgExpr::Wildcard => Ok(()),
            FunctionArgExpr::WildcardWithOptions(options) => self.wildcard(options),
        }
    }

    fn arg_operator(&self, operator: &FunctionArgOperator) -> Done {
        match operator {
            FunctionArgOperator::RightArrow
            | FunctionArgOperator::Value
            | FunctionArgOperator::Colon => Ok(()),
            _ => unknown("a way of naming an argument"),
        }
    }

    fn order(&mut self, items: &[OrderByExpr]) -> Done {
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

    fn window(&mut self, spec: &WindowSpec) -> Done {
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

    /// A type has no expression in it.
    fn data_type(&self, data_type: &DataType) -> Done {
        match data_type {
            DataType::Custom(name, _) => {
                if name.0.len() > 2 {
                    unknown("a name of a type")
                } else {
                    Ok(())
                }
            }
            DataType::Array(element) => match element {
                sqlparser::ast::ArrayElemTypeDef::None => Ok(()),
                sqlparser::ast::ArrayElemTypeDef::SquareBracket(inner, _) => self.data_type(inner),
                _ => unknown("a kind of array"),
            },
            DataType::Table(_)
            | DataType::NamedTable { .. }
            | DataType::Collate(..)
            | DataType::Zerofill(_)
            | DataType::Map(..)
            | DataType::Tuple(_)
            | DataType::Nested(_)
            | DataType::Object(_)
            | DataType::Enum(..)
            | DataType::Set(_)
            | DataType::Struct(..)
            | DataType::Union(_)
            | DataType::Nullable(_)
            | DataType::LowCardinality(_)
            | DataType::Unspecified
            | DataType::Trigger
            | DataType::AnyType => unknown("a type"),
            _ => Ok(()),
        }
    }

    fn insert(&mut self, insert: &Insert) -> Done {
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
            TableObject::TableName(name) => self.table(name)?,
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

    fn update(&mut self, update: &Update) -> Done {
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
        self.assignments(assignments)?;
        match from {
            None => {}
            Some(UpdateTableFromKind::BeforeSet(_)) => return unknown(what),
            Some(UpdateTableFromKind::AfterSet(tables)) => self.from(tables)?,
        }
        self.maybe(selection.as_ref())?;
        self.returned(returning.as_deref(), output.as_ref())
    }

    fn delete(&mut self, delete: &Delete) -> Done {
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
        using.iter().try_for_each(|tables| self.from(tables))?;
        self.maybe(selection.as_ref())?;
        self.returned(returning.as_deref(), output.as_ref())
    }

    fn merge(&mut self, merge: &Merge) -> Done {
        let Merge { merge_token: _, optimizer_hints, into, table, source, on, clauses, output } =
            merge;
        empty(optimizer_hints, "a hint")?;
        self.is_at_least(Access::Write);
        self.merges += 1;
        self.intos += usize::from(*into);
        self.factor(table)?;
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

/// A name as the server compares it, or coarser.
fn folded(ident: &Ident) -> String {
    ident.value.to_lowercase()
}
