//! `docs/configuration.md`: every setting, made from the types.

use std::fmt::Write;
use std::sync::LazyLock;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Config;
use crate::testing::assert_snapshot;

const BEGINNING: &str = r#"# Configuration

Every setting of `krb-mcp`. This page is made from the program's types; a test compares
(`UPDATE_SNAPSHOTS=1 cargo test -p krb-mcp --all-features reference` writes it anew).
[The example](../mcp-server/examples/krb-mcp.jsonc) is a complete configuration with comments.

One file, read once at start: TOML if its name ends in `.toml`, YAML if it ends in `.yaml` or `.yml`,
else JSON with comments. Relative paths are relative to it. A name that is not listed here is refused,
and so is one that is there twice. `krb-mcp check` finds whatever would keep `serve` from starting.

The least that starts is [there](../mcp-server/examples/minimum.jsonc) as JSON, as
[TOML](../mcp-server/examples/minimum.toml) and as [YAML](../mcp-server/examples/minimum.yaml). Of YAML
that is taken which says the same as JSON: what is not quoted is a number where JSON has it so, `true`,
`false` or `null` (`~`, or nothing), and else it is text, so that `no` is a text and nowhere `false`.
Anchors, aliases, merge keys, tags and further documents are refused.

A *secret* is a text, or better `{"$secret": "NAME"}`: the content of the file `NAME` in
`$CREDENTIALS_DIRECTORY` (systemd's `LoadCredential=`), else of `/run/secrets/NAME`, else of the
environment variable `NAME`. The first of them that is there counts, also if it cannot be read.

Files may be replaced while the server runs, also by swapping a link that leads to them, as Kubernetes
does: the policy, keytabs, `network.caFile`, `auth.negotiate.certificateFile`, client keys and actor
tokens, and the secrets that a login is done with (a service account's password, clients' secrets at
identity providers, the password of Redis, a database login's password, or its certificate and key). A call uses what has stood there for two seconds, once it reads the same twice; while nobody calls
it is looked at every five. What cannot be used leaves in use what was there before, and is named in the
log, at `/readyz` beside the metrics, and by `krb_mcp_file_current`. (systemd copies what
`LoadCredential=` names at the start: there a new one needs a restart.)
This file itself and the other keys are read at the start.
"#;

#[test]
fn the_reference_is_what_the_types_say() {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<Config>();
    let mut page = BEGINNING.to_owned();
    section(&mut page, "", schema.as_value());
    assert_snapshot("../docs/configuration.md", &page);
}

/// A table of what an object holds, and behind it those of the objects in it.
fn section(page: &mut String, path: &str, schema: &Value) {
    let (required, optional): (Vec<_>, Vec<_>) =
        properties(schema).iter().partition(|(name, _)| {
            schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == *name))
        });
    let inner =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    page.push_str("\n| setting | form | default | |\n|---|---|---|---|\n");
    // The order of a schema's members depends on what else is in the build.
    for (of_them, is_required) in [(sorted(required), true), (sorted(optional), false)] {
        for (name, value) in of_them {
            let default = match &value["default"] {
                _ if is_required => "required".to_owned(),
                Value::Null => String::new(),
                default => format!("`{default}`"),
            };
            let text = description(value).replace('|', "\\|");
            let form = form(value, &inner(name));
            writeln!(page, "| `{name}` | {form} | {default} | {text} |").unwrap();
        }
    }
    for (name, value) in sorted(properties(schema).iter().collect()) {
        let (path, value) = inside(value, inner(name));
        for variant in value["oneOf"].as_array().into_iter().flatten() {
            let Some(kind) = variant["properties"]["kind"]["const"].as_str() else { continue };
            write!(page, "\n## {path} with kind {kind:?}\n\n{}\n", description(variant)).unwrap();
            section(page, &path, variant);
        }
        if !properties(value).is_empty() {
            write!(page, "\n## {path}\n\n{}\n", description(value)).unwrap();
            section(page, &path, value);
        }
    }
}

/// What is written there.
fn form(schema: &Value, path: &str) -> String {
    let any = schema["anyOf"].as_array();
    if any.is_some_and(|forms| forms.iter().any(|form| !form["properties"]["$secret"].is_null())) {
        return "secret".into();
    }
    if let Some(forms) = any {
        let forms = forms.iter().filter(|form| form["type"] != "null");
        return forms.map(|one| form(one, path)).collect::<Vec<_>>().join(" or ");
    }
    if let Some(constant) = schema["const"].as_str() {
        return format!("`{constant:?}`");
    }
    let words = schema["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
    let words = words.chain(schema["enum"].as_array().into_iter().flatten());
    let words: Vec<_> = words.filter_map(|word| Some(format!("`{:?}`", word.as_str()?))).collect();
    if !words.is_empty() {
        return words.join(" or ");
    }
    if schema["oneOf"].is_array() || !properties(schema).is_empty() {
        return format!("[object](#{})", anchor(path, schema));
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap(),
        kind => kind,
    };
    match kind.as_str().unwrap() {
        "string" if schema["format"] == "ip" => "address".into(),
        "string" => "text".into(),
        "integer" => "number".into(),
        "boolean" => "`true` or `false`".into(),
        "array" => format!("list of {}", form(&schema["items"], &format!("{path}[]"))),
        "object" => format!(
            "object, name: {}",
            form(&schema["additionalProperties"], &format!("{path}.NAME"))
        ),
        other => panic!("{path}: {other}"),
    }
}

/// As GitHub makes them of headings.
fn anchor(path: &str, schema: &Value) -> String {
    let first = schema["oneOf"][0]["properties"]["kind"]["const"].as_str();
    let heading = first.map_or(path.to_owned(), |kind| format!("{path} with kind {kind}"));
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || *c == ' ');
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// The object in a list or in what may be left out.
fn inside(schema: &Value, path: String) -> (String, &Value) {
    if let Some(forms) = schema["anyOf"].as_array() {
        let object = forms.iter().find(|form| form["properties"]["$secret"].is_null());
        return (path, object.unwrap_or(schema));
    }
    if schema["items"].is_object() {
        return (format!("{path}[]"), &schema["items"]);
    }
    if !properties(&schema["additionalProperties"]).is_empty() {
        return (format!("{path}.NAME"), &schema["additionalProperties"]);
    }
    (path, schema)
}

fn properties(schema: &Value) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    schema["properties"].as_object().unwrap_or(&NONE)
}

fn sorted<'a>(mut all: Vec<(&'a String, &'a Value)>) -> Vec<(&'a String, &'a Value)> {
    all.sort_by_key(|(name, _)| *name);
    all
}

/// On one line.
fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
