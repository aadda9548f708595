use serde_json::Value;

use super::values::is_json;

/// A value as the text that the server reads for a parameter of this type; `None` is NULL.
pub(super) fn text(value: &Value, kind: u32) -> Option<String> {
    match value {
        Value::Null => None,
        value if is_json(kind) && !value.is_string() => Some(value.to_string()),
        Value::Array(items) => Some(array(items)),
        value => Some(plain(value)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Booleans are read in this form, too.
        value => value.to_string(),
    }
}

/// An array's text (PostgreSQL manual, "Array Input and Output Syntax"), each element quoted.
fn array(items: &[Value]) -> String {
    let items: Vec<_> = items
        .iter()
        .map(|item| match item {
            Value::Null => "NULL".to_owned(),
            Value::Array(items) => array(items),
            item => {
                let text = plain(item).replace('\\', r"\\").replace('"', "\\\"");
                format!("\"{text}\"")
            }
        })
        .collect();
    format!("{{{}}}", items.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_the_server_reads_them() {
        for (value, kind, expected) in [
            (json!(null), 25, None),
            (json!(true), 16, Some("true")),
            (json!(9_007_199_254_740_993_u64), 20, Some("9007199254740993")),
            (json!(1.5), 1700, Some("1.5")),
            (json!("it's \"so\" \\"), 25, Some("it's \"so\" \\")),
            (json!("{\"a\": 1}"), 3802, Some("{\"a\": 1}")),
            (json!([1, 2]), 3802, Some("[1,2]")),
            (json!([1, 2]), 1007, Some(r#"{"1","2"}"#)),
            (
                json!([null, "NULL", "a\"b\\c", "{x,y}", ""]),
                1009,
                Some(r#"{NULL,"NULL","a\"b\\c","{x,y}",""}"#),
            ),
            (json!([]), 1009, Some("{}")),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(text(&value, kind), expected, "{value}");
        }
    }
}
