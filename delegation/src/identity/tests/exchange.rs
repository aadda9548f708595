//! What the exchange must not be fooled by.

use super::*;
use crate::Code;

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
    assert_eq!(subject.sid(), Some("S-1-5-21-1-2-3-1103"));
    assert_eq!(idp.exchange_for(&claims).await.unwrap().sid(), None, "only where configured");
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
    assert!(failure.remedy.contains("audience mcp-oauth"), "{}", failure.remedy);
    for answer in [json!({}), json!({ "access_token": "x" }), json!([])] {
        let failure = idp.exchange(200, answer).await.unwrap_err();
        assert_eq!(failure.code, Code::TokenExchangeFailed);
    }
    let not_bearer = json!({
        "access_token": idp.sign(&idp.exchanged_claims()), "token_type": "N_A",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"
    });
    assert!(idp.exchange(200, not_bearer).await.is_err());
}
