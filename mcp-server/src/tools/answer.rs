//! The one form of every tool's answer.

use std::io::{self, Write};

use krb_delegation::resources::Beside;
use krb_delegation::{Blame, Code, Failure, Outcome};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// An answer that is longer is not repeated as text. Hosts that show their models the text alone cut
/// it before that.
const MAX_TEXT: usize = 128 << 10;
/// What stands in the text's place.
const ELSEWHERE: &str = "{\"status\":\"success\",\"note\":\"more than 128 KiB: all of it is in \
                         structuredContent, and nowhere else\"}";

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer<T> {
    Success {
        data: T,
        #[serde(flatten)]
        beside: Map<String, Value>,
    },
    Failure {
        error: Failure,
    },
}

/// `{"status":"success","data":…}`, or `{"status":"failure","error":{…}}` with `isError`; as
/// structured content, and as text for clients that read only that, if it is not too long.
pub(crate) fn to_result(result: Result<Outcome, Failure>) -> CallToolResult {
    let beside = result.as_ref().map(Outcome::beside).unwrap_or_default();
    with(result, beside)
}

/// The same, with what is told beside the data: all of it where programs read it, and in the text what
/// its reader must know.
fn with<T: Serialize>(result: Result<T, Failure>, beside: Beside) -> CallToolResult {
    let Beside { members, told } = beside;
    let (mut answer, wrap): (_, fn(_) -> _) = match result {
        Ok(data) => (Answer::Success { data, beside: told }, CallToolResult::success),
        Err(error) => (Answer::Failure { error }, CallToolResult::error),
    };
    // Two serialisations, because the text keeps the order of fields.
    let text = text(&answer);
    if let Answer::Success { beside, .. } = &mut answer {
        *beside = members;
    }
    match (text, serde_json::to_value(&answer)) {
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

/// The same as JSON, written once where the text is the same: into what is sent.
pub(crate) fn write_result(
    result: Result<Outcome, Failure>,
    out: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let beside = result.as_ref().map(Outcome::beside).unwrap_or_default();
    write_with(result, beside, out)
}

fn write_with<T: Serialize>(
    result: Result<T, Failure>,
    beside: Beside,
    out: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let is_error = result.is_err();
    let Beside { members, told } = beside;
    let is_same = members == told;
    let mut answer = match result {
        Ok(data) => Answer::Success { data, beside: members },
        Err(error) => Answer::Failure { error },
    };
    out.extend_from_slice(br#"{"structuredContent":"#);
    let begin = out.len();
    serde_json::to_writer(&mut *out, &answer)?;
    let text = if is_same {
        let answer = out.get(begin..).unwrap_or_default();
        // What is too long is not looked through.
        match Some(answer).filter(|answer| answer.len() <= MAX_TEXT).map(std::str::from_utf8) {
            Some(Ok(text)) => serde_json::to_vec(text)?,
            _ => serde_json::to_vec(ELSEWHERE)?,
        }
    } else {
        if let Answer::Success { beside, .. } = &mut answer {
            *beside = told;
        }
        serde_json::to_vec(&text(&answer)?)?
    };
    out.extend_from_slice(br#","content":[{"type":"text","text":"#);
    out.extend_from_slice(&text);
    write!(out, r#"}}],"isError":{is_error}}}"#).map_err(serde_json::Error::io)
}

/// The answer as JSON, as far as that is sent twice.
fn text<T: Serialize>(answer: &T) -> serde_json::Result<String> {
    let mut bounded = Bounded(Vec::new());
    match serde_json::to_writer(&mut bounded, answer) {
        // It is JSON, and so UTF-8.
        Ok(()) => Ok(String::from_utf8(bounded.0).unwrap_or_default()),
        Err(error) if error.is_io() => Ok(ELSEWHERE.to_owned()),
        Err(error) => Err(error),
    }
}

/// Takes no more than the text may have.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_TEXT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The output schema of a tool whose success carries `data`. The root says `object`, as revisions
/// before 2026-07-28 require.
pub(super) fn schema(data: &Value, beside: &[(&str, Value)]) -> JsonObject {
    let mut schema = json!({
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
                                "description": "whether the same call may succeed later; not where \
                                                it may have been done, and would be done twice"
                            }
                        },
                        "required": ["code", "blame", "message", "remedy", "retryable"]
                    }
                },
                "required": ["status", "error"]
            }
        ]
    });
    for (name, described) in beside {
        schema["oneOf"][0]["properties"][*name] = described.clone();
    }
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(length: usize) -> CallToolResult {
        with(Ok(json!({"content": "x".repeat(length)})), Beside::default())
    }

    #[test]
    fn what_stands_beside_is_for_programs_but_for_what_a_reader_must_know() {
        let members = json!({"columns": [], "hasMore": true}).as_object().cloned().unwrap();
        let told = json!({"hasMore": true}).as_object().cloned().unwrap();
        let result = with(Ok(json!([{"b": 1}])), Beside { members, told });
        assert_eq!(text_of(&result), r#"{"status":"success","data":[{"b":1}],"hasMore":true}"#);
        let whole =
            json!({"status": "success", "data": [{"b": 1}], "columns": [], "hasMore": true});
        assert_eq!(result.structured_content, Some(whole));
        let plain = with(Ok(json!([{"current_user": r"DOMAIN\ALICE_ADMIN"}])), Beside::default());
        let text = r#"{"status":"success","data":[{"current_user":"DOMAIN\\ALICE_ADMIN"}]}"#;
        assert_eq!(text_of(&plain), text, "as the original's documentation has it");
    }

    #[test]
    fn what_is_written_is_what_a_result_says() {
        let members = json!({"columns": [], "hasMore": true}).as_object().cloned().unwrap();
        let told = json!({"hasMore": true}).as_object().cloned().unwrap();
        for beside in [Beside::default(), Beside { members, told }] {
            let (mut out, data) = (Vec::new(), json!([{"b": 1}]));
            write_with(Ok(&data), beside.clone(), &mut out).unwrap();
            let written: Value = serde_json::from_slice(&out).unwrap();
            let result = with(Ok(&data), beside);
            assert_eq!(written["structuredContent"], result.structured_content.clone().unwrap());
            assert_eq!(written["content"], serde_json::to_value(&result.content).unwrap());
        }
    }

    fn text_of(result: &CallToolResult) -> String {
        serde_json::to_value(&result.content).unwrap()[0]["text"].as_str().unwrap().to_owned()
    }

    #[test]
    fn what_is_long_is_sent_once_and_the_text_says_where() {
        let around = json!({"status": "success", "data": {"content": ""}}).to_string().len();
        for (length, is_repeated) in
            [(0, true), (MAX_TEXT - around, true), (MAX_TEXT - around + 1, false), (1 << 20, false)]
        {
            let result = answer(length);
            let structured = result.structured_content.clone().unwrap();
            assert_eq!(structured["data"]["content"].as_str().map(str::len), Some(length));
            let text: Value = serde_json::from_str(&text_of(&result)).unwrap();
            assert_eq!(text["status"], "success");
            assert_eq!(text == structured, is_repeated, "{length}");
            assert_eq!(text.get("note").is_some(), !is_repeated, "{length}");
        }
        let whole = serde_json::to_string(&answer(1 << 20)).unwrap();
        assert!(whole.len() < (1 << 20) + 1000);
    }
}
