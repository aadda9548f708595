//! The JSON Web Token itself (RFC 7519, RFC 8725), in the compact form of RFC 7515: its parts, its signature, its claims.

use base64ct::{Base64UrlUnpadded, Encoding};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::config::{Security, TrustedIdp};
use super::key_set::{Key, KeySet};
use super::strict_json;

/// The longest token that is looked at.
pub(super) const MAX_LENGTH: usize = 16 * 1024;
pub(super) const TOO_LONG: Flaw = Flaw::Token("the token is too long");
/// The last second of the year 9999. A later time is a mistake of the issuer's: milliseconds, for
/// example, with which a token would never end.
const LAST_SECOND: i64 = 253_402_300_799;

/// The longest subject (OpenID Connect Core section 2 has 255 for one claim; several may make it).
const MAX_SUBJECT: usize = 512;

/// Registered claims by what they are (RFC 7519 section 4.1, RFC 9068 section 2.2, OpenID Connect Core
/// section 2, Back-Channel Logout section 2.4). What is of another type is never taken for absent.
const TEXTS: [&str; 5] = ["iss", "jti", "sid", "acr", "nonce"];
const OBJECTS: [&str; 2] = ["act", "may_act"];
/// What only other tokens of the same issuer and key have: ID tokens, and security event tokens such
/// as a logout token (RFC 8417).
const OF_OTHER_TOKENS: [&str; 4] = ["at_hash", "c_hash", "s_hash", "events"];

pub(super) const NO_ACCESS_TOKEN: Flaw = Flaw::Token("the token is not an access token");

/// A token taken apart; nothing in it is verified.
pub(crate) struct Unverified<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(crate) claims: Claims,
    /// Does its header say that it is an access token (RFC 9068), and not only that it is a JWT?
    pub(super) is_at_jwt: bool,
    message: &'a [u8],
    signature: &'a str,
}

/// What is wrong with a token. The texts are fixed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flaw {
    /// Its form, its signature, or that it is no access token.
    Token(&'static str),
    /// Who issued it.
    Issuer(&'static str),
    /// Its times.
    Time(&'static str),
    /// Whom it is for.
    Audience(&'static str),
    /// Nothing is known of it: its issuer's keys cannot be had.
    Keys,
    /// Nothing is known of it: its issuer does not say what it is.
    Introspection,
    /// It says nothing itself, and nobody is asked what it is.
    Opaque,
}

impl Flaw {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Token(text) | Self::Issuer(text) | Self::Time(text) | Self::Audience(text) => {
                text
            }
            Self::Keys => "the token issuer's keys cannot be fetched",
            Self::Introspection => "the token's issuer does not say what it is",
            Self::Opaque => "the token is opaque, and its issuer is not asked what it is",
        }
    }
}

/// Why a key set does not vouch for a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unsigned {
    /// It has no key of the kind that the token asks for.
    UnknownKey,
    /// None of its keys made the signature.
    WrongSignature,
}

impl Unsigned {
    pub(super) const fn flaw(self) -> Flaw {
        Flaw::Token(match self {
            Self::UnknownKey => "the token is signed with a key that its issuer does not list",
            Self::WrongSignature => "the token's signature is wrong",
        })
    }
}

impl<'a> Unverified<'a> {
    /// Does it look like one? What does not means nothing to anybody but its issuer.
    pub(super) fn is_meant_by(text: &str) -> bool {
        let header = text.split_once('.').filter(|(_, rest)| rest.matches('.').count() == 1);
        let header = header.and_then(|(header, _)| Base64UrlUnpadded::decode_vec(header).ok());
        header.is_some_and(|header| strict_json::object(&header).is_some())
    }

