//! Tokens that must not pass, and what the exchange must not be fooled by. Keys are served by a
//! small HTTP server of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::Code;
use crate::token_exchange::{TokenExchangeConfig, TokenExchanger};

const NOW: i64 = 1_800_000_000;

struct Idp {
    url: String,
    signing: EncodingKey,
    point: Vec<u8>,
    key_requests: Arc<AtomicUsize>,
    exchanged: Arc<std::sync::Mutex<(u16, String)>>,
}

/// Answers every request for discovery, keys or an exchange with canned text.
async fn idp() -> Idp {
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let coordinate = |range| Base64UrlUnpadded::encode_string(&point[range]);
    let keys = json!({ "keys": [
        { "kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256" },
        { "kty": "unknown", "kid": "odd" },
        { "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
          "x": coordinate(1..33), "y": coordinate(33..65) }
    ] });
    let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/jwks") });
    let key_requests = Arc::new(AtomicUsize::new(0));
    let exchanged = Arc::new(std::sync::Mutex::new((400, String::new())));
    let (count, answer) = (key_requests.clone(), exchanged.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65_536];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let (status, body) = if request.starts_with("GET /jwks") {
                count.fetch_add(1, Ordering::SeqCst);
                (200, keys.to_string())
            } else if request.starts_with("GET /.well-known/") {
                (200, discovery.to_string())
            } else {
                answer.lock().unwrap().clone()
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).await.unwrap();
        }
    });
    Idp { url, signing: EncodingKey::from_ec_der(pkcs8.as_ref()), point, key_requests, exchanged }
}

impl Idp {
    fn claims(&self) -> Value {
        json!({
            "iss": self.url, "sub": "a1b2", "aud": ["contextflow", "mcp-oauth"],
            "azp": "contextflow", "exp": NOW + 300, "iat": NOW, "legacy_name": "NOT_FROM_HERE"
        })
    }

    fn exchanged_claims(&self) -> Value {
        json!({
            "iss": self.url, "sub": "a1b2", "aud": "mcp-oauth", "azp": "mcp-oauth",
            "exp": NOW + 300, "iat": NOW, "legacy_name": "ALICE_ADMIN",
            "realm_access": { "roles": ["staff", "admin"] }, "scope": "openid profile"
        })
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_with(claims, |_| {})
    }

    fn sign_with(&self, claims: &Value, change: impl Fn(&mut Header)) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k1".into());
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap()
    }

    fn verifier(&self) -> Verifier {
        self.verifier_with(json!({ "roles": "realm_access.roles" }))
    }

    fn verifier_with(&self, claim_mappings: Value) -> Verifier {
        let config = json!({
            "issuer": self.url, "audience": "mcp-oauth", "algorithms": ["ES256", "RS256"],
            "claimMappings": claim_mappings
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Verifier::new(vec![serde_json::from_value(config).unwrap()], http).unwrap()
    }

    fn exchanger(&self, verifier: &Verifier) -> TokenExchanger {
        let config: TokenExchangeConfig = serde_json::from_value(json!({
            "tokenEndpoint": format!("{}/token", self.url), "clientId": "mcp-oauth",
            "clientSecret": "s3cret", "audience": "mcp-oauth", "cache": { "enabled": false }
        }))
        .unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        TokenExchanger::new(config, verifier, http).unwrap()
    }

    /// Exchanges a good caller's token against this answer.
    async fn exchange(&self, status: u16, answer: Value) -> Result<Subject, crate::Failure> {
        self.exchange_with(self.verifier(), status, answer).await
    }

    async fn exchange_with(
        &self,
        verifier: Verifier,
        status: u16,
        answer: Value,
    ) -> Result<Subject, crate::Failure> {
        let caller =
            verifier.verify(BearerToken::new(self.sign(&self.claims())), NOW).await.unwrap();
        *self.exchanged.lock().unwrap() = (status, answer.to_string());
        self.exchanger(&verifier).exchange(&caller, NOW).await
    }

    async fn exchange_for(&self, claims: &Value) -> Result<Subject, crate::Failure> {
        self.exchange(200, self.answer(claims)).await
    }

    fn answer(&self, claims: &Value) -> Value {
        json!({
            "access_token": self.sign(claims), "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"
        })
    }
}

fn with(claims: &Value, claim: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
        value => claims[claim] = value,
    }
    claims
}

