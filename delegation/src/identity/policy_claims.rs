//! Claims of an exchanged token that policy may speak of beside those that it always knows. The operator
//! lists them, with what each of them is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TrustedIdp;
use super::jwt::Claims;
use crate::ConfigError;

/// Of one issuer.
const MAX_CLAIMS: usize = 16;
const MAX_NAME: usize = 64;
/// In bytes, of a text or of one in a list.
const MAX_TEXT: usize = 1024;
/// In a list.
const MAX_TEXTS: usize = 256;
/// What policy speaks of already: a claim of that name would be taken for it.
const TAKEN: [&str; 16] = [
    "claims",
    "clientId",
    "groups",
    "host",
    "id",
    "issuer",
    "kind",
    "legacyName",
    "name",
    "path",
    "permissions",
    "roles",
    "scopes",
    "spn",
    "subject",
    "tool",
];

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

impl PolicyClaim {
    /// What a token says; none if it says nothing.
    ///
    /// # Errors
    /// The claim, which is something else.
    pub(super) fn read(
        &self,
        name: &str,
        claims: &Claims,
    ) -> Result<Option<ClaimValue>, (String, ClaimType)> {
        let claim = self.claim.as_deref().unwrap_or(name);
        let Some(value) = claims.at(claim) else { return Ok(None) };
        let is_short = |text: &str| text.len() <= MAX_TEXT;
        let read = match (self.kind, value) {
            (ClaimType::Text, Value::String(text)) if is_short(text) => {
                Some(ClaimValue::Text(text.clone()))
            }
            (ClaimType::Texts, _) => {
                let texts = claims.texts(claim).ok().filter(|texts| {
                    texts.len() <= MAX_TEXTS && texts.iter().all(|text| is_short(text))
                });
                texts.map(ClaimValue::Texts)
            }
            (ClaimType::Number, Value::Number(number)) => number.as_i64().map(ClaimValue::Number),
            (ClaimType::Boolean, Value::Bool(value)) => Some(ClaimValue::Boolean(*value)),
            _ => None,
        };
        read.map(Some).ok_or_else(|| (claim.to_owned(), self.kind))
    }
}

/// What the claims are that some issuer has for policy, by the name there.
#[derive(Clone, Debug, Default)]
pub struct ClaimTypes(BTreeMap<String, ClaimType>);

impl ClaimTypes {
    /// Those of all issuers together.
    ///
    /// # Errors
    /// A claim that has a name that policy cannot have for it, or is one thing to one issuer and another
    /// to the next.
    pub fn of(idps: &[TrustedIdp]) -> Result<Self, ConfigError> {
        let mut all = BTreeMap::new();
        for (index, idp) in idps.iter().enumerate() {
            let claims = &idp.claim_mappings.policy_claims;
            let section = format!("auth.trustedIDPs[{index}].claimMappings.policyClaims");
            if claims.len() > MAX_CLAIMS {
                return Err(ConfigError::new(section, format!("holds more than {MAX_CLAIMS}")));
            }
            for (name, PolicyClaim { kind, .. }) in claims {
                let error =
                    |problem: &str| Err(ConfigError::new(format!("{section}.{name}"), problem));
                let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if !is_word || name.len() > MAX_NAME {
                    return error(
                        "must be named by ASCII letters, digits and _ in policy; `claim` is the claim",
                    );
                }
                if TAKEN.contains(&&**name) {
                    return error(
                        "has a name that policy has for something else; `claim` is the claim",
                    );
                }
                if all.insert(name.clone(), *kind).is_some_and(|other| other != *kind) {
                    return error("is of another type for another issuer");
                }
            }
        }
        Ok(Self(all))
    }

    /// By the name in policy.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, ClaimType)> {
        self.0.iter().map(|(name, kind)| (name.as_str(), *kind))
    }

    /// Such types.
    #[cfg(test)]
    pub(crate) fn from_pairs(pairs: &[(&str, ClaimType)]) -> Self {
        Self(pairs.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn types(idps: &[Value]) -> Result<Vec<String>, String> {
        let idps = idps.iter().map(|claims| {
            serde_json::from_value(json!({
                "issuer": "https://idp.example", "audience": "x",
                "claimMappings": { "policyClaims": claims }
            }))
            .unwrap()
        });
        let types = ClaimTypes::of(&idps.collect::<Vec<_>>());
        types.map(|types| types.0.into_keys().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_words_that_mean_nothing_else_and_one_thing_to_all_issuers() {
        let text = || json!({ "type": "text" });
        assert_eq!(types(&[json!({ "unit": text() }), json!({ "site_2": text() })]), {
            Ok(vec!["site_2".into(), "unit".into()])
        });
        assert!(types(&[json!({ "unit": text() }), json!({ "unit": text() })]).is_ok());
        for name in ["", "a-b", "2a", "_a", "a.b", "\u{e4}", &"a".repeat(65), "groups", "path"] {
            let error = types(&[json!({ name: text() })]).unwrap_err();
            assert!(error.contains("auth.trustedIDPs[0].claimMappings.policyClaims"), "{error}");
        }
        let other = json!({ "unit": { "type": "number" } });
        let error = types(&[json!({ "unit": text() }), other]).unwrap_err();
        assert!(error.contains("auth.trustedIDPs[1]"), "{error}");
        let many = |count: usize| (0..count).map(|n| (format!("c{n}"), text())).collect::<Value>();
        assert!(types(&[many(16)]).is_ok());
        assert!(types(&[many(17)]).is_err());
    }

    #[test]
    fn a_claim_is_what_is_declared_or_not_there() {
        let read = |kind: &str, value: Value| {
            let claim: PolicyClaim =
                serde_json::from_value(json!({ "type": kind, "claim": "org.unit" })).unwrap();
            claim.read("unit", &Claims::new(json!({ "org": { "unit": value } }))).map_err(drop)
        };
        let texts = |texts: &[&str]| {
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            Ok(Some(ClaimValue::Texts(texts)))
        };
        assert_eq!(read("text", json!("a b")), Ok(Some(ClaimValue::Text("a b".into()))));
        assert_eq!(read("texts", json!("a b")), texts(&["a", "b"]));
        assert_eq!(read("texts", json!(["a b"])), texts(&["a b"]));
        assert_eq!(read("number", json!(i64::MAX)), Ok(Some(ClaimValue::Number(i64::MAX))));
        assert_eq!(read("boolean", json!(false)), Ok(Some(ClaimValue::Boolean(false))));
        for (kind, value) in [
            ("text", json!(7)),
            ("text", json!(["a"])),
            ("text", Value::Null),
            ("text", json!("x".repeat(1025))),
            ("texts", json!([7])),
            ("texts", json!(vec!["x"; 257])),
            ("texts", json!(["x".repeat(1025)])),
            ("number", json!("7")),
            ("number", json!(1.5)),
            ("number", json!(u64::MAX)),
            ("boolean", json!("true")),
            ("boolean", json!(1)),
        ] {
            assert_eq!(read(kind, value.clone()), Err(()), "{kind} {value}");
        }
        assert!(read("text", json!("x".repeat(1024))).is_ok());
        let claim: PolicyClaim = serde_json::from_value(json!({ "type": "text" })).unwrap();
        assert_eq!(claim.read("unit", &Claims::new(json!({}))).unwrap(), None);
    }
}
