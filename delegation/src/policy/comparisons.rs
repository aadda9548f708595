//! Finds what a policy compares `context.path` and other attributes with, in Cedar's JSON form of
//! it: an operator is `{"op": {"left": …, "right": …}}`, a literal `{"Value": …}`.

use cedar_policy::Effect;
use serde_json::{Map, Value};

use super::json::{like, single};
use super::pattern::Pattern;

// Conditions joined by `&&` or `||` nest to the left, one level each.
const MAX_DEPTH: usize = 500;

/// One text or pattern that an attribute is compared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Comparison {
    pub(super) pattern: Pattern,
    /// A value for which this holds may lose by it what others have: in a `forbid`, or below
    /// `unless` or `!` in a `permit`.
    pub(super) excludes: bool,
}

/// Every text that one policy compares an attribute of that name with.
///
/// # Errors
/// What cannot be followed: the context as a whole as a value, and conditions nested too deeply.
pub(super) fn comparisons(
    policy: &Value,
    effect: Effect,
    attribute: &str,
) -> Result<Vec<Comparison>, &'static str> {
    let mut finder = Finder { effect, attribute, found: Vec::new() };
    let conditions = policy.get("conditions").and_then(Value::as_array);
    for condition in conditions.into_iter().flatten() {
        let holds = condition.get("kind").and_then(Value::as_str) != Some("unless");
        let when = Polarity { holds, fails: !holds };
        finder.boolean(condition.get("body").unwrap_or(&Value::Null), when, 0)?;
    }
    Ok(finder.found)
}

/// Whether the policy's condition wants an expression to hold, to fail, or either.
#[derive(Clone, Copy)]
struct Polarity {
    holds: bool,
    fails: bool,
}

impl Polarity {
    const EITHER: Self = Self { holds: true, fails: true };

    fn negated(self) -> Self {
        Self { holds: self.fails, fails: self.holds }
    }
}

struct Finder<'a> {
    effect: Effect,
    attribute: &'a str,
    found: Vec<Comparison>,
}

type Found = Result<(), &'static str>;

impl Finder<'_> {
    /// A condition or a part of one.
    fn boolean(&mut self, node: &Value, polarity: Polarity, depth: usize) -> Found {
        let Some((operator, operands)) = single(node) else { return Ok(()) };
        if depth > MAX_DEPTH {
            return Err("has more than 500 conditions in one; write several policies");
        }
        let depth = depth + 1;
        match operator {
            "&&" | "||" => {
                self.boolean(&operands["left"], polarity, depth)?;
                self.boolean(&operands["right"], polarity, depth)
            }
            "!" => self.boolean(&operands["arg"], polarity.negated(), depth),
            "if-then-else" => {
                self.boolean(&operands["if"], Polarity::EITHER, depth)?;
                self.boolean(&operands["then"], polarity, depth)?;
                self.boolean(&operands["else"], polarity, depth)
            }
            "has" => self.operand(&operands["left"], None, depth, true),
            "!=" => self.compared(operands, polarity.negated(), depth),
            _ => self.compared(operands, polarity, depth),
        }
    }

    /// The operands of one comparison.
    fn compared(&mut self, operands: &Value, polarity: Polarity, depth: usize) -> Found {
        let here = mentions(operands, self.attribute).then_some(polarity);
        match operands {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match (&**key, here) {
                        ("pattern", Some(polarity)) => {
                            self.push(like(value.as_array().map_or(&[], |v| v)), polarity);
                        }
                        ("pattern" | "attr" | "entity_type", _) => {}
                        _ => self.operand(value, here, depth, false)?,
                    }
                }
                Ok(())
            }
            Value::Array(items) => {
                items.iter().try_for_each(|item| self.operand(item, here, depth, false))
            }
            _ => Ok(()),
        }
    }

    /// A value in a comparison, with the attribute if `here` says so.
    fn operand(
        &mut self,
        node: &Value,
        here: Option<Polarity>,
        depth: usize,
        attribute: bool,
    ) -> Found {
        let Some((operator, operands)) = single(node) else { return Ok(()) };
        // Some room for values in the last condition.
        if depth > MAX_DEPTH + 50 {
            return Err("is nested too deeply");
        }
        let depth = depth + 1;
        match operator {
            "Var" if operands == "context" && !attribute => {
                Err("uses `context` as a value; compare context.path by itself")
            }
            "Value" => {
                self.literal(operands, here);
                Ok(())
            }
            "Var" | "Slot" | "Unknown" => Ok(()),
            "." => self.operand(&operands["left"], None, depth, true),
            "Set" => items(operands).try_for_each(|item| self.operand(item, here, depth, false)),
            "Record" => {
                let fields = operands.as_object().into_iter().flat_map(Map::values);
                fields.into_iter().try_for_each(|field| self.operand(field, here, depth, false))
            }
            "if-then-else" => {
                self.boolean(&operands["if"], Polarity::EITHER, depth)?;
                self.operand(&operands["then"], here, depth, false)?;
                self.operand(&operands["else"], here, depth, false)
            }
            _ => self.boolean(node, Polarity::EITHER, depth),
        }
    }

    fn literal(&mut self, value: &Value, here: Option<Polarity>) {
        match (value, here) {
            (Value::String(text), Some(polarity)) => self.push(Pattern::text(text), polarity),
            (Value::Array(items), _) => items.iter().for_each(|item| self.literal(item, here)),
            _ => {}
        }
    }

    fn push(&mut self, pattern: Pattern, polarity: Polarity) {
        let excludes = match self.effect {
            Effect::Forbid => polarity.holds,
            Effect::Permit => polarity.fails,
        };
        self.found.push(Comparison { pattern, excludes });
    }
}

fn items(node: &Value) -> impl Iterator<Item = &Value> {
    node.as_array().into_iter().flatten()
}

/// Whether an attribute of that name is asked for anywhere.
pub(super) fn mentions(node: &Value, attribute: &str) -> bool {
    match node {
        Value::Object(fields) => {
            fields.get("attr").is_some_and(|found| found == attribute)
                || fields.values().any(|value| mentions(value, attribute))
        }
        Value::Array(items) => items.iter().any(|item| mentions(item, attribute)),
        _ => false,
    }
}
