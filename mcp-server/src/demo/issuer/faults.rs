//! Tokens that must get nobody anywhere, and an issuer that lies.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use super::token::{self, KEY_ID};
use super::{Issuer, Shared, USER_CLIENT};

/// What the issuer was told to do wrong.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) answer_for: Option<String>,
    pub(super) claims: Map<String, Value>,
    keys_delay: Duration,
    key_requests: usize,
}

/// Claims with others added, or put in their place.
pub(super) fn with(mut claims: Value, more: Map<String, Value>) -> Value {
    if let Some(claims) = claims.as_object_mut() {
        claims.extend(more);
    }
    claims
}

impl Shared {
    pub(super) async fn before_keys(&self) {
        let delay = {
            let faults = &mut self.lock().faults;
            faults.key_requests += 1;
            faults.keys_delay
        };
        tokio::time::sleep(delay).await;
    }
}

impl Issuer {
    /// From now on every exchange gives a token of this user, whoever asks.
    pub fn answer_exchanges_for(&self, user: &str) {
        self.shared.lock().faults.answer_for = Some(user.to_owned());
    }

    /// From now on tokens given in exchange say this, too, or instead.
    pub fn claim_in_exchanges(&self, claim: &str, value: impl Into<Value>) {
        self.shared.lock().faults.claims.insert(claim.to_owned(), value.into());
    }

    /// From now on the keys are slow to come.
    pub fn delay_keys(&self, delay: Duration) {
        self.shared.lock().faults.keys_delay = delay;
    }

    /// How often the keys were asked for.
    #[must_use]
    pub fn key_requests(&self) -> usize {
        self.shared.lock().faults.key_requests
    }

    /// A token of a key that the issuer does not have; the cheapest that there is.
    #[must_use]
    pub fn forged_token(&self, user: &str) -> String {
        let encode = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let header = json!({ "alg": "ES256", "kid": token::identifier() });
        format!("{}.{}.AAAA", encode(&header), encode(&self.shared.subject_claims(user)))
    }

    /// Tokens in a user's name that prove nothing, each with what is wrong with it.
    #[must_use]
    pub fn bad_tokens(&self, user: &str) -> Vec<(&'static str, String)> {
        let (good, now) = (self.shared.subject_claims(user), self.shared.now());
        let with = |claim: &str, value: Value| {
            let mut claims = good.clone();
            claims[claim] = value;
            self.shared.key.sign(&claims)
        };
        let without = |claim: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().map(|claims| claims.remove(claim));
            self.shared.key.sign(&claims)
        };
        let token = self.token(user);
        let (message, signature) = token.rsplit_once('.').unwrap_or_default();
        let payload = message.rsplit_once('.').unwrap_or_default().1;
        let unsigned = |header: Value| {
            let header = Base64UrlUnpadded::encode_string(header.to_string().as_bytes());
            format!("{header}.{payload}")
        };
        let mut flipped: Vec<u8> = signature.bytes().collect();
        if let Some(byte) = flipped.first_mut() {
            *byte = if *byte == b'A' { b'B' } else { b'A' };
        }
        let flipped = String::from_utf8_lossy(&flipped).into_owned();
        vec![
            ("expired", with("exp", json!(now - 3600))),
            ("without an expiry", without("exp")),
            ("not valid yet", with("nbf", json!(now + 3600))),
            ("for another audience", with("aud", json!([USER_CLIENT]))),
            ("without an audience", without("aud")),
            ("of another issuer", with("iss", json!("https://evil.example"))),
            ("without a subject", without("sub")),
            ("bound to a key", with("cnf", json!({ "jkt": "x" }))),
            ("alg none", format!("{}.", unsigned(json!({ "alg": "none", "kid": KEY_ID })))),
            ("HS256 with the public key", self.hs256(&good)),
            ("with a changed signature", format!("{message}.{flipped}")),
            ("with changed claims", format!("{}.{signature}", changed_payload(message))),
            ("signed with another key", token::foreign(&good)),
            ("garbled", "e30.e30.e30".into()),
            ("no token at all", "garbage".into()),
            ("a key of its own", {
                let header = json!({ "alg": "ES256", "jwk": self.shared.key.public_jwk() });
                format!("{}.{signature}", unsigned(header))
            }),
            ("another type of token", {
                let header = json!({ "alg": "ES256", "kid": KEY_ID, "typ": "logout+jwt" });
                format!("{}.{signature}", unsigned(header))
            }),
        ]
    }

    /// The classic confusion of algorithms: the public key as if it were a shared secret.
    fn hs256(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(KEY_ID.into());
        EncodingKey::from_secret(self.shared.key.public_point())
            .and_then(|key| jsonwebtoken::encode(&header, claims, &key))
            .unwrap_or_default()
    }
}

/// The same claims with a space behind them: another text under the old signature.
fn changed_payload(message: &str) -> String {
    let (header, payload) = message.split_once('.').unwrap_or_default();
    let mut claims = Base64UrlUnpadded::decode_vec(payload).unwrap_or_default();
    claims.push(b' ');
    format!("{header}.{}", Base64UrlUnpadded::encode_string(&claims))
}
