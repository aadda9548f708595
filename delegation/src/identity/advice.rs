//! What an issuer's settings, and its own discovery document, leave to be wished for. None of it keeps
//! the server from starting.

use std::sync::Arc;

use serde_json::Value;

use super::config::TrustedIdp;
use super::jwks::Jwks;
use super::keys::Source;
use crate::network::Fetch;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Issuers whose `sub` is another one for each application.
const ENTRA: [&str; 3] =
    ["login.microsoftonline.com", "login.microsoftonline.us", "sts.windows.net"];

impl TrustedIdp {
    /// What the settings lack, a sentence each.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        let mut say = |when: bool, what: &str| when.then(|| advice.push(what.to_owned()));
        let (mappings, security) = (&self.claim_mappings, &self.security);
        say(
            mappings.sid.is_none(),
            "claimMappings.sid is not given: whose account a name is, is known from the first sight \
             on only; map the account's objectSid to a claim (docs/keycloak.md)",
        );
        say(
            self.may_assert.is_none(),
            "mayAssert is not given: the issuer may name every account; \
             {\"realms\": [\"REALM\"]} says that it is meant",
        );
        say(
            security.danger_names_as_subjects,
            "security.dangerNamesAsSubjects is on: who gets somebody's name is that person",
        );
        say(
            security.danger_user_editable_claims,
            "security.dangerUserEditableClaims is on: users may be whom they please",
        );
        let host = url::Url::parse(&self.issuer).ok();
        let host = host.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
        say(
            ENTRA.contains(&host) && mappings.user_id.0 == ["sub"],
            "claimMappings.userId is `sub`, which is another one for each application of Entra; \
             [\"tid\", \"oid\"] stay",
        );
        advice
    }

    /// Asks the issuer, and says what its discovery document and its keys lack for this server, which
    /// exchanges tokens at `token_endpoint`, if that is known. An issuer that does not answer lacks that.
    pub async fn lacks(&self, fetch: &Arc<dyn Fetch>, token_endpoint: Option<&str>) -> Vec<String> {
        let mut lacks = Vec::new();
        let jwks = Jwks::new(self, fetch.clone());
        match jwks.discovery().await {
            Err(error) => lacks.push(error),
            Ok(document) => self.look_at(&document, token_endpoint, &mut lacks),
        }
        match jwks.fetch().await {
            Err(error) => lacks.push(error),
            Ok(keys) => {
                let mut algorithms = self.algorithms.iter();
                if !algorithms.any(|algorithm| keys.set.fitting(None, *algorithm).next().is_some())
                {
                    lacks.push("it lists no key for any of the configured algorithms".into());
                }
            }
        }
        lacks.sort();
        lacks.dedup();
        lacks
    }

    fn look_at(&self, document: &Value, token_endpoint: Option<&str>, lacks: &mut Vec<String>) {
        let text = |name: &str| document[name].as_str().unwrap_or_default();
        let lists = |name: &str, value: &str| {
            let list = document[name].as_array();
            list.map(|list| list.iter().any(|one| one == value))
        };
        if text("issuer") != self.issuer {
            lacks
                .push(format!("its discovery document is of another issuer, {:?}", text("issuer")));
        }
        if token_endpoint.is_some_and(|endpoint| text("token_endpoint") != endpoint) {
            lacks.push(format!(
                "its token endpoint is {:?}, and tokenExchange.tokenEndpoint another one",
                text("token_endpoint")
            ));
        }
        if lists("grant_types_supported", TOKEN_EXCHANGE) == Some(false) {
            lacks.push("it lists no token exchange (RFC 8693) among its grants".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn idp(change: &Value) -> TrustedIdp {
        let mut config = json!({ "issuer": "https://idp.example", "audience": "mcp-oauth" });
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn what_is_not_configured_is_named_and_nothing_else() {
        let good = || {
            json!({
                "claimMappings": { "sid": "object_sid" }, "mayAssert": { "realms": ["R"] }
            })
        };
        assert_eq!(idp(&good()).advice(), [""; 0]);
        let with = |section: &str, setting: &str, value: Value| {
            let mut config = good();
            config[section][setting] = value;
            idp(&config).advice()
        };
        for (advice, names) in [
            (with("claimMappings", "sid", Value::Null), "claimMappings.sid"),
            (with("security", "dangerNamesAsSubjects", true.into()), "dangerNamesAsSubjects"),
            (with("security", "dangerUserEditableClaims", true.into()), "dangerUserEditableClaims"),
        ] {
            assert!(advice.len() == 1 && advice[0].contains(names), "{advice:?}");
        }
        let mut entra = good();
        entra["issuer"] = "https://login.microsoftonline.com/t/v2.0".into();
        assert!(idp(&entra).advice()[0].contains("userId"));
        entra["claimMappings"]["userId"] = json!(["tid", "oid"]);
        assert_eq!(idp(&entra).advice(), [""; 0]);
        assert_eq!(idp(&json!({})).advice().len(), 2);
    }

    #[test]
    fn what_a_discovery_document_lacks_is_named() {
        let lacks = |change: &Value| {
            let mut document = json!({
                "issuer": "https://idp.example", "token_endpoint": "https://idp.example/token",
                "grant_types_supported": ["password", TOKEN_EXCHANGE]
            });
            document.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let mut lacks = Vec::new();
            idp(&json!({})).look_at(&document, Some("https://idp.example/token"), &mut lacks);
            lacks
        };
        assert_eq!(lacks(&json!({})), [""; 0]);
        assert_eq!(lacks(&json!({ "grant_types_supported": null })), [""; 0], "it need not say");
        for (change, names) in [
            (json!({ "issuer": "https://other.example" }), "another issuer"),
            (json!({ "issuer": 7 }), "another issuer"),
            (json!({ "token_endpoint": "https://idp.example/oauth" }), "tokenEndpoint"),
            (json!({ "grant_types_supported": ["password"] }), "RFC 8693"),
        ] {
            let lacks = lacks(&change);
            assert!(lacks.len() == 1 && lacks[0].contains(names), "{lacks:?}");
        }
    }
}
