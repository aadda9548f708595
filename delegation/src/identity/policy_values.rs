use serde_json::Value;

use super::jwt::Claims;
use super::policy_claims::{ClaimType, ClaimValue, PolicyClaim};

/// In bytes, of a text or of one in a list.
const MAX_TEXT: usize = 1024;
/// In a list.
const MAX_TEXTS: usize = 256;

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
