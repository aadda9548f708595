//! Tokens that are bound to a client's key, and the client's proofs (RFC 9449).

use aws_lc_rs::digest::{SHA256, digest};
use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::Header;
use serde_json::{Value, json};

use super::Issuer;
use super::token::{self, SigningKey};

/// A client's key.
pub struct ProofKey(SigningKey);

impl ProofKey {
    /// A new one.
    ///
    /// # Errors
    /// If there is no randomness.
    pub fn generate() -> std::io::Result<Self> {
        SigningKey::generate().map(Self)
    }

    fn jwk(&self) -> Value {
        let jwk = self.0.public_jwk();
        json!({ "kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"] })
    }

    /// RFC 7638, with SHA-256.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let (x, y) = (&self.jwk()["x"], &self.jwk()["y"]);
        sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":{x},"y":{y}}}"#).as_bytes())
    }

    /// A proof for a request at a time (seconds since 1970) with a token, or for one that gets one.
    #[must_use]
    pub fn proof(&self, token: Option<&str>, method: &str, url: &str, now: i64) -> String {
        self.proof_with(None, token, method, url, now)
    }

    /// The same with a nonce of the server's.
    #[must_use]
    pub fn proof_with(
        &self,
        nonce: Option<&str>,
        token: Option<&str>,
        method: &str,
        url: &str,
        now: i64,
    ) -> String {
        let mut claims =
            json!({ "jti": token::identifier(), "htm": method, "htu": url, "iat": now });
        if let Some(token) = token {
            claims["ath"] = sha256(token.as_bytes()).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let jwk = serde_json::from_value(self.jwk()).ok();
        self.0.sign_with(&claims, |header: &mut Header| {
            header.typ = Some("dpop+jwt".into());
            header.kid = None;
            header.jwk = jwk;
        })
    }
}

impl Issuer {
    /// A subject token of a user that is worth nothing without proofs of this key.
    #[must_use]
    pub fn token_bound_to(&self, user: &str, key: &ProofKey) -> String {
        let mut claims = self.shared.subject_claims(user);
        claims["cnf"] = json!({ "jkt": key.thumbprint() });
        self.shared.key.sign(&claims)
    }

    /// A token for the account of this name that is worth nothing without this client certificate (DER).
    #[must_use]
    pub fn token_bound_to_certificate(&self, legacy_name: &str, certificate: &[u8]) -> String {
        self.add(legacy_name, legacy_name);
        let mut claims = self.shared.subject_claims(legacy_name);
        claims["cnf"] = json!({ "x5t#S256": sha256(certificate) });
        self.shared.key.sign(&claims)
    }
}

fn sha256(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(digest(&SHA256, octets).as_ref())
}
