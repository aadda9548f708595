//! `user-info`.

#[cfg(test)]
use krb_delegation::{Answer, Outcome};
use krb_delegation::{Question, Request};
use rmcp::model::ToolAnnotations;
use serde_json::json;

use super::{Entry, NoArguments, arguments, describe, targets_schema};
#[cfg(test)]
use crate::testing;

pub(super) const ENTRY: Entry = Entry {
    name: "user-info",
    actions: &[],
    describe: |name| {
        describe::<NoArguments>(
            name,
            "Says who the caller is: the token's issuer and subject, the account that resources \
             are reached as, roles, scopes and permissions as policy sees them, and what they may \
             use.",
            ToolAnnotations::with_title("Who am I")
                .read_only(true)
                .idempotent(true)
                .open_world(false),
            &json!({
                "type": "object",
                "properties": {
                    "issuer": {"type": "string"},
                    "subject": {"type": "string"},
                    "clientId": {"type": "string"},
                    "legacyName": {"type": "string", "description": "sAMAccountName"},
                    "roles": {"type": "array", "items": {"type": "string"}},
                    "scopes": {"type": "array", "items": {"type": "string"}},
                    "permissions": {"type": "array", "items": {"type": "string"}},
                    "claims": {
                        "type": "object",
                        "description": "What else the token says that policy looks at"
                    },
                    "targets": targets_schema()
                },
                "required": [
                    "issuer", "subject", "legacyName", "roles", "scopes", "permissions", "targets"
                ]
            }),
        )
    },
    parse: |given| {
        let NoArguments {} = arguments(given)?;
        Ok(Request::Question(Question::UserInfo))
    },
    #[cfg(test)]
    asks: || vec![(json!({}), Request::Question(Question::UserInfo))],
    #[cfg(test)]
    answer: |subject| Outcome::Here(Answer::User(testing::user_info(subject))),
};
