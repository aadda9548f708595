//! A key set (RFC 7517).

use std::sync::Arc;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
    ThumbprintHash,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

const MAX_KEYS: usize = 100;
/// So many keys are tried for one token, in the order in which the issuer lists them.
const MAX_TRIES: usize = 8;

/// The keys of a set that can verify signatures.
pub(super) struct KeySet(Vec<Key>);

/// A public key for signatures.
pub(super) struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
    /// RFC 7638, with SHA-256. What it has signed refers to it.
    thumbprint: Arc<str>,
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
    ) -> impl Iterator<Item = &Key> {
        let fits = move |key: &&Key| {
            key.is_for(algorithm) && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        };
        self.0.iter().filter(fits).take(MAX_TRIES)
    }
}

impl Key {
    /// `None` for what is no public key for signatures that we can verify.
    pub(super) fn new(jwk: &Jwk) -> Option<Self> {
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
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).ok()?.into();
        let kid = common.key_id.clone();
        (!algorithms.is_empty()).then(|| Self { kid, algorithms, key, thumbprint })
    }

    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(super) const fn thumbprint(&self) -> &Arc<str> {
        &self.thumbprint
    }

    /// Did it make this signature (base64url)?
    pub(super) fn verifies(&self, message: &[u8], signature: &str, algorithm: Algorithm) -> bool {
        let made = jsonwebtoken::crypto::verify(signature, message, &self.key, algorithm);
        matches!(made, Ok(true))
    }
}
