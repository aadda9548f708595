//! What is asked of a token endpoint in memory, what is made of its answers, and how often it is asked.

mod cached;
mod clients;
mod settings;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64ct::{Base64UrlUnpadded, Encoding};
use bytes::Bytes;
use hyper::{Request, Response};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::*;
use crate::Code;
use crate::identity::Presented;
use crate::testing::TestClock;

const NOW: i64 = 1_800_000_000;
const URL: &str = "https://idp.example";

/// What the endpoint answers.
type Answering = Box<dyn Fn(&Form) -> (u16, Value) + Send>;

/// Identity providers in memory, each at its own URL, with one key for all.
struct Idp {
    key: EcdsaKeyPair,
    clock: Arc<TestClock>,
    asked: AtomicUsize,
    answering: Mutex<Answering>,
    last: Mutex<Form>,
}

/// A request to a token endpoint.
#[derive(Clone, Default)]
struct Form {
    url: String,
    authorization: Option<String>,
    fields: Vec<(String, String)>,
}

impl Form {
    fn all(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(field, _)| field == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
}

fn payload(token: &str) -> Value {
    decoded(token.split('.').nth(1).unwrap())
}

impl Idp {
    fn new() -> Arc<Self> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        Arc::new(Self {
            key: EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap(),
            clock: Arc::new(TestClock::at(NOW)),
            asked: AtomicUsize::new(0),
            answering: Mutex::new(Box::new(|_| (200, json!({})))),
            last: Mutex::default(),
        })
    }

    fn sign(&self, claims: &Value) -> String {
        let part = |part: &Value| Base64UrlUnpadded::encode_string(part.to_string().as_bytes());
        let message = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": "k" })), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", Base64UrlUnpadded::encode_string(signature.as_ref()))
    }

    fn claims(issuer: &str) -> Value {
        json!({
            "iss": issuer, "sub": "alice", "aud": "us", "azp": "agent", "exp": NOW + 300, "iat": NOW
        })
    }

    /// A proper answer with claims changed.
    fn proper(self: &Arc<Self>, issuer: &str, change: Value) -> Value {
        let mut claims = Self::claims(issuer);
        claims["azp"] = json!("us");
        claims["legacy_name"] = json!("ALICE_ADMIN");
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({
            "access_token": self.sign(&claims), "token_type": "Bearer", "expires_in": 300,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"
        })
    }

    fn answers(&self, answering: impl Fn(&Form) -> (u16, Value) + Send + 'static) {
        *self.answering.lock().unwrap() = Box::new(answering);
    }

    /// Answers properly, for whoever the caller's token names.
    fn answers_properly(self: &Arc<Self>) {
        let idp = self.clone();
        self.answers(move |form| {
            let token = form.get("subject_token").or(form.get("assertion")).unwrap();
            let own = payload(token);
            let aud = form.all("audience");
            let aud = if aud.is_empty() { json!("us") } else { json!(aud) };
            let change = json!({ "sub": own["sub"], "aud": aud });
            (200, idp.proper(own["iss"].as_str().unwrap(), change))
        });
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn last(&self) -> MutexGuard<'_, Form> {
        self.last.lock().unwrap()
    }

    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
    }

    fn verifier(self: &Arc<Self>, mut idps: Value) -> Verifier {
        for idp in idps.as_array_mut().unwrap() {
            idp["mayAssert"] = json!({ "realms": ["W25AD.NET"] });
        }
        let idps = serde_json::from_value(idps).unwrap();
        let fetch: Arc<dyn Fetch> = Arc::new(Http(self.clone()));
        Verifier::new(idps, &fetch, self.clock.clone()).unwrap()
    }

    fn exchanger_of(
        self: &Arc<Self>,
        verifier: &Verifier,
        delegation: Value,
    ) -> Result<TokenExchanger, ConfigError> {
        let part = |name: &str| delegation.get(name).cloned();
        let settings = ExchangeSettings {
            token_exchange: part("tokenExchange").map(|own| serde_json::from_value(own).unwrap()),
            modules: serde_json::from_value(part("modules").unwrap_or(json!({}))).unwrap(),
        };
        let fetch: Arc<dyn Fetch> = Arc::new(Http(self.clone()));
        TokenExchanger::new(&settings, verifier, &fetch)
    }

    /// One issuer, whose exchange has these settings changed.
    fn one(self: &Arc<Self>, change: Value) -> One {
        let verifier = self.verifier(json!([{
            "name": "idp", "issuer": URL, "audience": "us", "algorithms": ["ES256"]
        }]));
        let mut exchange = usual();
        exchange.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let delegation = json!({ "tokenExchange": exchange });
        let exchanger = self.exchanger_of(&verifier, delegation).unwrap();
        One { idp: self.clone(), verifier, exchanger: Arc::new(exchanger) }
    }
}

fn usual() -> Value {
    json!({
        "tokenEndpoint": format!("{URL}/token"), "clientId": "us", "clientSecret": "s3cret",
        "audience": "us"
    })
}

fn cached() -> Value {
    json!({ "cache": { "enabled": true } })
}

async fn admit(verifier: &Verifier, token: &str) -> Caller {
    (*verifier.admit(&Presented::bearer(token)).await.unwrap()).clone()
}

/// One issuer.
struct One {
    idp: Arc<Idp>,
    verifier: Verifier,
    exchanger: Arc<TokenExchanger>,
}

impl One {
    /// A caller with a good token, with claims changed.
    async fn caller(&self, change: Value) -> Caller {
        let mut claims = Idp::claims(URL);
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        admit(&self.verifier, &self.idp.sign(&claims)).await
    }

    async fn alice(&self) -> Caller {
        self.caller(json!({})).await
    }

    async fn exchange(&self, caller: &Caller) -> Result<Subject, Failure> {
        self.exchanger.exchange(caller, None, 0, None).await
    }
}

/// The network.
struct Http(Arc<Idp>);

#[async_trait]
impl Fetch for Http {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        _: usize,
    ) -> Result<Response<Zeroizing<Vec<u8>>>, String> {
        let (head, body) = request.into_parts();
        let url = head.uri.to_string();
        let (status, answer) =
            if let Some(issuer) = url.strip_suffix("/.well-known/openid-configuration") {
                (200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") }))
            } else if url.ends_with("/jwks") {
                let point = self.0.key.public_key().as_ref();
                let coordinate = |part: &[u8]| Base64UrlUnpadded::encode_string(part);
                (
                    200,
                    json!({ "keys": [{
                "kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256", "use": "sig",
                "x": coordinate(&point[1..33]), "y": coordinate(&point[33..])
            }] }),
                )
            } else {
                self.0.asked.fetch_add(1, Ordering::SeqCst);
                let authorization = head.headers.get("authorization");
                let form = Form {
                    url,
                    authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
                    fields: url::form_urlencoded::parse(&body).into_owned().collect(),
                };
                *self.0.last.lock().unwrap() = form.clone();
                // So that others can come while it is under way.
                tokio::time::sleep(Duration::from_millis(20)).await;
                (self.0.answering.lock().unwrap())(&form)
            };
        if status == 0 {
            return Err("connection refused".into());
        }
        let body = Zeroizing::new(answer.to_string().into_bytes());
        Ok(Response::builder().status(status).body(body).unwrap())
    }
}
