use std::collections::BTreeMap;

use krb_delegation::{Code, Operation, Request};
use serde_json::{Value, json};

use super::{TOOLS, find, list};
use crate::testing;

fn parse(tool: &str, arguments: &Value) -> Result<Request, krb_delegation::Failure> {
    find(tool).unwrap().parse(arguments.as_object().unwrap().clone())
}

#[test]
fn arguments_become_operations() {
    for tool in TOOLS {
        for (arguments, asked) in (tool.asks)() {
            assert_eq!(parse(tool.name, &arguments).as_ref(), Ok(&asked), "{}", tool.name);
        }
    }
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        let given = json!({"url": "http://web/", "method": method.to_lowercase()});
        let asked = parse("kerberos-http-request", &given);
        let Ok(Request::Operation(Operation::Http(asked))) = asked else {
            panic!("{method} in small letters is refused");
        };
        assert_eq!(asked.method, method);
    }
}

#[test]
fn whatever_policy_can_allow_some_tool_does() {
    let schema = krb_delegation::policy::schema(&Default::default());
    let words: Vec<_> = schema.split('"').collect();
    let of_targets = words
        .iter()
        .filter(|word| ["file:", "http:", "sql:"].iter().any(|kind| word.starts_with(kind)));
    let done: Vec<_> = TOOLS.iter().flat_map(|tool| tool.actions).collect();
    for action in of_targets {
        assert!(done.contains(&action), "no tool does {action}");
    }
    for tool in TOOLS {
        assert!(tool.actions.iter().all(|action| words.contains(action)), "{}", tool.name);
        for (_, asked) in (tool.asks)() {
            let Request::Operation(asked) = asked else { continue };
            let action = asked.action();
            assert!(tool.actions.contains(&&*action), "{} does {action}", tool.name);
        }
    }
}

#[test]
fn harmless_spellings_are_taken() {
    let plain = parse("kerberos-http-request", &json!({"url": "http://web/"})).unwrap();
    let nulls = json!({"url": "http://web/", "method": null, "headers": null, "body": null});
    assert_eq!(parse("kerberos-http-request", &nulls).unwrap(), plain);
    // An argument that is not there is not there, whatever its name.
    assert!(parse("user-info", &json!({"dummy": null})).is_ok());
}

#[test]
fn wrong_arguments_are_refused() {
    let cases = [
        ("kerberos-file-read", json!({"path": "x", "user": "root"})),
        ("kerberos-list-directory", json!({"Path": "x"})),
        ("kerberos-http-request", json!({"url": "http://web/", "method": "Get it"})),
        ("kerberos-file-read", json!({"path": null})),
        ("kerberos-file-read", json!({"path": "x", "user": null, "User": 1})),
        ("kerberos-http-request", json!({"url": "http://web/", "headers": {"a": null}})),
        ("kerberos-http-request", json!({"url": "http://web/", "method": "CONNECT"})),
        ("kerberos-http-request", json!({"url": "http://web/", "headers": {"a": ["b"]}})),
        ("user-info", json!({"subject": "bob"})),
    ];
    for (tool, arguments) in cases {
        assert_eq!(parse(tool, &arguments).unwrap_err().code, Code::InvalidArgument, "{arguments}");
    }
}

/// They are recorded, and what stands in the wrong place may be secret.
#[test]
fn wrong_arguments_are_not_repeated() {
    for (tool, wrong) in [
        ("kerberos-http-request", json!({"url": "http://web/", "headers": "Cookie: SECRET"})),
        ("kerberos-http-request", json!({"url": "http://web/", "headers": "\", expected SECRET"})),
        ("kerberos-http-request", json!({"url": {"SECRET": 1}})),
    ] {
        let failure = parse(tool, &wrong).unwrap_err();
        assert_eq!(failure.code, Code::InvalidArgument);
        assert!(!format!("{failure:?}").contains("SECRET"), "{failure}");
        assert!(failure.message.contains(": invalid type: "), "{failure}");
    }
}

#[test]
fn tools_are_described_as_they_always_were() {
    let tools = sorted(serde_json::to_value(list()).unwrap());
    let text = serde_json::to_string_pretty(&tools).unwrap() + "\n";
    testing::assert_snapshot("src/tools/tools.json", &text);
}

/// With sorted keys, whether or not some other crate of the build turns on `preserve_order`.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let fields: BTreeMap<_, _> = object.into_iter().collect();
            Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// Just enough of JSON Schema for the schemas of this crate.
fn fits(schema: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        other => panic!("unknown type {other:?}"),
    };
    let kind = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(is),
        kind => is(kind),
    };
    let listed = schema["enum"].as_array().is_none_or(|values| values.contains(value));
    let constant = schema.get("const").is_none_or(|constant| constant == value);
    let required = schema["required"]
        .as_array()
        .is_none_or(|names| names.iter().all(|name| value.get(name.as_str().unwrap()).is_some()));
    // Stricter than the standard: what is not described does not fit.
    let properties = schema["properties"].as_object().is_none_or(|properties| {
        value
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, value)| properties.get(name).is_some_and(|schema| fits(schema, value)))
    });
    let items = schema
        .get("items")
        .is_none_or(|items| value.as_array().unwrap().iter().all(|item| fits(items, item)));
    let one = schema["oneOf"]
        .as_array()
        .is_none_or(|schemas| schemas.iter().filter(|schema| fits(schema, value)).count() == 1);
    kind && listed && constant && required && properties && items && one
}

#[test]
fn results_fit_the_output_schemas() {
    for tool in TOOLS {
        let (name, data) = (tool.name, tool.answer("x"));
        let schema = tool.describe().output_schema.unwrap();
        let schema = Value::Object((*schema).clone());
        let success = super::to_result(Ok(data)).structured_content.unwrap();
        assert!(fits(&schema, &success), "{name}: {success}");
        let failure = krb_delegation::Failure::new(Code::NotFound, "a", "b");
        let failure = super::to_result(Err(failure)).structured_content.unwrap();
        assert!(fits(&schema, &failure), "{name}: {failure}");
        assert!(!fits(&schema, &json!({"status": "success", "error": {}})));
    }
}

#[test]
fn the_readme_names_each_tool() {
    let readme = include_str!("../../../README.md");
    let (_, tools) = readme.split_once("\nTools: ").unwrap();
    let (tools, _) = tools.split_once(".\n").unwrap();
    let name = |text: &'static str| text.trim().trim_matches('`');
    let named: Vec<_> = tools.split(',').map(name).collect();
    assert_eq!(named, super::names());
}
