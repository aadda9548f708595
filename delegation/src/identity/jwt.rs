//! The JSON Web Token itself (RFC 7519, RFC 8725): its parts, its signature, its claims.

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::{Audience, TrustedIdp};

/// The longest token that is looked at.
const MAX_LENGTH: usize = 16 * 1024;

/// The JOSE header (RFC 7515 section 4.1). What would bring its own key, or asks for something
/// that we do not know, is recognised so that it can be refused.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    jku: Option<Value>,
    jwk: Option<Value>,
    x5u: Option<Value>,
    x5c: Option<Value>,
    crit: Option<Value>,
    b64: Option<Value>,
}

/// A token taken apart; nothing in it is verified.
pub(super) struct Unverified<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) claims: Claims,
    message: &'a [u8],
    signature: &'a str,
}

pub(super) type Problem = &'static str;

impl<'a> Unverified<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Problem> {
        const MALFORMED: Problem = "the token is malformed";
        if text.len() > MAX_LENGTH {
            return Err("the token is too long");
        }
        let (message, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, claims) = message.split_once('.').ok_or(MALFORMED)?;
        if claims.contains('.') {
            return Err(MALFORMED);
        }
        let decode = |part: &str| Base64UrlUnpadded::decode_vec(part).map_err(|_| MALFORMED);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| MALFORMED)?;
        let brings_key = [&header.jku, &header.jwk, &header.x5u, &header.x5c];
        if brings_key.iter().any(|member| member.is_some()) {
            return Err("the token brings a key of its own");
        }
        if header.crit.is_some() || header.b64.is_some() {
            return Err("the token asks for an extension that is not supported");
        }
        // RFC 9068 section 4; a bare JWT is what most providers still issue. Other types (logout
        // tokens, DPoP proofs, grants) are signed with the same keys and mean something else.
        match header.typ.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("jwt" | "at+jwt" | "application/at+jwt") => {}
            Some(_) => return Err("the token is not an access token"),
        }
        let algorithm =
            header.alg.parse().map_err(|_| "the token's signature algorithm is not accepted")?;
        let claims = serde_json::from_slice(&decode(claims)?).map_err(|_| MALFORMED)?;
        Ok(Self {
            algorithm,
            kid: header.kid,
            claims: Claims(claims),
            message: message.as_bytes(),
            signature,
        })
    }

    /// Verifies the signature and gives the claims that it vouches for.
    pub(super) fn verify(self, key: &jsonwebtoken::DecodingKey) -> Result<Claims, Problem> {
        match jsonwebtoken::crypto::verify(self.signature, self.message, key, self.algorithm) {
            Ok(true) => Ok(self.claims),
            _ => Err("the token's signature is wrong"),
        }
    }
}

/// A token's claims.
#[derive(Clone, Debug)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    /// A claim that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A claim that is a list of texts, or one text with spaces between. A dot in the name leads
    /// into an object, unless a claim has that very name.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let nested = || {
            let mut path = name.split('.');
            let first = self.0.get(path.next()?)?;
            path.try_fold(first, |value, member| value.get(member))
        };
        match self.0.get(name).or_else(nested) {
            Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Some(Value::Array(list)) => {
                list.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The client that the token was issued to: `azp`, else `client_id`.
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.text("azp").or_else(|| self.text("client_id"))
    }

    /// Whole seconds; fractions, which RFC 7519 allows, are cut.
    fn time(&self, name: &str) -> Result<Option<i64>, Problem> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .or_else(|| value.as_f64().map(|seconds| seconds as i64))
                .map(Some)
                .ok_or("a time in the token is not a number"),
        }
    }

    /// Everything that a token must say beside its signature (RFC 8725 section 3, RFC 9068
    /// section 4).
    pub(super) fn check(
        &self,
        idp: &TrustedIdp,
        audience: &Audience,
        now: i64,
    ) -> Result<(), Problem> {
        let tolerance = idp.security.clock_tolerance;
        match self.time("exp")? {
            Some(end) if now < end.saturating_add(tolerance) => {}
            Some(_) => return Err("the token has expired"),
            None => return Err("the token has no expiry"),
        }
        if self.time("nbf")?.is_some_and(|start| start > now + tolerance) {
            return Err("the token is not valid yet");
        }
        let issued = self.time("iat")?;
        if issued.is_some_and(|issued| issued > now + tolerance) {
            return Err("the token was issued in the future");
        }
        if let Some(limit) = idp.security.max_token_age
            && issued.is_none_or(|issued| now - issued > limit + tolerance)
        {
            return Err("the token is too old");
        }
        let meant = match self.0.get("aud") {
            Some(Value::String(one)) => audience.contains(one),
            Some(Value::Array(list)) => {
                list.iter().any(|one| one.as_str().is_some_and(|one| audience.contains(one)))
            }
            _ => false,
        };
        if !meant {
            return Err("the token is for another audience");
        }
        if self.text("sub").is_none_or(str::is_empty) {
            return Err("the token has no subject");
        }
        // Bound to a key that we do not ask for (RFC 7800): taken as a plain bearer token it would
        // be worth nothing.
        if self.0.contains_key("cnf") {
            return Err("the token is bound to a key and no bearer token");
        }
        Ok(())
    }
}
