//! How Cedar writes an expression in JSON, read once for all: what decides what loads and what decides
//! what Cedar is asked about have to read it alike.

use serde_json::Value;

use super::pattern::Pattern;

/// An operator and its operands.
pub(super) fn single(node: &Value) -> Option<(&str, &Value)> {
    let fields = node.as_object()?;
    let (operator, operands) = fields.iter().next()?;
    (fields.len() == 1).then_some((operator, operands))
}

/// A variable and the attribute of it.
pub(super) fn attribute(node: &Value) -> Option<(&str, &str)> {
    let (".", operands) = single(node)? else { return None };
    let ("Var", variable) = single(operands.get("left")?)? else { return None };
    Some((variable.as_str()?, operands.get("attr")?.as_str()?))
}

/// Where what a token says for policy stands.
pub(super) const CLAIMS: (&str, &str) = ("principal", "claims");

/// The claim that is read.
pub(super) fn claim(node: &Value) -> Option<&str> {
    let (".", operands) = single(node)? else { return None };
    (attribute(operands.get("left")?) == Some(CLAIMS)).then(|| operands.get("attr")?.as_str())?
}

/// A text that is written out.
pub(super) fn text(node: &Value) -> Option<String> {
    let ("Value", Value::String(text)) = single(node)? else { return None };
    Some(text.clone())
}

/// A set of such texts.
pub(super) fn texts(node: &Value) -> Option<Vec<String>> {
    match single(node)? {
        ("Set", Value::Array(items)) => items.iter().map(text).collect(),
        ("Value", Value::Array(values)) => {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    }
}

/// The pattern of a `like`.
pub(super) fn like(elements: &[Value]) -> Pattern {
    let mut pattern = Pattern::text("");
    for element in elements {
        match element.get("Literal").and_then(Value::as_str) {
            Some(text) => pattern.push(text),
            None => pattern.push_wildcard(),
        }
    }
    pattern
}
