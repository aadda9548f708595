//! `user-info`.

use krb_delegation::{Question, Request};
use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Entry, arguments, describe};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {}

pub(super) const ENTRY: Entry = Entry {
    name: "user-info",
    describe: |name| {
        describe::<Arguments>(
            name,
            "Says who the caller is: the token's issuer and subject, the account that resources \
             are reached as, roles and scopes.",
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
                    "scopes": {"type": "array", "items": {"type": "string"}}
                },
                "required": ["issuer", "subject", "legacyName", "roles", "scopes"]
            }),
        )
    },
    parse: |given| {
        let Arguments {} = arguments(given)?;
        Ok(Request::Question(Question::UserInfo))
    },
};
