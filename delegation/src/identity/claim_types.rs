use std::collections::BTreeMap;

use super::TrustedIdp;
use super::policy_claims::{ClaimType, PolicyClaim};
use crate::ConfigError;

/// Of one issuer.
const MAX_CLAIMS: usize = 16;
const MAX_NAME: usize = 64;
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
    use serde_json::{Value, json};

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
}
