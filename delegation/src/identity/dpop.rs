//! Proofs of possession (RFC 9449): a JWT for one request, signed with the key that a token is bound
//! to.

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use url::Url;

use super::AuthenticationError;
use super::jwt::Claims;
use super::key_set::Key;
use super::nonces::Nonces;
use super::presented::SignedRequest;
use super::strict_json;
use crate::sha256::sha256;

/// Algorithms of proofs, as the metadata and challenges list them.
pub const DPOP_ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// With an RSA key of 4,096 bits it has some 2,200 characters.
const MAX_LENGTH: usize = 8 * 1024;
/// How long after its `iat` a proof is good, in seconds, beside the tolerance for the client's clock.
pub(super) const LIFE: i64 = 60;
/// What only a private or a symmetric key has (RFC 7518 section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A proof that holds for its request.
#[derive(Debug)]
pub(super) struct Proof {
    /// Its key's (RFC 7638, with SHA-256).
    pub(super) thumbprint: String,
    /// What it is remembered by: key and `jti`.
    pub(super) id: [u8; 32],
    /// From when on it would not be taken in any case, in seconds since 1970.
    pub(super) until: i64,
}

/// RFC 9449 section 4.3, but for the key that the token is bound to and for proofs that were seen. With
/// `nonces`, one of them has to be in it.
pub(super) fn verify(
    request: SignedRequest<'_>,
    token: &str,
    nonces: Option<&Nonces>,
    tolerance: i64,
    now: i64,
) -> Result<Proof, AuthenticationError> {
    let flawed = AuthenticationError::Proof;
    const MALFORMED: AuthenticationError = AuthenticationError::Proof("the proof is malformed");
    if request.proof.len() > MAX_LENGTH {
        return Err(flawed("the proof is too long"));
    }
    let (message, signature) = request.proof.rsplit_once('.').ok_or(MALFORMED)?;
    let (header, claims) = message.split_once('.').ok_or(MALFORMED)?;
    let object = |part: &str| {
        let text = Base64UrlUnpadded::decode_vec(part).ok()?;
        strict_json::object(&text)
    };
    let header = object(header).ok_or(MALFORMED)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("typ").is_none_or(|typ| !typ.eq_ignore_ascii_case("dpop+jwt")) {
        return Err(flawed("the proof's type is not dpop+jwt"));
    }
    if ["crit", "b64", "jku", "x5u", "x5c"].iter().any(|name| header.contains_key(*name)) {
        return Err(flawed("the proof asks for an extension that is not supported"));
    }
    let listed = text("alg").filter(|name| DPOP_ALGORITHMS.contains(name));
    let algorithm = listed.and_then(|name| name.parse::<Algorithm>().ok());
    let algorithm = algorithm.ok_or(flawed("the proof's signature algorithm is not accepted"))?;
    let jwk = header.get("jwk").and_then(Value::as_object);
    let jwk = jwk.ok_or(flawed("the proof does not bring its key"))?;
    if PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
        return Err(flawed("the proof brings a key that is not public"));
    }
    let key = serde_json::from_value::<Jwk>(Value::Object(jwk.clone())).ok();
    let key = key.as_ref().and_then(Key::new).filter(|key| key.is_for(algorithm));
    let key = key.ok_or(flawed("the proof's key does not fit its algorithm"))?;
    if !key.verifies(message.as_bytes(), signature, algorithm) {
        return Err(flawed("the proof's signature is wrong"));
    }

    let claims = Claims(object(claims).ok_or(MALFORMED)?);
    let jti = claims.text("jti").filter(|jti| !jti.is_empty());
    let jti = jti.ok_or(flawed("the proof has no jti"))?;
    if claims.text("htm") != Some(request.method) {
        return Err(flawed("the proof is for another method (htm)"));
    }
    if !claims.text("htu").is_some_and(|htu| is_same(htu, request.url)) {
        return Err(flawed("the proof is for another URL (htu)"));
    }
    let issued = claims.time("iat").map_err(|flaw| flawed(flaw.text()))?;
    let issued = issued.ok_or(flawed("the proof has no iat"))?;
    // No sum here overflows: times are in range, and the tolerance is bounded.
    if issued > now + tolerance {
        return Err(flawed("the proof was made in the future (iat)"));
    }
    let until = issued + LIFE + tolerance;
    if now >= until {
        return Err(flawed("the proof is too old (iat)"));
    }
    if claims.text("ath") != Some(&Base64UrlUnpadded::encode_string(&sha256(token.as_bytes()))) {
        return Err(flawed("the proof is for another token (ath)"));
    }
    if let Some(nonces) = nonces {
        let nonce = claims.text("nonce");
        let nonce = nonce.ok_or(AuthenticationError::Nonce("the proof has no nonce"))?;
        if !nonces.knows(nonce, now) {
            let problem = "the proof's nonce is not one that this server gave out lately";
            return Err(AuthenticationError::Nonce(problem));
        }
    }
    // A thumbprint has always the same length.
    let id = sha256(format!("{}{jti}", key.thumbprint()).as_bytes());
    Ok(Proof { thumbprint: key.thumbprint().to_string(), id, until })
}

/// Is it the URL of the request, but for query and fragment? By the rules of URLs (RFC 3986 section
/// 6.2), so that host and scheme may be in capitals, and the scheme's own port there or not.
fn is_same(htu: &str, url: &Url) -> bool {
    // What the parser would pass over in silence, or take for something else.
    let plain = htu.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let parts = |url: &Url| {
        let host = url.host_str().map(str::to_owned);
        (url.scheme().to_owned(), host, url.port_or_known_default(), url.path().to_owned())
    };
    plain
        && Url::parse(htu).is_ok_and(|htu| {
            htu.username().is_empty() && htu.password().is_none() && parts(&htu) == parts(url)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_compared_as_urls() {
        let url = Url::parse("https://mcp.example.com/mcp").unwrap();
        for same in [
            "https://mcp.example.com/mcp",
            "https://MCP.Example.COM/mcp",
            "HTTPS://mcp.example.com:443/mcp",
            "https://mcp.example.com/mcp?a=b",
            "https://mcp.example.com/mcp#x",
            "https://mcp.example.com/a/../mcp",
        ] {
            assert!(is_same(same, &url), "{same}");
        }
        for other in [
            "",
            "/mcp",
            "http://mcp.example.com/mcp",
            "https://mcp.example.com:8443/mcp",
            "https://mcp.example.com/",
            "https://mcp.example.com/mcp/",
            "https://mcp.example.com/MCP",
            "https://mcp.example.com/prefix/mcp",
            "https://mcp.example.com.evil.example/mcp",
            "https://user@mcp.example.com/mcp",
            "https://:x@mcp.example.com/mcp",
            "https:\\\\mcp.example.com\\mcp",
            "https://mcp.example.com/m\tcp",
            " https://mcp.example.com/mcp",
        ] {
            assert!(!is_same(other, &url), "{other}");
        }
    }
}
