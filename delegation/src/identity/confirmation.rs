//! What a token is bound to (`cnf`, RFC 7800): it is worth nothing without.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;

use super::dpop::{self, Proof};
use super::jwt::{Claims, Flaw};
use super::nonces::Nonces;
use super::{AuthenticationError, Presented};
use crate::sha256::sha256;

/// What has to come with a token. The token decides, not the way it came.
#[derive(Default)]
pub(super) struct Confirmation {
    /// A key's thumbprint (RFC 9449 section 6.1).
    jkt: Option<String>,
    /// A certificate's SHA-256, in base64url (RFC 8705 section 3.1).
    x5t: Option<String>,
}

impl Confirmation {
    pub(super) fn of(claims: &Claims) -> Result<Self, Flaw> {
        const UNKNOWN: Flaw = Flaw::Token("the token is bound in a way that is not supported");
        let Some(cnf) = claims.get("cnf") else { return Ok(Self::default()) };
        let cnf = cnf.as_object().filter(|cnf| !cnf.is_empty()).ok_or(UNKNOWN)?;
        let mut confirmation = Self::default();
        for (method, value) in cnf {
            let place = match method.as_str() {
                "jkt" => &mut confirmation.jkt,
                "x5t#S256" => &mut confirmation.x5t,
                // A way that we do not know is not one that was kept to.
                _ => return Err(UNKNOWN),
            };
            let Value::String(value) = value else { return Err(UNKNOWN) };
            *place = Some(value.clone());
        }
        Ok(confirmation)
    }

    /// Was everything that the token is bound to shown? The proof, if one was asked for, is still to
    /// be looked for among those that were seen.
    pub(super) fn check(
        &self,
        presented: &Presented<'_>,
        nonces: Option<&Nonces>,
        tolerance: i64,
        now: i64,
    ) -> Result<Option<Proof>, AuthenticationError> {
        let flawed = |text| Err(AuthenticationError::Unauthorized(text));
        let proof = match (&self.jkt, presented.proof) {
            (None, None) => None,
            (Some(_), None) => {
                return flawed("the token is bound to a key: send it as DPoP, with a proof");
            }
            (None, Some(_)) => {
                return flawed("the token is bound to no key: send it as Bearer, without a proof");
            }
            (Some(key), Some(request)) => {
                let proof = dpop::verify(request, presented.token, nonces, tolerance, now)?;
                if proof.thumbprint != *key {
                    return flawed("the token is bound to another key than the proof's");
                }
                Some(proof)
            }
        };
        match (&self.x5t, presented.certificate) {
            (None, _) => {}
            (Some(_), None) => {
                return flawed("the token is bound to a client certificate, and none came with it");
            }
            (Some(bound), Some(certificate)) => {
                if *bound != Base64UrlUnpadded::encode_string(&sha256(certificate)) {
                    return flawed("the token is bound to another client certificate");
                }
            }
        }
        Ok(proof)
    }
}
