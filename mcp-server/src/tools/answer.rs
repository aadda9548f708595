//! The one form of every tool's answer.

use krb_delegation::{Blame, Code, Failure};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer<T> {
    Success { data: T },
    Failure { error: Error },
}

#[derive(Serialize)]
struct Error {
    #[serde(flatten)]
    failure: Failure,
    retryable: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self { retryable: failure.code.is_retryable(), failure }
    }
}

/// `{"status":"success","data":…}`, or `{"status":"failure","error":{…}}` with `isError`; as text
/// (for clients that read only that) and as structured content.
pub(crate) fn to_result<T: Serialize>(result: Result<T, Failure>) -> CallToolResult {
    let (answer, wrap): (_, fn(_) -> _) = match result {
        Ok(data) => (Answer::Success { data }, CallToolResult::success),
        Err(failure) => (Answer::Failure { error: failure.into() }, CallToolResult::error),
    };
    // Two serialisations, because the text keeps the order of fields.
    match (serde_json::to_string(&answer), serde_json::to_value(&answer)) {
        (Ok(text), Ok(value)) => {
            let mut result = wrap(vec![ContentBlock::text(text)]);
            result.structured_content = Some(value);
            result
        }
        (Err(error), _) | (_, Err(error)) => {
            let problem = format!("{}: the result is no JSON: {error}", Code::Internal);
            CallToolResult::error(vec![ContentBlock::text(problem)])
        }
    }
}

/// The output schema of a tool whose success carries `data`. The root says `object`, as revisions
/// before 2026-07-28 require.
pub(super) fn schema(data: &Value) -> JsonObject {
    let schema = json!({
        "type": "object",
        "oneOf": [
            {
                "properties": {"status": {"const": "success"}, "data": data},
                "required": ["status", "data"]
            },
            {
                "properties": {
                    "status": {"const": "failure"},
                    "error": {
                        "type": "object",
                        "properties": {
                            "code": {"type": "string", "description": "stable; for programs"},
                            "message": {"type": "string", "description": "what happened"},
                            "blame": {
                                "enum": Blame::ALL,
                                "description": "whose doing it is: who can change something"
                            },
                            "remedy": {"type": "string", "description": "what to change"},
                            "claims": {
                                "type": "string",
                                "description": "what the next login's request must ask for"
                            },
                            "retryable": {
                                "type": "boolean",
                                "description": "whether the same call may succeed later"
                            }
                        },
                        "required": ["code", "blame", "message", "remedy", "retryable"]
                    }
                },
                "required": ["status", "error"]
            }
        ]
    });
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}
