use bytes::Bytes;
use serde_json::Value;

use super::scalar;
use crate::resources::sql::postgres::wire::Body;

/// Dimensions of an array are six at most in PostgreSQL.
const MAX_DIMENSIONS: i32 = 6;

/// An array of a type that is read: nested as its dimensions are. Where they begin is not told.
pub(super) fn array(bytes: Bytes) -> Option<Value> {
    let mut body = Body(bytes);
    let count = body.i32().ok()?;
    // Whether it has a NULL; the elements say so themselves.
    body.i32().ok()?;
    let kind = body.u32().ok()?;
    scalar(kind)?;
    if !(0..=MAX_DIMENSIONS).contains(&count) {
        return None;
    }
    let mut dimensions = Vec::new();
    for _ in 0..count {
        dimensions.push(usize::try_from(body.i32().ok()?).ok()?);
        body.i32().ok()?;
    }
    let array = match dimensions.as_slice() {
        [] => Value::Array(Vec::new()),
        dimensions => level(dimensions, kind, &mut body)?,
    };
    body.0.is_empty().then_some(array)
}

fn level(dimensions: &[usize], kind: u32, body: &mut Body) -> Option<Value> {
    let [length, inner @ ..] = dimensions else {
        return super::value(kind, body.value().ok()?).ok();
    };
    // Every element takes four bytes at least.
    if *length > body.0.len() / 4 {
        return None;
    }
    let elements = (0..*length).map(|_| level(inner, kind, body));
    elements.collect::<Option<Vec<_>>>().map(Value::Array)
}
