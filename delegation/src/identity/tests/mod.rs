//! Tokens that must not pass, keys that come and go, and what the exchange must not be fooled by.
//! Keys are served by a small HTTP server of the tests' own.

mod dpop;
mod drops;
mod exchange;
mod introspection;
mod issuers;
mod keys;
mod settings;
mod tokens;
mod verified;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::jwt::WrongType;
use super::*;
use crate::network::Fetch;
use crate::testing::TestClock;
use crate::token_exchange::{ExchangeSettings, TokenExchangeConfig, TokenExchanger};

const NOW: i64 = 1_800_000_000;

/// A key pair for ES256.
struct SigningKey {
    signing: EncodingKey,
    point: Vec<u8>,
}

impl SigningKey {
    fn generate() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        Self { signing: EncodingKey::from_ec_der(pkcs8.as_ref()), point }
    }

    fn jwk(&self, kid: Option<&str>) -> Value {
        let coordinate = |range| Base64UrlUnpadded::encode_string(&self.point[range]);
        let mut jwk = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "x": coordinate(1..33), "y": coordinate(33..65)
        });
        if let Some(kid) = kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    fn sign(&self, claims: &Value, change: impl Fn(&mut Header)) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k1".into());
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap()
    }
}

/// What the identity provider does at present.
struct Served {
    keys: Vec<Value>,
    /// Before each answer about keys.
    delay: Duration,
    key_requests: usize,
    /// The answer to an exchange; a proper one if there is none.
    exchanged: Option<(u16, String)>,
    /// So far the clock moves on while keys are listed or a token is exchanged.
    seconds_to_answer: i64,
    /// No exchange is ever answered.
    silent: bool,
    /// Whoever asks for keys gets none.
    broken: bool,
    exchange_request: String,
    /// What is said of opaque tokens, with which status.
    introspected: (u16, String),
    introspections: Vec<String>,
    /// Of those, how many wait for an answer; and how many did at the most.
    waiting: (usize, usize),
}

#[derive(Clone)]
struct Idp {
    url: String,
    key: Arc<SigningKey>,
    served: Arc<Mutex<Served>>,
    clock: Arc<TestClock>,
}

/// An identity provider that answers requests for discovery, keys and an exchange with canned text.
async fn idp() -> Idp {
    let key = Arc::new(SigningKey::generate());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keys = vec![
        json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256" }),
        json!({ "kty": "unknown", "kid": "odd" }),
        key.jwk(Some("k1")),
    ];
    let served = Served {
        keys,
        delay: Duration::ZERO,
        key_requests: 0,
        exchanged: None,
        seconds_to_answer: 0,
        silent: false,
        broken: false,
        exchange_request: String::new(),
        introspected: (200, "{}".into()),
        introspections: Vec::new(),
        waiting: (0, 0),
    };
    let served = Arc::new(Mutex::new(served));
    let clock = Arc::new(TestClock::at(NOW));
    let idp = Idp { url, key, served, clock };
    let serving = idp.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, serving.clone()));
        }
    });
    idp
}

