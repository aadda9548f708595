//! Callers whose tokens were verified, so that no token is verified twice.
//!
//! What is kept is what never changes: which key made the signature, and what the claims say. What
//! may change is looked at again whenever the token comes: the time, and whether its issuer still
//! lists the key. What its issuer said of an opaque token is kept for a minute. So a token that is
//! found here passes if, and only if, it would pass anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use krb_client::Moment;
use serde_json::Value;

use super::Caller;
use super::confirmation::Confirmation;
use super::jwt::{Times, Unverified};
use super::kept::{Fingerprint, Kept, Limits};
use super::key_set::{Key, KeySet};

/// Only tokens of trusted issuers get in here.
const LIMITS: Limits = Limits { entries: 1 << 16, bytes: 64 << 20 };
/// What an entry takes beside its token and its texts.
const OVERHEAD: usize = 512;
/// What JSON takes, for each octet of its text, at the most: numbers of one digit are two octets
/// each, in a list that may have room for as many again.
const OF_JSON: usize = size_of::<Value>();

/// A token that was verified.
pub(super) struct Verified {
    pub(super) caller: Arc<Caller>,
    /// Its place in the list of issuers.
    pub(super) issuer: usize,
    pub(super) times: Times,
    /// For the caller's clock, in seconds.
    pub(super) tolerance: i64,
    /// Nobody, where its issuer said what it is.
    pub(super) signed: Option<Signed>,
    pub(super) confirmation: Confirmation,
}

/// Which key made a signature.
pub(super) struct Signed {
    kid: Option<String>,
    algorithm: Algorithm,
    thumbprint: Arc<str>,
}

impl Signed {
    pub(super) fn new(token: &Unverified<'_>, key: &Key) -> Self {
        Self {
            kid: token.kid.clone(),
            algorithm: token.algorithm,
            thumbprint: Arc::clone(key.thumbprint()),
        }
    }

    /// Would it be tried, among the keys that there are now?
    pub(super) fn is_listed_in(&self, keys: &KeySet) -> bool {
        keys.fitting(self.kid.as_deref(), self.algorithm)
            .any(|key| *key.thumbprint() == self.thumbprint)
    }
}

/// What an entry takes.
fn size(caller: &Caller) -> usize {
    let client_id = caller.client_id().unwrap_or_default();
    let texts = [caller.issuer(), caller.subject(), client_id, caller.token().as_str()];
    let may_act = caller.may_act().map_or(0, |may_act| may_act.to_string().len() * OF_JSON);
    OVERHEAD + may_act + texts.iter().map(|text| text.len()).sum::<usize>()
}

/// Those that are known.
pub(super) struct VerifiedTokens(Mutex<Kept<Arc<Verified>>>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Kept::new(LIMITS)))
    }

    pub(super) fn get(&self, token: &Fingerprint, now: Moment) -> Option<Arc<Verified>> {
        self.lock().get(token, now)
    }

    pub(super) fn put(
        &self,
        token: Fingerprint,
        verified: Arc<Verified>,
        time: Duration,
        now: Moment,
    ) {
        let bytes = size(&verified.caller);
        self.lock().put(token, verified, bytes, time, now);
    }

    fn lock(&self) -> MutexGuard<'_, Kept<Arc<Verified>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_a_token_says_is_counted() {
        let caller = |client| Caller::unverified("https://idp.example", "alice", client);
        let plain = size(&caller(None));
        assert_eq!(size(&caller(Some("agent"))), plain + 5);
        let may_act = json!({ "sub": vec![0; 1000] });
        let takes = 1000 * 2 * size_of::<Value>();
        assert!(size(&caller(None).with_may_act(may_act)) >= plain + takes);
    }
}
