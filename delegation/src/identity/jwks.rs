//! An issuer's keys (RFC 7517), fetched when needed and kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tokio::time::Instant;

use super::config::{TrustedIdp, is_https_or_loopback};

/// Keys are fetched anew after this.
const MAX_AGE: Duration = Duration::from_secs(3600);
/// Keys are believed for so long if they cannot be fetched anew.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Between two fetches, whatever key a token asks for: the rate that strangers can cause.
const COOLDOWN: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_DOCUMENT: usize = 256 * 1024;
const MAX_KEYS: usize = 100;

pub(super) struct Keys {
    http: reqwest::Client,
    issuer: String,
    discovery_url: String,
    jwks_uri: Option<String>,
    current: Mutex<Option<Fetched>>,
    /// Held while fetching: one fetch at a time. The time of the last one.
    last_fetch: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<Vec<Key>>,
    at: Instant,
}

struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// The keys cannot be had.
#[derive(Debug)]
pub(super) struct Unavailable;

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Keys {
    pub(super) fn new(idp: &TrustedIdp, http: reqwest::Client) -> Self {
        let well_known = "/.well-known/openid-configuration";
        let default = || format!("{}{well_known}", idp.issuer.trim_end_matches('/'));
        Self {
            http,
            issuer: idp.issuer.clone(),
            discovery_url: idp.discovery_url.clone().unwrap_or_else(default),
            jwks_uri: idp.jwks_uri.clone(),
            current: Mutex::default(),
            last_fetch: tokio::sync::Mutex::default(),
        }
    }

    /// The key that a token names, for that algorithm; `None` if the issuer has none such.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Option<DecodingKey>, Unavailable> {
        let before = self.current();
        let fresh = before.as_ref().is_some_and(|fetched| fetched.at.elapsed() < MAX_AGE);
        if let Some(fetched) = before.as_ref().filter(|_| fresh)
            && let Some(key) = select(&fetched.keys, kid, algorithm)
        {
            return Ok(Some(key));
        }
        // Unknown, or time to look again.
        self.refresh(before.as_ref().map(|fetched| fetched.at)).await;
        match self.current() {
            Some(fetched) if fetched.at.elapsed() < STALE => {
                Ok(select(&fetched.keys, kid, algorithm))
            }
            _ => Err(Unavailable),
        }
    }

    fn current(&self) -> Option<Fetched> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys, unless somebody has since `seen`, or just tried to.
    async fn refresh(&self, seen: Option<Instant>) {
        let mut last_fetch = self.last_fetch.lock().await;
        if self.current().map(|fetched| fetched.at) != seen
            || last_fetch.is_some_and(|last| last.elapsed() < COOLDOWN)
        {
            return;
        }
        *last_fetch = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                let fetched = Fetched { keys: Arc::new(keys), at: Instant::now() };
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
            }
            Err(error) => {
                tracing::warn!(issuer = self.issuer, error, "the issuer's keys cannot be fetched");
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, String> {
        let uri = match &self.jwks_uri {
            Some(uri) => uri.clone(),
            None => {
                let document: Discovery = self.get(&self.discovery_url).await?;
                // RFC 8414 section 3.3: or somebody's document could name keys for another issuer.
                if document.issuer != self.issuer {
                    return Err(format!("{} speaks for another issuer", self.discovery_url));
                }
                if !is_https_or_loopback(&document.jwks_uri) {
                    return Err(format!("jwks_uri {} is not https", document.jwks_uri));
                }
                document.jwks_uri
            }
        };
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = self.get(&uri).await?;
        // One key that we cannot use does not spoil the others.
        let keys = set.keys.into_iter().take(MAX_KEYS);
        Ok(keys.filter_map(|key| Key::new(&serde_json::from_value(key).ok()?)).collect())
    }

    async fn get<T: for<'a> Deserialize<'a>>(&self, url: &str) -> Result<T, String> {
        let get = async {
            let response = self.http.get(url).send().await.map_err(|error| chain(&error))?;
            if !response.status().is_success() {
                return Err(format!("{url} answered {}", response.status()));
            }
            let body = bounded(response, MAX_DOCUMENT).await?;
            serde_json::from_slice(&body).map_err(|error| format!("{url}: {error}"))
        };
        let in_time = tokio::time::timeout(TIMEOUT, get).await;
        in_time.unwrap_or_else(|_| Err(format!("{url} did not answer in time")))
    }
}

/// Reads a body that must not be longer than `limit`.
pub(crate) async fn bounded(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(format!("the answer is longer than {limit} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with what caused it; reqwest's own text stops at "error sending request".
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl Key {
    /// `None` for what is no public key for signatures that we can verify.
    fn new(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let fitting: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => {
                use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
                &[RS256, RS384, RS512, PS256, PS384, PS512]
            }
            AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
                &[Algorithm::ES256]
            }
            AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P384 => {
                &[Algorithm::ES384]
            }
            AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
                &[Algorithm::EdDSA]
            }
            // Not a symmetric one above all: HS256 with a public document's key proves nothing.
            _ => return None,
        };
        let algorithms: Vec<_> = match common.key_algorithm {
            None => fitting.to_vec(),
            Some(only) => {
                fitting.iter().copied().filter(|&a| KeyAlgorithm::from(a) == only).collect()
            }
        };
        let key = DecodingKey::from_jwk(jwk).ok()?;
        (!algorithms.is_empty()).then(|| Self { kid: common.key_id.clone(), algorithms, key })
    }
}

/// The key of that id; without an id the only one that fits.
fn select(keys: &[Key], kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
    let mut fitting = keys.iter().filter(|key| {
        key.algorithms.contains(&algorithm) && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
    });
    let first = fitting.next()?;
    fitting.next().is_none().then(|| first.key.clone())
}
