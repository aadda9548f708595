//! How this server proves who it is, and what it asks for.

use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64ct::Base64;

use super::*;

const TYPE: &str = "urn:ietf:params:oauth:token-type:";

/// A file that goes with its value.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("exchange-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn pem(pkcs8: &[u8]) -> String {
    let text = Base64::encode_string(pkcs8);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn ec() -> (String, Vec<u8>) {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
    (pem(pkcs8.as_ref()), key.public_key().as_ref().to_vec())
}

fn rsa() -> (String, Vec<u8>) {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
    (pem(pkcs8.as_ref()), key.public_key().as_ref().to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_secret_goes_into_the_form_or_encoded_into_the_header() {
    let odd = json!({ "clientId": "us:+ü", "clientSecret": "p&s w%rd" });
    let one = Idp::new().one(odd.clone());
    let answer = one.idp.proper(URL, json!({ "azp": "us:+ü" }));
    let said = answer.clone();
    one.idp.answers(move |_| (200, said.clone()));
    one.exchange(&one.alice().await).await.unwrap();
    assert_eq!(one.idp.last().get("client_secret"), Some("p&s w%rd"));
    assert_eq!(one.idp.last().authorization, None);

    let mut basic = odd;
    basic["clientAuthentication"] = json!("client_secret_basic");
    let other = one.idp.one(basic);
    other.exchange(&other.alice().await).await.unwrap();
    let last = one.idp.last().clone();
    let header = last.authorization.clone().unwrap();
    let decoded = Base64::decode_vec(header.strip_prefix("Basic ").unwrap()).unwrap();
    // RFC 6749 section 2.3.1: encoded as in a form, joined, and only then base64.
    assert_eq!(String::from_utf8(decoded).unwrap(), "us%3A%2B%C3%BC:p%26s+w%25rd");
    assert_eq!((last.get("client_secret"), last.get("client_id")), (None, None));
}

#[tokio::test]
async fn a_key_signs_something_new_each_time_for_one_audience() {
    let cases: [(&str, _, &'static dyn VerificationAlgorithm); 3] = [
        ("ES256", ec(), &ECDSA_P256_SHA256_FIXED),
        ("PS256", rsa(), &RSA_PSS_2048_8192_SHA256),
        ("RS256", rsa(), &RSA_PKCS1_2048_8192_SHA256),
    ];
    for (algorithm, (pem, public), verify_by) in cases {
        let file = File::new(algorithm, &pem);
        let mut key = json!({ "file": file.path(), "algorithm": algorithm, "keyId": "k-1" });
        for audience in [None, Some(format!("{URL}/token"))] {
            key["audience"] = json!(audience);
            let mut settings =
                json!({ "clientAuthentication": "private_key_jwt", "clientKey": key });
            settings["clientSecret"] = Value::Null;
            let one = Idp::new().one(settings);
            one.idp.answers_properly();
            let alice = one.alice().await;
            let mut seen = Vec::new();
            for _ in 0..2 {
                one.exchange(&alice).await.unwrap();
                let last = one.idp.last().clone();
                assert_eq!(last.get("client_secret"), None);
                assert_eq!(last.get("client_id"), Some("us"));
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                assert_eq!(last.get("client_assertion_type"), Some(kind));
                let assertion = last.get("client_assertion").unwrap().to_owned();
                let (message, signature) = assertion.rsplit_once('.').unwrap();
                let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
                let public = UnparsedPublicKey::new(verify_by, &public);
                public.verify(message.as_bytes(), &signature).unwrap();
                let header = decoded(message.split('.').next().unwrap());
                assert_eq!(header, json!({ "alg": algorithm, "typ": "JWT", "kid": "k-1" }));
                let claims = payload(&assertion);
                assert_eq!((&claims["iss"], &claims["sub"]), (&json!("us"), &json!("us")));
                // One text, never a list.
                assert_eq!(claims["aud"], json!(audience.as_deref().unwrap_or(URL)));
                let left = claims["exp"].as_i64().unwrap() - NOW;
                assert!((1..=300).contains(&left), "{claims}");
                seen.push(claims["jti"].as_str().unwrap().to_owned());
            }
            assert_ne!(seen[0], seen[1]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_replaced_is_used_and_one_that_is_no_good_is_not() {
    let ((first, _), (second, public)) = (ec(), ec());
    let file = File::new("replaced", &first);
    let settings = json!({
        "clientAuthentication": "private_key_jwt", "clientKey": { "file": file.path() },
        "clientSecret": null
    });
    let one = Idp::new().one(settings);
    one.idp.answers_properly();
    let alice = one.alice().await;
    one.exchange(&alice).await.unwrap();
    let is_by_the_second = async || {
        tokio::time::advance(Duration::from_secs(2)).await;
        one.exchange(&alice).await.unwrap();
        let assertion = one.idp.last().get("client_assertion").unwrap().to_owned();
        let (message, signature) = assertion.rsplit_once('.').unwrap();
        let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
        key.verify(message.as_bytes(), &signature).is_ok()
    };
    for half in ["", "-----BEGIN PRIVATE KEY-----\nAAAA", &second[..second.len() / 2]] {
        std::fs::write(file.path(), half).unwrap();
        assert!(!is_by_the_second().await);
    }
    std::fs::remove_file(file.path()).unwrap();
    assert!(!is_by_the_second().await);
    std::fs::write(file.path(), &second).unwrap();
    assert!(is_by_the_second().await);
}

/// The provider takes the new key alone, and that was put in place after the last look.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_looks_whether_it_has_a_newer_key() {
    let ((first, _), (second, public)) = (ec(), ec());
    let file = File::new("refused", &first);
    let one = Idp::new().one(json!({
        "clientAuthentication": "private_key_jwt", "clientKey": { "file": file.path() },
        "clientSecret": null
    }));
    let (idp, answer) = (one.idp.clone(), one.idp.proper(URL, json!({})));
    idp.answers(move |form| {
        let (message, signature) = form.get("client_assertion").unwrap().rsplit_once('.').unwrap();
        let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
        match key.verify(message.as_bytes(), &signature) {
            Ok(()) => (200, answer.clone()),
            Err(_) => (401, json!({ "error": "invalid_client" })),
        }
    });
    let alice = one.alice().await;
    assert!(one.exchange(&alice).await.is_err());
    assert_eq!(one.idp.asked(), 1, "there is no other: asked once");
    std::fs::write(file.path(), &second).unwrap();
    one.exchange(&alice).await.unwrap();
    assert_eq!(one.idp.asked(), 3);
    one.exchange(&alice).await.unwrap();
    assert_eq!(one.idp.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_configured_is_asked_for() {
    let token = File::new("actor", "the.actor.token\n");
    let one = Idp::new().one(json!({
        "audience": ["us", "files"], "resource": ["https://files.example", "https://web.example"],
        "scope": "a b", "subjectTokenType": "jwt", "requestedTokenType": "urn:example:type",
        "actorToken": { "file": token.path(), "type": "jwt" }
    }));
    one.idp.answers_properly();
    let alice = one.alice().await;
    one.exchange(&alice).await.unwrap();
    let last = one.idp.last().clone();
    assert_eq!(last.all("audience"), ["us", "files"]);
    assert_eq!(last.all("resource"), ["https://files.example", "https://web.example"]);
    assert_eq!(last.get("scope"), Some("a b"));
    let jwt = format!("{TYPE}jwt");
    assert_eq!(last.get("subject_token_type"), Some(&*jwt));
    assert_eq!(last.get("requested_token_type"), Some("urn:example:type"));
    assert_eq!(last.get("actor_token"), Some("the.actor.token"));
    assert_eq!(last.get("actor_token_type"), Some(&*jwt));
    assert_eq!(last.fields.len(), 13);
    // For all audiences, and not for one of them.
    let answer = one.idp.proper(URL, json!({ "aud": ["us"] }));
    one.idp.answers(move |_| (200, answer.clone()));
    let failure = one.exchange(&alice).await.unwrap_err();
    assert!(failure.remedy.contains("us, files"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn another_actor_is_another_exchange() {
    let token = File::new("actor-of-cache", "one");
    let one = Idp::new().one(json!({
        "actorToken": { "file": token.path() }, "cache": { "enabled": true }
    }));
    one.idp.answers_properly();
    let alice = one.alice().await;
    for actor in ["one", "two", "one"] {
        std::fs::write(token.path(), actor).unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
        one.exchange(&alice).await.unwrap();
        one.exchange(&alice).await.unwrap();
    }
    assert_eq!(one.idp.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn on_behalf_of_is_asked_for_as_entra_wants_it() {
    let one = Idp::new().one(json!({ "grant": "jwt-bearer", "defaultScope": "api://us/.default" }));
    let mut answer = one.idp.proper(URL, json!({}));
    answer.as_object_mut().unwrap().remove("issued_token_type");
    let said = answer.clone();
    one.idp.answers(move |_| (200, said.clone()));
    let alice = one.alice().await;
    assert_eq!(one.exchange(&alice).await.unwrap().legacy_name().as_str(), "ALICE_ADMIN");
    let last = one.idp.last().clone();
    assert_eq!(last.get("grant_type"), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    assert_eq!(last.get("requested_token_use"), Some("on_behalf_of"));
    assert_eq!(last.get("assertion"), Some(alice.token().as_str()));
    assert_eq!(last.get("scope"), Some("api://us/.default"));
    for absent in ["audience", "subject_token", "requested_token_type"] {
        assert_eq!(last.get(absent), None, "{absent}");
    }
    // An exchange must say what it gave.
    let one = one.idp.one(json!({}));
    let failure = one.exchange(&one.alice().await).await.unwrap_err();
    assert_eq!(failure.code, Code::ExchangedTokenRefused);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lets_somebody_else_act_is_not_sent() {
    let one = Idp::new().one(json!({}));
    one.idp.answers_properly();
    let caller = one.caller(json!({ "may_act": { "sub": "another" } })).await;
    let failure = one.exchange(&caller).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenExchangeFailed);
    assert!(failure.message.contains("may_act"), "{failure}");
    assert_eq!(one.idp.asked(), 0);
    let caller = one.caller(json!({ "may_act": { "sub": "us" } })).await;
    assert!(one.exchange(&caller).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_lets_nobody_act_who_may_not_any_more() {
    let one = Idp::new().one(cached());
    one.idp.answers_properly();
    let alice = one.alice().await;
    for _ in 0..2 {
        one.exchange(&alice).await.unwrap();
    }
    // The same token, of which its issuer says something else by now.
    let other = alice.with_may_act(json!({ "sub": "another" }));
    let failure = one.exchange(&other).await.unwrap_err();
    assert!(failure.message.contains("may_act"), "{failure}");
    assert_eq!(one.idp.asked(), 1);
}
