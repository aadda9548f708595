//! Whether a policy holds for certain paths only, in Cedar's JSON form of it.

use serde_json::Value;

use super::json::{attribute, like, single, text, texts};
use super::pattern::Pattern;

/// Whether one of its conditions cannot hold unless `context.path` is one of the texts, or as one of
/// the patterns, that it compares it with, each of which `is_below` takes. What cannot be told is a no.
pub(super) fn holds_only_for(policy: &Value, is_below: &dyn Fn(&Pattern) -> bool) -> bool {
    let conditions = policy.get("conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        let unless = condition.get("kind").and_then(Value::as_str) == Some("unless");
        proves(condition.get("body").unwrap_or(&Value::Null), !unless, is_below)
    })
}

// Does an expression that is `value` prove it? No deeper than `comparisons` has gone before.
fn proves(node: &Value, value: bool, is_below: &dyn Fn(&Pattern) -> bool) -> bool {
    let Some((operator, operands)) = single(node) else { return false };
    let sides = || [&operands["left"], &operands["right"]];
    let side = |node: &Value| proves(node, value, is_below);
    let is_text_below = |text: &String| is_below(&Pattern::text(text));
    match (operator, value) {
        ("&&", true) | ("||", false) => sides().into_iter().any(side),
        ("&&", false) | ("||", true) => sides().into_iter().all(side),
        ("!", _) => proves(&operands["arg"], !value, is_below),
        ("if-then-else", _) => side(&operands["then"]) && side(&operands["else"]),
        ("==", true) | ("!=", false) => {
            let [left, right] = sides();
            let compared = |one: &Value, other: &Value| is_path(one).then(|| text(other)).flatten();
            let text = compared(left, right).or_else(|| compared(right, left));
            text.is_some_and(|text| is_text_below(&text))
        }
        ("like", true) => {
            let pattern = operands["pattern"].as_array().map(|elements| like(elements));
            is_path(&operands["left"]) && pattern.is_some_and(|pattern| is_below(&pattern))
        }
        ("contains", true) => {
            let set = if is_path(&operands["right"]) { texts(&operands["left"]) } else { None };
            set.is_some_and(|texts| texts.iter().all(is_text_below))
        }
        _ => false,
    }
}

fn is_path(node: &Value) -> bool {
    attribute(node) == Some(("context", "path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_narrow(conditions: &str) -> bool {
        let text = format!("permit (principal, action, resource) {conditions};");
        let policy = cedar_policy::Policy::parse(None, text).unwrap().to_json().unwrap();
        holds_only_for(&policy, &|pattern| pattern.start().len() > "/corp/".len())
    }

    #[test]
    fn what_can_hold_elsewhere_is_not_narrow() {
        for conditions in [
            r#"when { context.path like "/corp/reports/*" }"#,
            r#"when { context.path == "/corp/report" }"#,
            r#"when { "/corp/report" == context.path }"#,
            r#"when { ["/corp/a", "/corp/b"].contains(context.path) }"#,
            r#"when { principal.roles.contains("x") && context.path like "/corp/a/*" }"#,
            r#"when { principal.roles.contains("x") } when { context.path == "/corp/a" }"#,
            r#"when { context.path == "/corp/a" || context.path like "/corp/b/*" }"#,
            r#"when { if principal.subject == "1" then context.path == "/corp/a" else context.path == "/corp/b" }"#,
            r#"unless { !(context.path like "/corp/a/*") }"#,
            r#"unless { context.path != "/corp/a" || principal.subject == "1" }"#,
        ] {
            assert!(is_narrow(conditions), "{conditions}");
        }
        for conditions in [
            "",
            r#"when { principal.roles.contains("x") }"#,
            r#"when { context.path like "/corp/*" }"#,
            r#"when { context.path like "*" }"#,
            r#"when { context.path like "*.txt" }"#,
            r#"when { context.path != "/corp/secret" }"#,
            r#"when { !(context.path like "/corp/secret/*") }"#,
            r#"unless { context.path like "/corp/secret/*" }"#,
            r#"when { context.path like "/corp/a/*" || principal.subject == "1" }"#,
            r#"when { ["/corp/a", "/"].contains(context.path) }"#,
            r#"when { if principal.subject == "1" then context.path == "/corp/a" else true }"#,
            r#"when { principal.legacyName like "/corp/reports/*" }"#,
            r#"when { context.path == principal.legacyName }"#,
            r#"unless { context.path != "/corp/a" && principal.subject == "1" }"#,
        ] {
            assert!(!is_narrow(conditions), "{conditions}");
        }
    }
}
