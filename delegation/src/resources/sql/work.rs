//! What an engine is given to do.

use serde_json::{Map, Value};

use super::failure::Misasked;
use super::statement::Access;

/// Values for placeholders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Params {
    /// In their order.
    List(Vec<Value>),
    /// By their names.
    Named(Map<String, Value>),
}

/// One statement for an engine, which `statement` has let through or which is this server's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Work {
    /// Its text, as it is sent.
    pub(super) text: String,
    /// Its values: in the order of `$1`, `$2`, …, or by the names of `@name`.
    pub(super) params: Vec<Param>,
    /// What it may do.
    pub(super) access: Access,
}

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Param {
    /// Without `@`; a number where it has none.
    pub(super) name: String,
    /// A scalar: null, a boolean, a number or text; at PostgreSQL an array of them, too.
    pub(super) value: Value,
}

/// Texts have no NUL, which PostgreSQL does not take, and arrays hold scalars.
pub(super) fn check_values(values: &[Param]) -> Result<(), Misasked> {
    let is_scalar = |value: &Value| match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.contains('\0'),
        Value::Array(_) | Value::Object(_) => false,
    };
    for Param { name, value } in values {
        let takes = match value {
            Value::Array(items) => items.iter().all(is_scalar),
            Value::Object(_) => false,
            value => is_scalar(value),
        };
        if !takes {
            let problem = format!(
                "{name:?} must be null, a boolean, a number, text without NUL, or a list of them"
            );
            return Err(Misasked::Parameters(problem));
        }
    }
    Ok(())
}
