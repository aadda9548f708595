//! `list-targets`.

#[cfg(test)]
use krb_delegation::{Answer, Outcome};
use krb_delegation::{Question, Request};
use rmcp::model::ToolAnnotations;
use serde_json::json;

use super::{Entry, NoArguments, arguments, describe, targets_schema};
#[cfg(test)]
use crate::testing;

pub(super) const ENTRY: Entry = Entry {
    name: "list-targets",
    actions: &[],
    describe: |name| {
        describe::<NoArguments>(
            name,
            "Lists the file shares, web applications and databases that the calling user may use through this \
             server, how their addresses begin, and what may be done there. Call it first.",
            ToolAnnotations::with_title("What is there?")
                .read_only(true)
                .idempotent(true)
                .open_world(false),
            &json!({
                "type": "object",
                "properties": {"targets": targets_schema()},
                "required": ["targets"]
            }),
        )
    },
    parse: |given| {
        let NoArguments {} = arguments(given)?;
        Ok(Request::Question(Question::ListTargets))
    },
    #[cfg(test)]
    asks: || vec![(json!({}), Request::Question(Question::ListTargets))],
    #[cfg(test)]
    answer: |_| Outcome::Here(Answer::Targets { targets: testing::targets() }),
};
