//! What the exchange must not be fooled by.

use super::*;
use crate::{Blame, Code};

#[tokio::test]
async fn the_account_is_read_from_the_exchanged_token_only() {
    let idp = idp().await;
    let subject = idp.exchange_for(&idp.exchanged_claims()).await.unwrap();
    assert_eq!(subject.legacy_name().as_str(), "ALICE_ADMIN");
    assert_eq!(subject.roles(), ["staff", "admin"]);
    assert_eq!(subject.scopes(), ["openid", "profile"]);
    assert_eq!(subject.client_id(), Some("contextflow"), "the caller's");
}

#[tokio::test]
async fn an_exchanged_token_is_verified_like_any_other() {
    let idp = idp().await;
    let good = idp.exchanged_claims();
    for (claim, value, code) in [
        ("sub", json!("somebody-else"), Code::ExchangedTokenRefused),
        ("iss", json!("https://evil.example"), Code::ExchangedTokenRefused),
        ("aud", json!("another-server"), Code::ExchangedTokenRefused),
        ("exp", json!(NOW - 61), Code::ExchangedTokenRefused),
        ("azp", json!("another-client"), Code::ExchangedTokenRefused),
        ("legacy_name", Value::Null, Code::LegacyNameRefused),
        ("legacy_name", json!("alice@w25ad.net"), Code::LegacyNameRefused),
        ("legacy_name", json!(["ALICE_ADMIN"]), Code::LegacyNameRefused),
    ] {
        let failure = idp.exchange_for(&with(&good, claim, value.clone())).await.unwrap_err();
        assert_eq!(failure.code, code, "{claim} = {value}: {failure}");
        assert!(!failure.remedy.is_empty());
    }
}

#[tokio::test]
async fn a_configured_sid_claim_must_be_there() {
    let idp = idp().await;
    let mapped = || idp.verifier_with(json!({ "claimMappings": { "sid": "object_sid" } }));
    let good = idp.exchanged_claims();
    let without = idp.exchange_with(mapped(), 200, idp.answer(&good)).await.unwrap_err();
    assert_eq!(without.code, Code::ExchangedTokenRefused);
    assert!(without.message.contains("object_sid"), "{without}");
    let claims = with(&good, "object_sid", json!("S-1-5-21-1-2-3-1103"));
    let subject = idp.exchange_with(mapped(), 200, idp.answer(&claims)).await.unwrap();
    assert_eq!(subject.sid().unwrap().to_string(), "S-1-5-21-1-2-3-1103");
    // As Keycloak's LDAP mapper gives a binary attribute.
    let octets = json!("AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAATwQAAA==");
    let claims = idp.answer(&with(&good, "object_sid", octets));
    let subject = idp.exchange_with(mapped(), 200, claims).await.unwrap();
    assert_eq!(subject.sid().unwrap().to_string(), "S-1-5-21-1-2-3-1103");
    for no_sid in [json!(""), json!("alice"), json!("S-1-"), json!("AQUA"), json!(1103), json!([])]
    {
        let claims = idp.answer(&with(&good, "object_sid", no_sid.clone()));
        let failure = idp.exchange_with(mapped(), 200, claims).await.unwrap_err();
        assert_eq!(failure.code, Code::ExchangedTokenRefused, "{no_sid}");
    }
    let claims = with(&good, "object_sid", json!("S-1-5-21-1-2-3-1103"));
    assert_eq!(idp.exchange_for(&claims).await.unwrap().sid(), None, "only where configured");
}

#[tokio::test]
async fn where_users_of_the_directory_are_told_apart_nobody_else_is_served() {
    let idp = idp().await;
    let mapped = || idp.verifier_with(json!({ "claimMappings": { "directoryId": "ldap_id" } }));
    let good = idp.exchanged_claims();
    for (value, is_one) in [
        (Value::Null, false),
        (json!(""), false),
        (json!(["x"]), false),
        (json!("5b5dbdff-0f5a-4d2c-8d4c-7a4a2f1f9d10"), true),
    ] {
        let answer = idp.answer(&with(&good, "ldap_id", value.clone()));
        let subject = idp.exchange_with(mapped(), 200, answer).await;
        assert_eq!(subject.is_ok(), is_one, "{value}");
        if let Err(failure) = subject {
            assert_eq!(failure.code, Code::ExchangedTokenRefused);
            assert!(failure.remedy.contains("claimMappings.directoryId"), "{failure}");
        }
    }
}