    pub(crate) fn parse(text: &'a str) -> Result<Self, Flaw> {
        const MALFORMED: Flaw = Flaw::Token("the token is malformed");
        if text.len() > MAX_LENGTH {
            return Err(TOO_LONG);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, claims) = message.split_once('.').ok_or(MALFORMED)?;
        if claims.contains('.') {
            return Err(MALFORMED);
        }
        let decode = |part: &str| Base64UrlUnpadded::decode_vec(part).map_err(|_| MALFORMED);
        let header = strict_json::object(&decode(header)?).ok_or(MALFORMED)?;
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(MALFORMED),
        };
        if ["jku", "jwk", "x5u", "x5c"].iter().any(|name| header.contains_key(*name)) {
            return Err(Flaw::Token("the token brings a key of its own"));
        }
        if ["crit", "b64"].iter().any(|name| header.contains_key(*name)) {
            return Err(Flaw::Token("the token asks for an extension that is not supported"));
        }
        // RFC 9068 section 4; a bare JWT is what most providers still issue. Other types (logout
        // tokens, DPoP proofs, grants) are signed with the same keys and mean something else.
        let is_at_jwt = match text("typ")?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("jwt") => false,
            Some("at+jwt" | "application/at+jwt") => true,
            Some(_) => return Err(NO_ACCESS_TOKEN),
        };
        let unknown = |_| Flaw::Token("the token's signature algorithm is not accepted");
        let algorithm = text("alg")?.ok_or(MALFORMED)?.parse().map_err(unknown)?;
        let kid = text("kid")?.map(str::to_owned);
        let claims = Claims(strict_json::object(&decode(claims)?).ok_or(MALFORMED)?);
        Ok(Self { algorithm, kid, claims, is_at_jwt, message: message.as_bytes(), signature })
    }

    /// Verifies the signature: which of the set's keys made it?
    pub(super) fn verify<'k>(&self, set: &'k KeySet) -> Result<&'k Key, Unsigned> {
        let made_by = |key: &&Key| key.verifies(self.message, self.signature, self.algorithm);
        let mut keys = set.fitting(self.kid.as_deref(), self.algorithm).peekable();
        if keys.peek().is_none() {
            return Err(Unsigned::UnknownKey);
        }
        keys.find(made_by).ok_or(Unsigned::WrongSignature)
    }
}

/// A claim is there and is something else than it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WrongType;

/// A token's claims.
#[derive(Clone, Debug)]
pub(crate) struct Claims(pub(super) Map<String, Value>);

impl Claims {
    /// Claims that nobody verified.
    pub(super) const fn claimed(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// The same with `iss`.
    pub(super) fn with_issuer(&self, issuer: &str) -> Self {
        let mut claims = self.0.clone();
        claims.insert("iss".into(), issuer.into());
        Self(claims)
    }

    #[cfg(test)]
    pub(super) fn new(claims: Value) -> Self {
        Self(claims.as_object().cloned().unwrap_or_default())
    }

    /// The claims of a token that was verified before, from [`to_json`](Self::to_json).
    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(Self)
    }

