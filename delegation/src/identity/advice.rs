//! What an issuer's settings, and its own discovery document, leave to be wished for. None of it keeps
//! the server from starting.

use std::sync::Arc;

use serde_json::Value;

use super::config::TrustedIdp;
use super::jwks::Jwks;
use crate::network::Fetch;
use crate::token_exchange::{Grant, TokenExchangeConfig};

/// Issuers whose `sub` is another one for each application.
const ENTRA: [&str; 3] =
    ["login.microsoftonline.com", "login.microsoftonline.us", "sts.windows.net"];

/// What issuers of Keycloak have behind its address.
const KEYCLOAK: &str = "/realms/";

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
            mappings.directory_id.is_none() && self.issuer.contains(KEYCLOAK),
            "claimMappings.directoryId is not given: users of Keycloak's own, whose attributes fill the same \
             claims, are taken for users of the directory; map LDAP_ID to a claim (docs/keycloak.md)",
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
    /// exchanges tokens by these settings, if it does. An issuer that does not answer lacks that.
    pub async fn lacks(
        &self,
        fetch: &Arc<dyn Fetch>,
        exchange: Option<&TokenExchangeConfig>,
    ) -> Vec<String> {
        let mut lacks = Vec::new();
        let jwks = Jwks::new(self, fetch.clone());
        let document = jwks.discovery().await.unwrap_or_else(|error| {
            lacks.push(error);
            Value::Null
        });
        if !document.is_null() {
            self.look_at(&document, exchange, &mut lacks);
        }
        match jwks.listed_by(&document).await {
            // Of what was not got it is said already.
            Err(_) if document.is_null() && self.jwks_uri.is_none() => {}
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

    fn look_at(
        &self,
        document: &Value,
        exchange: Option<&TokenExchangeConfig>,
        lacks: &mut Vec<String>,
    ) {
        let text = |name: &str| document[name].as_str().unwrap_or_default();
        let lists = |name: &str, value: &str| {
            let list = document[name].as_array();
            list.map(|list| list.iter().any(|one| one == value))
        };
        if text("issuer") != self.issuer {
            lacks
                .push(format!("its discovery document is of another issuer, {:?}", text("issuer")));
        }
        let Some(exchange) = exchange else { return };
        if text("token_endpoint") != exchange.token_endpoint {
            lacks.push(format!(
                "its token endpoint is {:?}, and tokenExchange.tokenEndpoint another one",
                text("token_endpoint")
            ));
        }
        if lists("grant_types_supported", exchange.grant.urn()) == Some(false) {
            lacks.push(match exchange.grant {
                Grant::TokenExchange => {
                    "it lists no token exchange (RFC 8693) among its grants".into()
                }
                Grant::JwtBearer => {
                    "it lists no jwt-bearer (RFC 7523), as tokenExchange.grant is, among its grants"
                        .into()
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use hyper::body::Bytes;
    use hyper::{Request, Response};
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::*;

    /// An issuer that writes down what it is asked.
    #[derive(Default)]
    struct Issuer(Mutex<Vec<String>>);

    #[async_trait::async_trait]
    impl Fetch for Issuer {
        async fn fetch(
            &self,
            request: Request<Bytes>,
            _: usize,
        ) -> Result<Response<Zeroizing<Vec<u8>>>, String> {
            let path = request.uri().path().to_owned();
            let answer = match path.as_str() {
                "/keys" => json!({ "keys": [] }),
                "/down/.well-known/openid-configuration" => return Err("it is down".into()),
                _ => json!({
                    "issuer": "https://idp.example", "jwks_uri": "https://idp.example/keys"
                }),
            };
            self.0.lock().unwrap().push(path);
            Ok(Response::new(Zeroizing::new(answer.to_string().into_bytes())))
        }
    }

    #[tokio::test]
    async fn an_issuer_is_asked_once_for_each_document() {
        let asked = |change: Value| async move {
            let issuer = Arc::new(Issuer::default());
            let fetch: Arc<dyn Fetch> = issuer.clone();
            let lacks = idp(&change).lacks(&fetch, None).await;
            let asked = issuer.0.lock().unwrap().clone();
            (asked, lacks)
        };
        let no_key = "it lists no key for any of the configured algorithms".to_owned();
        let discovery = "/.well-known/openid-configuration".to_owned();
        let both = vec![discovery, "/keys".to_owned()];
        assert_eq!(asked(json!({})).await, (both, vec![no_key.clone()]));
        let down = json!({ "issuer": "https://idp.example/down" });
        assert_eq!(asked(down).await, (vec![], vec!["it is down".to_owned()]));
        let down = json!({
            "issuer": "https://idp.example/down", "jwksUri": "https://idp.example/keys"
        });
        let lacks = vec!["it is down".to_owned(), no_key];
        assert_eq!(asked(down).await, (vec!["/keys".to_owned()], lacks));
    }

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
        let mut keycloak = good();
        keycloak["issuer"] = "https://keycloak.example/realms/corp".into();
        assert!(idp(&keycloak).advice()[0].contains("claimMappings.directoryId"));
        keycloak["claimMappings"]["directoryId"] = "ldap_id".into();
        assert_eq!(idp(&keycloak).advice(), [""; 0]);
        entra["claimMappings"]["userId"] = json!(["tid", "oid"]);
        assert_eq!(idp(&entra).advice(), [""; 0]);
        assert_eq!(idp(&json!({})).advice().len(), 2);
    }

    #[test]
    fn what_a_discovery_document_lacks_is_named() {
        let exchange = |grant: &str| {
            serde_json::from_value(json!({
                "tokenEndpoint": "https://idp.example/token", "clientId": "us",
                "audience": "us", "grant": grant
            }))
            .unwrap()
        };
        let lacks = |grant: &str, change: &Value| {
            let mut document = json!({
                "issuer": "https://idp.example", "token_endpoint": "https://idp.example/token",
                "grant_types_supported": ["password", Grant::TokenExchange.urn()]
            });
            document.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let mut lacks = Vec::new();
            idp(&json!({})).look_at(&document, Some(&exchange(grant)), &mut lacks);
            lacks
        };
        let jwt_bearer = json!({ "grant_types_supported": [Grant::JwtBearer.urn()] });
        assert_eq!(lacks("token-exchange", &json!({})), [""; 0]);
        assert_eq!(lacks("jwt-bearer", &jwt_bearer), [""; 0]);
        assert!(lacks("jwt-bearer", &json!({}))[0].contains("RFC 7523"));
        let silent = json!({ "grant_types_supported": null });
        assert_eq!(lacks("token-exchange", &silent), [""; 0], "it need not say");
        for (change, names) in [
            (json!({ "issuer": "https://other.example" }), "another issuer"),
            (json!({ "issuer": 7 }), "another issuer"),
            (json!({ "token_endpoint": "https://idp.example/oauth" }), "tokenEndpoint"),
            (json!({ "grant_types_supported": ["password"] }), "RFC 8693"),
        ] {
            let lacks = lacks("token-exchange", &change);
            assert!(lacks.len() == 1 && lacks[0].contains(names), "{lacks:?}");
        }
    }
}