#[tokio::test]
async fn roles_and_permissions_are_read_from_the_exchanged_token_and_mapped() {
    let idp = idp().await;
    let change = json!({
        "claimMappings": { "roles": "realm_access.roles" },
        "roleMappings": {
            "roles": { "reader": ["staff"], "owner": ["admin"] }, "rejectUnmappedRoles": true
        }
    });
    let exchange = async |claims: &Value| {
        idp.exchange_with(idp.verifier_with(change.clone()), 200, idp.answer(claims)).await
    };
    let good = with(&idp.exchanged_claims(), "permissions", json!(["sql:read", "sql:write"]));
    let subject = exchange(&good).await.unwrap();
    assert_eq!(subject.roles(), ["owner", "reader"]);
    assert_eq!(subject.permissions(), ["sql:read", "sql:write"]);
    assert_eq!(exchange(&idp.exchanged_claims()).await.unwrap().permissions(), [""; 0]);
    let unmapped = with(&good, "realm_access", json!({ "roles": ["owner"] }));
    let failure = exchange(&unmapped).await.unwrap_err();
    assert_eq!(failure.code, Code::PolicyDenied, "{failure:?}");
    assert!(failure.message.contains("only such as owner"), "{failure}");
    for (claim, value) in [
        ("realm_access", json!({ "roles": 7 })),
        ("realm_access", json!({ "roles": ["staff", 7] })),
        ("scope", json!([["openid"]])),
        ("permissions", json!({ "sql:read": true })),
        ("permissions", Value::Bool(true)),
    ] {
        let failure = exchange(&with(&good, claim, value.clone())).await.unwrap_err();
        assert_eq!(failure.code, Code::ExchangedTokenRefused, "{claim} = {value}");
    }
}

#[tokio::test]
async fn an_identity_provider_that_refuses_is_quoted() {
    let idp = idp().await;
    let answer = json!({
        "error": "invalid_request",
        "error_description": "Requested audience not available: mcp-oauth\u{7}"
    });
    let failure = idp.exchange(400, answer).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenExchangeFailed);
    assert!(failure.message.contains("Requested audience not available: mcp-oauth"));
    assert!(!failure.message.contains('\u{7}'));
    assert!(failure.remedy.contains("audience mapper for mcp-oauth"), "{}", failure.remedy);
    // What a reader says of a text that is in its way has the text in it, and that may be a token.
    let misplaced = json!({ "access_token": { "value": "s3cret" }, "token_type": "s3cret" });
    for answer in [json!({}), json!({ "access_token": "x" }), json!([]), json!("s3cret"), misplaced]
    {
        let failure = idp.exchange(200, answer).await.unwrap_err();
        assert_eq!(failure.code, Code::TokenExchangeFailed);
        assert_eq!(failure.blame, Blame::Configuration);
        assert!(
            failure.cause.is_some() && !format!("{failure:?}").contains("s3cret"),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn only_a_bearer_access_token_is_taken_whatever_it_is_called() {
    const TYPE: &str = "urn:ietf:params:oauth:token-type:";
    let idp = idp().await;
    let answer = async |issued: &str, token_type: &str, claims: &Value| {
        let mut answer = idp.answer(claims);
        answer["issued_token_type"] = json!(format!("{TYPE}{issued}"));
        answer["token_type"] = json!(token_type);
        idp.exchange(200, answer).await.map(drop).map_err(|failure| failure.code)
    };
    let good = idp.exchanged_claims();
    for (issued, token_type) in [("access_token", "Bearer"), ("jwt", "bearer")] {
        assert_eq!(answer(issued, token_type, &good).await, Ok(()), "{issued}");
    }
    let refused = Err(Code::ExchangedTokenRefused);
    for (issued, token_type) in [
        ("access_token", "N_A"),
        ("access_token", "DPoP"),
        ("id_token", "N_A"),
        ("id_token", "Bearer"),
        ("refresh_token", "Bearer"),
        ("saml2", "Bearer"),
        ("", "Bearer"),
    ] {
        assert_eq!(answer(issued, token_type, &good).await, refused, "{issued} {token_type}");
    }
    // Keycloak's ID token has the same key and audience; one claim tells.
    let id_token = with(&good, "typ", json!("ID"));
    assert_eq!(answer("access_token", "Bearer", &id_token).await, refused);
    let access_token = with(&good, "typ", json!("Bearer"));
    assert_eq!(answer("access_token", "Bearer", &access_token).await, Ok(()));
}

#[tokio::test]
async fn a_token_is_judged_by_the_time_when_it_is_there() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let caller = verifier.verify(idp.token()).await.unwrap();
    let exchanger = idp.exchanger(&verifier);
    // The exchange takes 100 seconds; what is issued at its end is not from the future.
    idp.served().seconds_to_answer = 100;
    let at = |time: i64| {
        let claims = with(&idp.exchanged_claims(), "iat", json!(time));
        let claims = with(&claims, "nbf", json!(time));
        Some((200, idp.answer(&with(&claims, "exp", json!(time + 20))).to_string()))
    };
    idp.served().exchanged = at(NOW + 100);
    assert!(exchanger.exchange(&caller, None, 0, None).await.is_ok());
    // And what has ended meanwhile has ended.
    idp.served().exchanged = at(NOW + 100);
    let failure = exchanger.exchange(&caller, None, 0, None).await.unwrap_err();
    assert!(failure.message.contains("expired"), "{failure}");
    assert!(failure.remedy.contains("clock"), "{failure:?}");
    assert!(!failure.remedy.contains("aud"), "{failure:?}");
    // The same for the caller's token while keys are fetched.
    idp.clock.set(NOW);
    let expiring = with(&idp.claims(), "exp", json!(NOW + 30));
    assert_eq!(refusal(&idp, idp.sign(&expiring)).await, "the token has expired");
}

#[tokio::test]
async fn what_is_wrong_with_an_exchanged_token_is_answered_with_the_advice_for_it() {
    let idp = idp().await;
    let good = idp.exchanged_claims();
    for (claim, value, advice) in [
        ("aud", json!("another-server"), "audience mcp-oauth"),
        ("iss", json!("https://evil.example"), "`iss`"),
        ("nbf", json!(NOW + 1000), "clock"),
        ("typ", json!("Refresh"), "access tokens"),
        ("legacy_name", Value::Null, "sAMAccountName"),
        ("legacy_name", json!("a@b"), "sAMAccountName"),
    ] {
        let failure = idp.exchange_for(&with(&good, claim, value)).await.unwrap_err();
        assert!(failure.remedy.contains(advice), "{claim}: {failure:?}");
        assert_eq!(failure.remedy.contains("audience"), claim == "aud", "{claim}: {failure:?}");
    }
    let failure = idp.exchange_for(&with(&good, "legacy_name", Value::Null)).await.unwrap_err();
    assert!(failure.message.contains("the user has no account"), "{failure}");
    assert!(!format!("{failure:?}").contains("aud"), "{failure:?}");
}

#[tokio::test]
async fn an_exchanged_token_may_name_no_client_but_not_another() {
    let idp = idp().await;
    let none = with(&idp.exchanged_claims(), "azp", Value::Null);
    assert!(idp.exchange_for(&none).await.is_ok());
    let named = with(&none, "client_id", json!("mcp-oauth"));
    assert!(idp.exchange_for(&named).await.is_ok());
    for claims in [
        with(&none, "client_id", json!("another")),
        with(&idp.exchanged_claims(), "client_id", json!("another")),
        with(&none, "client_id", json!(7)),
    ] {
        let failure = idp.exchange_for(&claims).await.unwrap_err();
        assert_eq!(failure.code, Code::ExchangedTokenRefused, "{claims}");
    }
}

#[tokio::test]
async fn an_identity_provider_that_is_silent_is_given_up_in_time() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let caller = verifier.verify(idp.token()).await.unwrap();
    idp.served().silent = true;
    tokio::time::pause();
    let failure = idp.exchanger(&verifier).exchange(&caller, None, 0, None).await.unwrap_err();
    assert_eq!(failure.code, Code::IdentityProviderUnreachable);
    assert!(failure.message.contains("in time"), "{failure}");
}