    /// The claims as JSON.
    pub(crate) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        // A map of texts and values always is.
        Zeroizing::new(serde_json::to_vec(&self.0).unwrap_or_default())
    }

    /// A claim, whatever it is.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// When the token ends, in seconds since 1970.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        self.time("exp").ok().flatten()
    }

    /// A claim that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A claim that is a list of texts, or one text with spaces between; nothing, where it is not
    /// there. A dot in the path leads into an object; names may hold dots themselves, so at each step
    /// the longest name counts that the path goes on with and that is there.
    pub(crate) fn texts(&self, path: &str) -> Result<Vec<String>, WrongType> {
        match follow(&self.0, path) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(text.split_whitespace().map(str::to_owned).collect()),
            Some(Value::Array(list)) => {
                list.iter().map(|item| item.as_str().map(str::to_owned).ok_or(WrongType)).collect()
            }
            Some(_) => Err(WrongType),
        }
    }

    /// What a path leads to, as in [`texts`](Self::texts), whatever it is.
    pub(super) fn at(&self, path: &str) -> Option<&Value> {
        follow(&self.0, path)
    }

    /// Is this claim there, whatever it is?
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whose token it is: `sub`, or what is configured in its place. Several claims have a slash
    /// between them, so that none of them may hold one.
    pub(crate) fn subject(&self, claims: &[String]) -> Result<String, Flaw> {
        let text = |name: &String| match self.text(name) {
            Some(text) if !text.is_empty() && (claims.len() < 2 || !text.contains('/')) => Ok(text),
            _ => Err(Flaw::Token("the token has no subject")),
        };
        let subject = claims.iter().map(text).collect::<Result<Vec<_>, _>>()?.join("/");
        if subject.len() > MAX_SUBJECT {
            return Err(Flaw::Token("the token's subject is too long"));
        }
        Ok(subject)
    }

    /// The client that the token was issued to: `azp` or `client_id` (RFC 9068 section 2.2), which
    /// must not contradict each other. Some issuers name none.
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.client().ok().flatten()
    }

    fn client(&self) -> Result<Option<&str>, Flaw> {
        let name = |claim| match self.0.get(claim) {
            None => Ok(None),
            Some(Value::String(name)) => Ok(Some(name.as_str())),
            Some(_) => Err(Flaw::Token("the token's client is not a text")),
        };
        match (name("azp")?, name("client_id")?) {
            (Some(one), Some(other)) if one != other => {
                Err(Flaw::Token("the token names two clients"))
            }
            (azp, client_id) => Ok(azp.or(client_id)),
        }
    }

    /// Is one of those whom the token is for one of these?
    pub(super) fn is_for(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        match self.0.get("aud") {
            Some(Value::String(one)) => is_meant(one),
            Some(Value::Array(list)) => {
                list.iter().all(Value::is_string)
                    && list.iter().any(|one| one.as_str().is_some_and(&is_meant))
            }
            _ => false,
        }
    }

    /// Whole seconds since 1970; fractions, which RFC 7519 allows, are cut.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, Flaw> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        // A number that is no i64 is a fraction, or larger than any time; the cast saturates.
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
        match seconds.ok_or(Flaw::Time("a time in the token is not a number"))? {
            seconds @ 0..=LAST_SECOND => Ok(Some(seconds)),
            _ => Err(Flaw::Time("a time in the token is out of range")),
        }
    }

    /// When it is valid.
    pub(super) fn times(&self) -> Result<Times, Flaw> {
        let end = self.time("exp")?.ok_or(Flaw::Time("the token has no expiry"))?;
        Ok(Times { end, start: self.time("nbf")?, issued: self.time("iat")? })
    }

    /// Everything that a token must say beside its signature (RFC 8725 section 3, RFC 9068
    /// section 4).
    pub(super) fn check(
        &self,
        idp: &TrustedIdp,
        audiences: &[String],
        now: i64,
    ) -> Result<(), Flaw> {
        self.times()?.check(&idp.security, now)?;
        self.time("auth_time")?;
        if !self.is_for(|one| audiences.iter().any(|meant| meant == one)) {
            return Err(Flaw::Audience("the token is for another audience"));
        }
        // What it says of its subject beside: whoever it is known by, RFC 9068 wants this one.
        self.subject(&["sub".to_owned()])?;
        self.client()?;
        self.check_types()?;
        if idp.security.required_claims.iter().any(|name| !self.has(name)) {
            return Err(Flaw::Token("the token lacks a claim that is required"));
        }
        // ID and refresh tokens are signed with the same keys; Keycloak tells them apart in here.
        // Other issuers leave it out.
        if self.0.get("typ").is_some_and(|typ| !is_text(typ, "Bearer")) {
            return Err(NO_ACCESS_TOKEN);
        }
        if OF_OTHER_TOKENS.iter().any(|name| self.has(name)) {
            return Err(NO_ACCESS_TOKEN);
        }
        Ok(())
    }

    /// Registered claims of which nothing else is asked.
    fn check_types(&self) -> Result<(), Flaw> {
        let is = |names: &[&str], kind: fn(&Value) -> bool| {
            names.iter().all(|name| self.0.get(*name).is_none_or(kind))
        };
        let texts = |value: &Value| {
            value.is_string()
                || value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
        };
        // RFC 8693 has `scope` as one text; some issuers write a list.
        let sound = is(&TEXTS, Value::is_string) && is(&OBJECTS, Value::is_object);
        if sound && is(&["amr", "scope"], texts) {
            Ok(())
        } else {
            Err(Flaw::Token("a claim of the token has a wrong type"))
        }
    }
}

/// A token's times, in seconds since 1970; all are in range, and settings are bounded, so that no
/// sum of them overflows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    end: i64,
    start: Option<i64>,
    issued: Option<i64>,
}

impl Times {
    pub(super) fn check(&self, security: &Security, now: i64) -> Result<(), Flaw> {
        let tolerance = security.clock_tolerance;
        if now >= self.end + tolerance {
            return Err(Flaw::Time("the token has expired"));
        }
        if self.start.is_some_and(|start| start > now + tolerance) {
            return Err(Flaw::Time("the token is not valid yet"));
        }
        if self.issued.is_some_and(|issued| issued > now + tolerance) {
            return Err(Flaw::Time("the token was issued in the future"));
        }
        if let Some(limit) = security.max_token_age
            && self.issued.is_none_or(|issued| now - issued > limit + tolerance)
        {
            return Err(Flaw::Time("the token is too old"));
        }
        Ok(())
    }

    /// When it was issued, at the earliest.
    pub(super) fn issued_at(&self, security: &Security) -> Option<i64> {
        self.issued.map(|issued| issued - security.clock_tolerance)
    }

    /// When it ends.
    pub(super) const fn expires_at(&self) -> i64 {
        self.end
    }

    /// From when on it is of no use in any case.
    pub(super) const fn end(&self, security: &Security) -> i64 {
        self.end + security.clock_tolerance
    }
}

fn is_text(value: &Value, expected: &str) -> bool {
    value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(expected))
}

/// What a path leads to; each step takes the longest member that it can.
fn follow<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    let dots = path.rmatch_indices('.');
    let (value, rest) = dots
        .map(|(dot, _)| (object.get(&path[..dot]), &path[dot + 1..]))
        .find_map(|(value, rest)| Some((value?, rest)))?;
    follow(value.as_object()?, rest)
}