/// Serves one connection, request after request.
async fn serve(mut stream: TcpStream, idp: Idp) {
    loop {
        let (mut request, mut part) = (String::new(), [0; 4096]);
        while !is_complete(&request) {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(length) => request += &String::from_utf8_lossy(&part[..length]),
            }
        }
        let (status, body) = idp.answer_to(request).await;
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n");
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

fn is_complete(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.is_none_or(|(_, length)| body.len() >= length.parse().unwrap())
}

fn http() -> Arc<dyn Fetch> {
    Arc::new(reqwest::Client::builder().no_proxy().build().unwrap())
}

impl Verifier {
    /// Verifies a bearer token.
    async fn verify(&self, token: BearerToken) -> Result<Arc<Caller>, AuthenticationError> {
        self.admit(&Presented::bearer(token.as_str())).await
    }
}

impl Idp {
    async fn answer_to(&self, request: String) -> (u16, String) {
        let url = &self.url;
        if request.starts_with("GET /.well-known/") {
            return (200, json!({ "issuer": url, "jwks_uri": format!("{url}/jwks") }).to_string());
        }
        if request.starts_with("GET /jwks") {
            self.served().key_requests += 1;
            self.pass_time();
            let delay = self.served().delay;
            tokio::time::sleep(delay).await;
            if self.served().broken {
                return (500, String::new());
            }
            return (200, json!({ "keys": self.served().keys }).to_string());
        }
        if request.starts_with("POST /introspect") {
            let delay = {
                let mut served = self.served();
                served.introspections.push(request);
                served.waiting.0 += 1;
                served.waiting.1 = served.waiting.1.max(served.waiting.0);
                served.delay
            };
            tokio::time::sleep(delay).await;
            if self.served().silent {
                std::future::pending::<()>().await;
            }
            self.served().waiting.0 -= 1;
            return self.served().introspected.clone();
        }
        if self.served().silent {
            std::future::pending::<()>().await;
        }
        self.pass_time();
        let mut served = self.served();
        let canned = served.exchanged.clone();
        served.exchange_request = request;
        canned.unwrap_or_else(|| (200, self.proper_answer(&served.exchange_request)))
    }

    fn pass_time(&self) {
        self.clock.pass(self.served().seconds_to_answer);
    }

    /// A token for whoever the subject token names.
    fn proper_answer(&self, request: &str) -> String {
        let token = request.split("subject_token=").nth(1).unwrap().split('&').next().unwrap();
        let claims = Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        self.answer(&with(&self.exchanged_claims(), "sub", claims["sub"].clone())).to_string()
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap()
    }

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
        self.key.sign(claims, change)
    }

    /// Signs claims that are given as text.
    fn sign_text(&self, claims: &str) -> String {
        let header = Base64UrlUnpadded::encode_string(br#"{"alg":"ES256","kid":"k1"}"#);
        let message = format!("{header}.{}", Base64UrlUnpadded::encode_string(claims.as_bytes()));
        let signing = &self.key.signing;
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), signing, Algorithm::ES256);
        format!("{message}.{}", signature.unwrap())
    }

    /// A good token of the caller's.
    fn token(&self) -> BearerToken {
        BearerToken::new(self.sign(&self.claims()))
    }

    fn verifier(&self) -> Verifier {
        self.verifier_with(json!({ "claimMappings": { "roles": "realm_access.roles" } }))
    }

    fn verifier_with(&self, change: Value) -> Verifier {
        let mut config = json!({
            "issuer": self.url, "audience": "mcp-oauth", "algorithms": ["ES256", "RS256"]
        });
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let idps = vec![serde_json::from_value(config).unwrap()];
        Verifier::new(idps, &http(), self.clock.clone()).unwrap()
    }

    /// The same for keys, which go by the clock that cannot be set, too; tokens stay as young as they are.
    async fn pass(&self, time: Duration) {
        let seconds = time.as_secs().cast_signed();
        self.clock.pass(seconds);
        self.clock.set_back(seconds);
        pass(time).await;
    }

    fn exchanger(&self, verifier: &Verifier) -> TokenExchanger {
        let config: TokenExchangeConfig = serde_json::from_value(json!({
            "tokenEndpoint": format!("{}/token", self.url), "clientId": "mcp-oauth",
            "clientSecret": "s3cret+&", "audience": "mcp-oauth", "cache": { "enabled": false }
        }))
        .unwrap();
        let settings = ExchangeSettings { token_exchange: Some(config), ..Default::default() };
        TokenExchanger::new(&settings, verifier, &http()).unwrap()
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
        let caller = verifier.verify(self.token()).await.unwrap();
        self.served().exchanged = Some((status, answer.to_string()));
        self.exchanger(&verifier).exchange(&caller, None, 0, None).await
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
    match idp.verifier().verify(BearerToken::new(token)).await.unwrap_err() {
        AuthenticationError::Unauthorized(reason) => reason,
        other => panic!("{other}"),
    }
}

/// Lets this time pass, without waiting for it.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
