//! ES256 tokens of the demo issuer.

use std::io;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

pub(super) const KEY_ID: &str = "demo-1";

/// A key pair that lives as long as the process.
pub(super) struct SigningKey {
    signing: EncodingKey,
    verifying: DecodingKey,
    /// The uncompressed point: 0x04, x, y.
    point: Vec<u8>,
}

impl SigningKey {
    pub(super) fn generate() -> io::Result<Self> {
        let failed = |_| io::Error::other("no key pair could be made");
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref())
            .map_err(|_| io::Error::other("the key pair cannot be read"))?;
        let point = pair.public_key().as_ref().to_vec();
        Ok(Self {
            signing: EncodingKey::from_ec_der(pkcs8.as_ref()),
            verifying: DecodingKey::from_ec_der(&point),
            point,
        })
    }

    /// Signs claims. An unsigned, useless token comes out if the claims cannot be signed.
    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_with(claims, |_| {})
    }

    /// The same, with another header.
    pub(super) fn sign_with(&self, claims: &Value, change: impl FnOnce(&mut Header)) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(KEY_ID.into());
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap_or_default()
    }

    /// The subject of a token of ours for that audience.
    pub(super) fn verify(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now: i64,
    ) -> Option<String> {
        let mut validation = Validation::new(Algorithm::ES256);
        // By a clock of its own; below, it is ours.
        validation.validate_exp = false;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        let token = jsonwebtoken::decode::<Value>(token, &self.verifying, &validation).ok()?;
        let current = token.claims["exp"].as_i64()? > now;
        token.claims["sub"].as_str().filter(|_| current).map(str::to_owned)
    }

    pub(super) fn public_jwk(&self) -> Value {
        let coordinate = |range| self.point.get(range).map(Base64UrlUnpadded::encode_string);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY_ID,
            "x": coordinate(1..33), "y": coordinate(33..65)
        })
    }

    #[cfg(feature = "demo-faults")]
    pub(super) fn public_point(&self) -> &[u8] {
        &self.point
    }
}

/// Claims under a key that is made for them alone.
pub(super) fn foreign(claims: &Value) -> String {
    SigningKey::generate().map(|key| key.sign(claims)).unwrap_or_default()
}

/// A token's `jti`.
pub(super) fn identifier() -> String {
    uuid::Uuid::new_v4().to_string()
}
