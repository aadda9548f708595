use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::DPOP;

/// How a token comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449.
    Dpop,
}

#[derive(Debug, PartialEq)]
pub(super) enum Unusable {
    Missing,
    Malformed(&'static str),
    NoProof(&'static str),
}

/// The token of the one `Authorization` field.
pub(super) fn token(headers: &HeaderMap) -> Result<(Scheme, &str), (Scheme, Unusable)> {
    const MISSING: (Scheme, Unusable) = (Scheme::Bearer, Unusable::Missing);
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let field = fields.next().ok_or(MISSING)?.as_bytes();
    if fields.next().is_some() {
        return Err((Scheme::Bearer, Unusable::Malformed("more than one Authorization field")));
    }
    let (name, token) = match field.iter().position(|byte| *byte == b' ') {
        Some(space) => field.split_at(space),
        None => (field, &b""[..]),
    };
    let scheme = if name.eq_ignore_ascii_case(b"Bearer") {
        Scheme::Bearer
    } else if name.eq_ignore_ascii_case(b"DPoP") {
        Scheme::Dpop
    } else {
        return Err(MISSING);
    };
    // b64token, RFC 6750 section 2.1; of the other scheme it is the same (RFC 9449 section 7.1).
    let token = token.trim_ascii();
    if token.is_empty() {
        // From a client whose token is not set: it needs a login, not a lesson in syntax.
        return Err(MISSING);
    }
    let unpadded = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let is_token = unpadded > 0
        && token.iter().take(unpadded).all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(b));
    match std::str::from_utf8(token) {
        Ok(token) if is_token => Ok((scheme, token)),
        _ => {
            let problem = "Authorization must be: Bearer (or DPoP), one space, one token";
            Err((scheme, Unusable::Malformed(problem)))
        }
    }
}

/// The one proof of possession (RFC 9449 section 4.3, check 1).
pub(super) fn proof(headers: &HeaderMap) -> Result<&str, Unusable> {
    let mut fields = headers.get_all(DPOP).iter();
    let field = fields.next().ok_or(Unusable::NoProof("the request has no proof (DPoP field)"))?;
    if fields.next().is_some() {
        return Err(Unusable::NoProof("the request has more than one proof"));
    }
    field.to_str().map_err(|_| Unusable::NoProof("the proof is malformed"))
}
