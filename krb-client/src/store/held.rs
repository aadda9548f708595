use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use krb_proto::Credential;

use crate::clock::Moment;

/// A ticket, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) credential: Arc<Credential>,
    /// When the KDC was asked for it; for a service ticket, when it was asked for its evidence.
    pub(crate) since: Moment,
    /// No other fetch has this number.
    pub(crate) number: NonZeroU64,
    /// Was it in the store when it was asked for?
    pub(crate) was_stored: bool,
}

impl Held {
    pub(crate) fn new(credential: Arc<Credential>, since: Moment) -> Self {
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        let number = FETCHES.fetch_add(1, Ordering::Relaxed);
        let number = NonZeroU64::MIN.saturating_add(number);
        Self { credential, since, number, was_stored: false }
    }
}
