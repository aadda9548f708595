//! Callers whose tokens were verified, so that no token is verified twice.
//!
//! What is kept is what never changes: which key made the signature, and what the claims say. What
//! may change is looked at again whenever the token comes: the time, and whether its issuer still
//! lists the key. What its issuer said of an opaque token is kept for a minute. So a token that is found here passes if, and only if, it would pass anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jsonwebtoken::Algorithm;

use super::Caller;
use super::confirmation::Confirmation;
use super::jwt::{Times, Unverified};
use super::kept::{Fingerprint, Kept, Limits};
use super::key_set::{Key, KeySet};

/// Only tokens of trusted issuers get in here.
const LIMITS: Limits = Limits { entries: 1 << 16, bytes: 64 << 20 };
/// What an entry takes beside its token and its texts.
const OVERHEAD: usize = 512;

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
    thumbprint: String,
}

impl Signed {
    pub(super) fn new(token: &Unverified<'_>, key: &Key) -> Self {
        Self {
            kid: token.kid.clone(),
            algorithm: token.algorithm,
            thumbprint: key.thumbprint().to_owned(),
        }
    }

    /// Would it be tried, among the keys that there are now?
    pub(super) fn is_listed_in(&self, keys: &KeySet) -> bool {
        keys.fitting(self.kid.as_deref(), self.algorithm)
            .any(|key| key.thumbprint() == self.thumbprint)
    }
}

/// Those that are known.
pub(super) struct VerifiedTokens(Mutex<Kept<Arc<Verified>>>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Kept::new(LIMITS)))
    }

    pub(super) fn get(&self, token: &Fingerprint, now: i64) -> Option<Arc<Verified>> {
        self.lock().get(token, now)
    }

    pub(super) fn put(&self, token: Fingerprint, verified: Arc<Verified>, until: i64, now: i64) {
        let caller = &verified.caller;
        let texts = [caller.issuer(), caller.subject(), caller.token().as_str()];
        let bytes = OVERHEAD + texts.iter().map(|text| text.len()).sum::<usize>();
        self.lock().put(token, verified, bytes, until, now);
    }

    fn lock(&self) -> MutexGuard<'_, Kept<Arc<Verified>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
