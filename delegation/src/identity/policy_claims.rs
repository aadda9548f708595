//! Claims of an exchanged token that policy may speak of beside those that it always knows. The operator
//! lists them, with what each of them is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One claim for policy.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyClaim {
    /// The claim, a path as for roles; left out, the name that policy has for it.
    pub claim: Option<String>,
    /// `text`, `texts` (a list, or a text with spaces between them), `number` (a whole one) or
    /// `boolean`. A token in which it is something else is refused.
    #[serde(rename = "type")]
    pub kind: ClaimType,
}

/// What a claim is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ClaimType {
    /// A text of 1024 bytes at most.
    Text,
    /// Up to 256 texts.
    Texts,
    /// A whole number of 64 bits.
    Number,
    /// True or false.
    Boolean,
}

impl ClaimType {
    /// To people.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Text => "a text of at most 1024 bytes",
            Self::Texts => "a list of at most 256 texts of at most 1024 bytes each",
            Self::Number => "a whole number of 64 bits",
            Self::Boolean => "true or false",
        }
    }
}

/// What a claim says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum ClaimValue {
    /// A text.
    Text(String),
    /// Several.
    Texts(Vec<String>),
    /// A whole number.
    Number(i64),
    /// True or false.
    Boolean(bool),
}

/// What a token says for policy, by the name there.
pub type ClaimValues = BTreeMap<String, ClaimValue>;