#[tokio::test]
async fn the_request_is_the_form_that_rfc_8693_asks_for() {
    let idp = idp().await;
    idp.exchange_for(&idp.exchanged_claims()).await.unwrap();
    let request = idp.served().exchange_request.clone();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).unwrap().1.clone();
    assert_eq!(field("client_secret"), "s3cret+&");
    assert_eq!(field("grant_type"), "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(field("subject_token_type"), "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!(field("subject_token").split('.').count(), 3);
    assert_eq!(fields.len(), 7);
}

#[tokio::test]
async fn a_subject_that_is_a_name_is_nobody_unless_the_operator_says_so() {
    let idp = idp().await;
    let subject = "f:2f0d4a53-6b1e-4d9e-9d8a-000000000000:alice";
    let token = BearerToken::new(idp.sign(&with(&idp.claims(), "sub", json!(subject))));
    let exchange = async |change: Value| {
        let verifier = idp.verifier_with(change);
        let caller = verifier.verify(token.clone()).await.unwrap();
        idp.exchanger(&verifier).exchange(&caller, None, 0, None).await
    };
    let failure = exchange(json!({})).await.unwrap_err();
    assert_eq!(failure.code, Code::ExchangedTokenRefused);
    assert!(failure.remedy.contains("Import users"), "{failure:?}");
    let danger = json!({ "security": { "dangerNamesAsSubjects": true } });
    assert_eq!(exchange(danger).await.unwrap().subject(), subject);
}
