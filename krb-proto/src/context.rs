use crate::Timestamp;

/// A source of cryptographically secure random bytes, lent by the caller.
pub trait Random {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);
}

/// What a step of an exchange may know of the world: the time, and fresh randomness.
///
/// `now` is the caller's own clock and decides whether something has expired. `kdc_offset` is how
/// far the KDC's clock is ahead of it, in seconds; it is added only to the times that we *send*.
pub struct Context<'a> {
    /// The caller's clock.
    pub now: Timestamp,
    /// Seconds by which the peer's clock is ahead of `now`.
    pub kdc_offset: i64,
    /// Fresh randomness.
    pub rng: &'a mut dyn Random,
}

impl Context<'_> {
    /// The time as the peer sees it, for what we send.
    #[must_use]
    pub fn peer_time(&self) -> Timestamp {
        self.now.plus_seconds(self.kdc_offset)
    }
}
