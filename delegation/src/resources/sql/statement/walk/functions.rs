//! Calls of functions, and what is given to them.

use sqlparser::ast::{
    Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, ListAggOnOverflow, ObjectName, ObjectNamePart,
    WindowType,
};

use super::super::super::engine::Engine;
use super::super::called::written;
use super::super::functions::is_harmless;
use super::{Done, Walk, no, unknown};

impl Walk<'_> {
    /// A function's name: who is not the engine's and harmless does anything.
    pub(super) fn call(&mut self, name: &ObjectName) -> Done {
        self.object(name)?;
        let mut parts = Vec::with_capacity(name.0.len());
        for part in &name.0 {
            let ObjectNamePart::Identifier(ident) = part else { return unknown("a name") };
            parts.push(self.folded(ident));
        }
        let own = match (self.engine, parts.as_slice()) {
            (Engine::Postgresql, [schema, own]) if schema == "pg_catalog" => Some(own),
            (_, [own]) => Some(own),
            _ => None,
        };
        if !own.is_some_and(|own| is_harmless(self.engine, own)) {
            self.calls.push(written(&parts));
        }
        Ok(())
    }

    pub(super) fn function(&mut self, function: &Function) -> Done {
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

    pub(super) fn arg(&mut self, arg: &FunctionArg) -> Done {
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
}
