//! A key set (RFC 7517) and where it is found.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::Request;
use hyper::body::Bytes;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::config::{TrustedIdp, is_https_or_loopback};
use super::keys::Source;
use crate::network::Fetch;

/// For each document.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_DOCUMENT: usize = 256 * 1024;
const MAX_KEYS: usize = 100;
/// So many keys are tried for one token, in the order in which the issuer lists them.
const MAX_TRIES: usize = 8;

/// An issuer's key set, found as the configuration says.
pub(super) struct Jwks {
    idp: Arc<dyn Fetch>,
    issuer: String,
    discovery_url: String,
    jwks_uri: Option<String>,
}

/// The keys of a set that can verify signatures.
pub(super) struct KeySet(Vec<Key>);

struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Jwks {
    pub(super) fn new(config: &TrustedIdp, idp: Arc<dyn Fetch>) -> Self {
        let well_known = "/.well-known/openid-configuration";
        let default = || format!("{}{well_known}", config.issuer.trim_end_matches('/'));
        Self {
            idp,
            issuer: config.issuer.clone(),
            discovery_url: config.discovery_url.clone().unwrap_or_else(default),
            jwks_uri: config.jwks_uri.clone(),
        }
    }

    async fn get<T: for<'a> Deserialize<'a>>(&self, url: &str) -> Result<T, String> {
        let get = async {
            let request = Request::get(url).body(Bytes::new());
            let request = request.map_err(|error| format!("{url}: {error}"))?;
            let response = self.idp.fetch(request, MAX_DOCUMENT).await?;
            if !response.status().is_success() {
                return Err(format!("{url} answered {}", response.status()));
            }
            serde_json::from_slice(response.body()).map_err(|error| format!("{url}: {error}"))
        };
        let in_time = tokio::time::timeout(TIMEOUT, get).await;
        in_time.unwrap_or_else(|_| Err(format!("{url} did not answer in time")))
    }
}

#[async_trait]
impl Source for Jwks {
    async fn fetch(&self) -> Result<KeySet, String> {
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
        self.get(&uri).await.map(KeySet::new)
    }
}

/// A set as it is written (RFC 7517 section 5).
#[derive(Deserialize)]
pub(super) struct Document {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// One key that we cannot use does not spoil the others.
    pub(super) fn new(document: Document) -> Self {
        let keys = document.keys.into_iter().take(MAX_KEYS);
        Self(keys.filter_map(|key| Key::new(&serde_json::from_value(key).ok()?)).collect())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that may have made a signature: those of that id, or, where a token names none, all
    /// that fit the algorithm.
    pub(super) fn fitting(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        let fits = move |key: &&Key| {
            key.algorithms.contains(&algorithm)
                && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        };
        self.0.iter().filter(fits).take(MAX_TRIES).map(|key| &key.key)
    }
}

impl Key {
    /// `None` for what is no public key for signatures that we can verify.
    fn new(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let operations = common.key_operations.as_ref();
        if operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
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
