use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use krb_proto::Credential;
use krb_proto::formats::{CacheEntry, CredentialCache};
use zeroize::Zeroizing;

use crate::clock::Moment;

/// What [`SharedTickets`] does, at some time.
pub type Sharing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where tickets in users' names are kept for other processes that do the same work. It seals what it
/// is given before that leaves the process, and believes nothing that it did not seal for that slot.
/// It does not fail: what it cannot find is asked of the KDC.
pub trait SharedTickets: Send + Sync {
    /// What was kept under this slot.
    fn find<'a>(&'a self, slot: &'a [u8]) -> Sharing<'a, Option<SharedTicket>>;

    /// Keeps a ticket under this slot for so long at most.
    fn keep<'a>(&'a self, slot: &'a [u8], ticket: SharedTicket, life: Duration) -> Sharing<'a, ()>;
}

/// A ticket, and when it was asked for.
#[derive(Clone, Debug)]
pub struct SharedTicket {
    /// When the KDC was asked for it or, for a service ticket, for its evidence: seconds since 1970.
    pub asked_at: i64,
    /// The ticket with its session key.
    pub credential: Credential,
}

impl SharedTicket {
    /// As octets, to be sealed.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut cache = CredentialCache::new(self.credential.client.clone());
        cache.entries.push(CacheEntry::from(&self.credential));
        let cache = cache.to_bytes();
        let mut bytes = Zeroizing::new(Vec::with_capacity(8 + cache.len()));
        bytes.extend_from_slice(&self.asked_at.to_be_bytes());
        bytes.extend_from_slice(&cache);
        bytes
    }

    /// From octets that were sealed. `None` if they are none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (asked_at, cache) = bytes.split_first_chunk()?;
        let cache = CredentialCache::from_bytes(cache).ok()?;
        let [entry] = &*cache.entries else { return None };
        let credential = entry.credential().ok()?;
        Some(Self { asked_at: i64::from_be_bytes(*asked_at), credential })
    }

    /// Since when it says what it says, by clocks of this machine: no later than the KDC issued it,
    /// whatever the clock of whoever kept it said.
    pub(crate) fn since(&self, now: Moment) -> Moment {
        let issued = self.credential.times.starttime.unix();
        now.at(self.asked_at.min(issued))
    }
}
