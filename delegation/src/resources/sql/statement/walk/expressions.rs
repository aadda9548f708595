//! Expressions: what they compare, compute and take apart.

use sqlparser::ast::{
    AccessExpr, Array, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, Expr, Ident, InTarget,
    Interval, Subscript, TypedString, UnaryOperator, Value, ValueWithSpan,
};

use super::super::super::engine::Engine;
use super::{Done, Walk, no, none, unknown};

impl Walk<'_> {
    pub(super) fn exprs(&mut self, exprs: &[Expr]) -> Done {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    pub(super) fn maybe(&mut self, expr: Option<&Expr>) -> Done {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    fn both(&mut self, left: &Expr, right: &Expr) -> Done {
        self.expr(left)?;
        self.expr(right)
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Done {
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
}
