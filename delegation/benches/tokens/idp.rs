#![allow(dead_code, reason = "each of the benches that this is in uses a part")]

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64ct::{Base64UrlUnpadded, Encoding};
use bytes::Bytes;
use hyper::{Request, Response};
use krb_client::{Clock, SystemClock};
use krb_delegation::network::Fetch;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(super) const URL: &str = "https://idp.example";
const GROUPS: usize = 45;

/// An identity provider in memory, which gives everybody what they ask for.
pub(super) struct Idp {
    key: EcdsaKeyPair,
    now: i64,
    exchanged: AtomicUsize,
}

impl Idp {
    pub(super) fn new() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new());
        let pkcs8 = pkcs8.expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).expect("a key");
        Self { key, now: SystemClock.now().seconds.unix(), exchanged: AtomicUsize::default() }
    }

    fn token(&self, more: Value) -> String {
        let mut claims = json!({
            "iss": URL, "sub": "alice", "aud": "us", "azp": "us", "iat": self.now,
            "exp": self.now + 3600
        });
        if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
            claims.extend(more);
        }
        let part = |part: &Value| Base64UrlUnpadded::encode_string(part.to_string().as_bytes());
        let message = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": "k" })), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), message.as_bytes()).expect("signs");
        format!("{message}.{}", Base64UrlUnpadded::encode_string(signature.as_ref()))
    }

    /// A caller's, unlike any other by its number.
    pub(super) fn callers(&self, number: usize) -> String {
        let groups: Vec<_> =
            (0..GROUPS).map(|group| format!("group-of-the-realm-{group}")).collect();
        self.token(json!({ "groups": groups, "jti": number.to_string() }))
    }

    /// A caller's who is nobody else, by their number.
    pub(super) fn users(&self, number: usize) -> String {
        let groups: Vec<_> =
            (0..GROUPS).map(|group| format!("group-of-the-realm-{group}")).collect();
        self.token(json!({ "groups": groups, "sub": format!("user-{number}") }))
    }

    /// How many bytes the tokens had that it gave in exchange.
    pub(super) fn exchanged(&self) -> usize {
        self.exchanged.load(Ordering::Relaxed)
    }

    /// Whose token is to be exchanged.
    fn subject(form: &[u8]) -> Option<Value> {
        let form = std::str::from_utf8(form).ok()?;
        let token = form.split('&').find_map(|field| field.strip_prefix("subject_token="))?;
        let claims = Base64UrlUnpadded::decode_vec(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice::<Value>(&claims).ok()?.get("sub").cloned()
    }

    fn answer(&self, url: &str, form: &[u8]) -> Value {
        match url.strip_prefix(URL) {
            Some("/.well-known/openid-configuration") => {
                json!({ "issuer": URL, "jwks_uri": format!("{URL}/jwks") })
            }
            Some("/jwks") => {
                let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
                let [x, y] = [x, y].map(Base64UrlUnpadded::encode_string);
                json!({ "keys": [{
                    "kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256", "use": "sig",
                    "x": x, "y": y
                }] })
            }
            _ => {
                let claims = json!({ "legacy_name": "ALICE_ADMIN", "sub": Self::subject(form) });
                let token = self.token(claims);
                self.exchanged.fetch_add(token.len(), Ordering::Relaxed);
                json!({
                    "access_token": token, "token_type": "Bearer", "expires_in": 3600,
                    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"
                })
            }
        }
    }
}

#[async_trait]
impl Fetch for Idp {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        _: usize,
    ) -> Result<Response<Zeroizing<Vec<u8>>>, String> {
        let answer = self.answer(&request.uri().to_string(), request.body());
        let answer = answer.to_string().into_bytes();
        Ok(Response::new(Zeroizing::new(answer)))
    }
}