async fn refusal(idp: &Idp, token: String) -> &'static str {
    match idp.verifier().verify(BearerToken::new(token), NOW).await.unwrap_err() {
        AuthenticationError::Unauthorized(reason) => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_good_token_names_its_caller() {
    let idp = idp().await;
    let token = idp.sign(&idp.claims());
    let caller = idp.verifier().verify(BearerToken::new(token.clone()), NOW).await.unwrap();
    assert_eq!((caller.issuer(), caller.subject()), (&idp.url[..], "a1b2"));
    assert_eq!(caller.client_id(), Some("contextflow"));
    assert!(!format!("{caller:?}").contains(&token[..20]), "no token in Debug");
}

#[tokio::test]
async fn claims_that_do_not_hold_are_refused() {
    let idp = idp().await;
    let good = idp.claims();
    for (claim, value, reason) in [
        ("exp", json!(NOW - 60), "the token has expired"),
        ("exp", Value::Null, "the token has no expiry"),
        ("exp", json!("soon"), "a time in the token is not a number"),
        ("nbf", json!(NOW + 61), "the token is not valid yet"),
        ("iat", json!(NOW + 61), "the token was issued in the future"),
        ("aud", json!("contextflow"), "the token is for another audience"),
        ("aud", json!(["a", 7]), "the token is for another audience"),
        ("aud", Value::Null, "the token is for another audience"),
        ("iss", json!("https://evil.example"), "the token is of an issuer that is not trusted"),
        ("sub", Value::Null, "the token has no subject"),
        ("sub", json!(""), "the token has no subject"),
        ("cnf", json!({}), "the token is bound to a key and no bearer token"),
    ] {
        let token = idp.sign(&with(&good, claim, value.clone()));
        assert_eq!(refusal(&idp, token).await, reason, "{claim} = {value}");
    }
    // One second inside of the tolerance each passes.
    for (claim, value) in [("exp", NOW - 59), ("nbf", NOW + 60), ("iat", NOW + 60)] {
        let token = idp.sign(&with(&good, claim, json!(value)));
        assert!(idp.verifier().verify(BearerToken::new(token), NOW).await.is_ok(), "{claim}");
    }
}

#[tokio::test]
async fn signatures_that_prove_nothing_are_refused() {
    let idp = idp().await;
    let good = idp.claims();
    let token = idp.sign(&good);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let payload = message.split_once('.').unwrap().1;
    let header = |header: Value| {
        format!("{}.{payload}", Base64UrlUnpadded::encode_string(header.to_string().as_bytes()))
    };
    let hs256 = |secret: &[u8], kid: &str| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(kid.into());
        jsonwebtoken::encode(&header, &good, &EncodingKey::from_secret(secret)).unwrap()
    };
    const ALGORITHM: &str = "the token's signature algorithm is not accepted";
    const UNKNOWN_KEY: &str = "the token is signed with a key that its issuer does not list";
    for (what, token, reason) in [
        ("alg none", format!("{}.", header(json!({ "alg": "none" }))), ALGORITHM),
        ("the public key as a secret", hs256(&idp.point, "k1"), ALGORITHM),
        ("a listed symmetric key", hs256(b"secret", "secret"), ALGORITHM),
        ("an unknown key", idp.sign_with(&good, |h| h.kid = Some("k2".into())), UNKNOWN_KEY),
        (
            "another algorithm's key",
            format!("{}.{signature}", header(json!({ "alg": "RS256", "kid": "k1" }))),
            UNKNOWN_KEY,
        ),
        ("no signature", format!("{message}."), "the token's signature is wrong"),
        (
            "a key of its own",
            format!("{}.{signature}", header(json!({ "alg": "ES256", "jwk": {} }))),
            "the token brings a key of its own",
        ),
        (
            "a key's address",
            format!(
                "{}.{signature}",
                header(json!({ "alg": "ES256", "jku": "https://evil.example" }))
            ),
            "the token brings a key of its own",
        ),
        (
            "crit",
            format!("{}.{signature}", header(json!({ "alg": "ES256", "crit": ["x"] }))),
            "the token asks for an extension that is not supported",
        ),
        (
            "a logout token",
            idp.sign_with(&good, |h| h.typ = Some("logout+jwt".into())),
            "the token is not an access token",
        ),
        ("garbage", "garbage".into(), "the token is malformed"),
        ("five parts", "a.b.c.d.e".into(), "the token is malformed"),
        ("too long", "x".repeat(16 * 1024 + 1), "the token is too long"),
    ] {
        assert_eq!(refusal(&idp, token).await, reason, "{what}");
    }
    let at_jwt = idp.sign_with(&good, |h| h.typ = Some("at+jwt".into()));
    assert!(idp.verifier().verify(BearerToken::new(at_jwt), NOW).await.is_ok());
}

