//! The tools: one file each, listed once in [`TOOLS`].

mod answer;
mod file_read;
mod http_request;
mod list_directory;
mod list_targets;
mod sql_delegate;
mod sql_schema;
mod sql_table_details;
mod user_info;

use std::sync::{Arc, LazyLock};

#[cfg(test)]
use krb_delegation::Outcome;
use krb_delegation::policy;
use krb_delegation::resources::KINDS;
use krb_delegation::{Failure, Request};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::failure::NotBegun;
pub(crate) use answer::{to_result, write_result};

/// One tool of this server.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// What policy calls that which it does at targets.
    actions: &'static [&'static str],
    describe: fn(&'static str) -> Tool,
    parse: fn(JsonObject) -> Result<Request, Failure>,
    /// Arguments, and what they ask for.
    #[cfg(test)]
    asks: fn() -> Vec<(Value, Request)>,
    /// An answer about something of this name, with all that an answer may have.
    #[cfg(test)]
    answer: fn(&str) -> Outcome,
}

/// In the order in which `tools/list` gives them.
const TOOLS: &[Entry] = &[
    list_targets::ENTRY,
    file_read::ENTRY,
    list_directory::ENTRY,
    http_request::ENTRY,
    sql_delegate::ENTRY,
    sql_schema::ENTRY,
    sql_table_details::ENTRY,
    user_info::ENTRY,
];

/// The tool of that name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// The tools, as policy knows them.
pub(crate) fn for_policy() -> Vec<policy::Tool> {
    TOOLS.iter().map(|tool| policy::Tool { name: tool.name, actions: tool.actions }).collect()
}

/// The tools' names.
pub(crate) fn names() -> Vec<&'static str> {
    TOOLS.iter().map(|tool| tool.name).collect()
}

/// What the audit log calls a tool of that name: one that does not exist may have any.
pub(crate) fn audited_name(name: &str) -> &'static str {
    find(name).map_or("unknown", |tool| tool.name)
}

/// All tools, as `tools/list` describes them. Their schemas are made once.
pub(crate) fn list() -> &'static [Tool] {
    static DESCRIBED: LazyLock<Vec<Tool>> =
        LazyLock::new(|| TOOLS.iter().map(Entry::describe).collect());
    &DESCRIBED
}

impl Entry {
    fn describe(&self) -> Tool {
        (self.describe)(self.name)
    }

    /// What the arguments ask for.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](krb_delegation::Code::InvalidArgument) if one is missing, unknown or of the wrong type.
    pub(crate) fn parse(&self, arguments: JsonObject) -> Result<Request, Failure> {
        (self.parse)(arguments)
    }

    /// An answer of the tool.
    #[cfg(test)]
    pub(crate) fn answer(&self, name: &str) -> Outcome {
        (self.answer)(name)
    }
}

/// A tool's description from its argument type and the schema of its `data`.
fn describe<Arguments: JsonSchema + 'static>(
    name: &'static str,
    description: &'static str,
    annotations: ToolAnnotations,
    data: &Value,
) -> Tool {
    describe_with::<Arguments>(name, description, annotations, data, &[])
}

/// The same, of one whose answer has something beside its `data`.
fn describe_with<Arguments: JsonSchema + 'static>(
    name: &'static str,
    description: &'static str,
    annotations: ToolAnnotations,
    data: &Value,
    beside: &[(&str, Value)],
) -> Tool {
    Tool::new(name, description, JsonObject::new())
        .with_input_schema::<Arguments>()
        .with_raw_output_schema(Arc::new(answer::schema(data, beside)))
        .with_annotations(annotations)
}

/// The arguments, or an error that names the one at fault. `null` is a harmless spelling of an
/// absent one.
fn arguments<Arguments: DeserializeOwned>(mut given: JsonObject) -> Result<Arguments, Failure> {
    given.retain(|_, value| !value.is_null());
    serde_path_to_error::deserialize(Value::Object(given)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { path };
        NotBegun::Arguments(place, without_text(&error.inner().to_string())).into()
    })
}

/// The library's word for a text where none belongs, without the text: it may be a secret in the wrong
/// place, and records say what was wrong.
fn without_text(problem: &str) -> String {
    match (problem.find("string \""), problem.rfind("\", expected ")) {
        (Some(from), Some(to)) if from < to => {
            format!("{}string{}", &problem[..from], &problem[to + 1..])
        }
        _ => problem.to_owned(),
    }
}

/// The one argument of the tools that take a path.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PathArgument {
    /// UNC path that begins as one of `list-targets` does, for example
    /// `\\fileserver.example.com\share\dir\name`; `/` is taken as `\`.
    path: String,
}

/// The arguments of the tools that take none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

// What the caller may use is the same in both answers that say so.
fn targets_schema() -> Value {
    json!({
        "type": "array",
        "description": "what policy lets the caller use",
        "items": {
            "type": "object",
            "properties": {
                "target": {"type": "string"},
                "kind": {"enum": KINDS},
                "addresses": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "how paths or URLs in it begin"
                },
                "actions": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "what may be done somewhere in it"
                }
            },
            "required": ["target", "kind", "addresses", "actions"]
        }
    })
}

// What a file's or a response's content looks like is the same in both.
fn encoding_schema() -> Value {
    json!({
        "enum": ["utf-8", "base64"],
        "description": "utf-8 if the bytes are valid UTF-8, else base64"
    })
}

#[cfg(test)]
mod tests;
