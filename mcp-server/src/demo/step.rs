//! What travelled in one call, from the agent's token to the audit log, and whether it ended as it
//! should.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Serialize;
use serde_json::{Value, json};

use super::kdc_log::Asking;
use super::webapp::Visit;

/// One call.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Step {
    /// From 1.
    pub(super) number: u64,
    pub(super) title: String,
    /// It is one of the demonstration's own; others somebody tried.
    pub(super) scripted: bool,
    /// What the agent asked for.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) call: Value,
    /// What its token says.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) token: Value,
    /// What the KDC was asked.
    pub(super) kdc: Vec<Asking>,
    /// What the web application saw.
    pub(super) resource: Vec<Visit>,
    /// What the agent was told.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) answer: Value,
    /// The records of the audit log.
    pub(super) audit: Vec<Value>,
    /// What should be so.
    pub(super) checks: Vec<Check>,
    /// All of it is.
    pub(super) ok: bool,
    pub(super) milliseconds: u64,
}

/// What should be so in a step.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    pub(super) what: String,
    pub(super) holds: bool,
}

impl Check {
    pub(super) fn new(what: impl Into<String>, holds: bool) -> Self {
        Self { what: what.into(), holds }
    }
}

/// Whole milliseconds.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A token's claims and its header, not verified: this is for show.
pub(super) fn opened(token: &str, forged: bool) -> Value {
    let mut parts = token.split('.').map(|part| {
        let bytes = Base64UrlUnpadded::decode_vec(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    });
    let mut next = || parts.next().flatten().unwrap_or_default();
    let (header, claims) = (next(), next());
    json!({
        "subject": claims["sub"], "issuer": claims["iss"], "audience": claims["aud"],
        "algorithm": header["alg"], "key": header["kid"], "forged": forged
    })
}