#[tokio::test]
async fn keys_are_fetched_once_and_strangers_cannot_cause_more() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let good = BearerToken::new(idp.sign(&idp.claims()));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (verifier, good) = (verifier.clone(), good.clone());
        all.spawn(async move { verifier.verify(good, NOW).await.map(drop) });
    }
    while let Some(result) = all.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(idp.key_requests.load(Ordering::SeqCst), 1);
    for number in 0..5 {
        let token = idp.sign_with(&idp.claims(), |h| h.kid = Some(format!("k{number}x")));
        assert!(verifier.verify(BearerToken::new(token), NOW).await.is_err());
    }
    assert_eq!(idp.key_requests.load(Ordering::SeqCst), 1, "within the cooldown");
}

#[tokio::test]
async fn without_keys_nothing_is_said_of_a_token() {
    let idp = idp().await;
    let config = json!({
        "issuer": idp.url, "audience": "mcp-oauth", "jwksUri": "http://127.0.0.1:1/jwks",
        "algorithms": ["ES256"]
    });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let verifier = Verifier::new(vec![serde_json::from_value(config).unwrap()], http).unwrap();
    let token = BearerToken::new(idp.sign(&idp.claims()));
    let error = verifier.verify(token, NOW).await.unwrap_err();
    assert_eq!(error, AuthenticationError::KeysUnavailable);
}

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
    let mapped = || idp.verifier_with(json!({ "sid": "object_sid" }));
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

#[test]
fn settings_that_would_let_anybody_in_are_refused() {
    let http = || reqwest::Client::builder().no_proxy().build().unwrap();
    let check = |change: Value| {
        let mut config = json!({ "issuer": "https://idp.example", "audience": "mcp-oauth" });
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Verifier::new(vec![serde_json::from_value(config).unwrap()], http())
            .map(drop)
            .map_err(|error| error.setting)
    };
    assert_eq!(check(json!({})), Ok(()));
    for (change, setting) in [
        (json!({ "issuer": "http://idp.example" }), "issuer"),
        (json!({ "jwksUri": "http://idp.example/jwks" }), "jwksUri"),
        (json!({ "discoveryUrl": "ftp://idp.example" }), "discoveryUrl"),
        (json!({ "algorithms": ["HS256"] }), "algorithms"),
        (json!({ "algorithms": [] }), "algorithms"),
        (json!({ "audience": [] }), "audience"),
        (json!({ "claimMappings": { "sid": "sid" } }), "claimMappings.sid"),
        (json!({ "security": { "clockTolerance": 301 } }), "security.clockTolerance"),
    ] {
        assert_eq!(check(change), Err(format!("auth.trustedIDPs[0].{setting}")));
    }
    assert_eq!(check(json!({ "issuer": "http://localhost:8080" })), Ok(()));
}
