//! The one place that awaits a KDC.

mod race;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use krb_proto::Context;
use krb_proto::exchange::{Exchange, ExchangeError, Step};
use tokio::time::Instant;

use crate::kdc::Memory;
use crate::transport::Carry;
use crate::{ClientError, Clock, KdcSource, OsRandom, Transport};
use race::{Race, Won};

/// No exchange needs more round trips in one realm than these.
const MAX_ROUNDS: usize = 8;

/// How patient to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For one KDC, the first time that it is asked.
    pub(crate) per_kdc: Duration,
    /// For a whole exchange.
    pub(crate) overall: Duration,
}

/// Carries exchanges to KDCs: finds them, picks those that answer, corrects clocks.
pub(crate) struct Driver<T = Transport> {
    pub(crate) kdcs: KdcSource,
    pub(crate) transport: T,
    pub(crate) patience: Patience,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) memory: Memory,
}

impl<T: Carry> Driver<T> {
    /// Runs an exchange to its end.
    pub(crate) async fn run<E>(&self, mut exchange: E) -> Result<E::Output, ClientError>
    where
        E: Exchange + Clone + Send,
    {
        let deadline = Instant::now() + self.patience.overall;
        for _ in 0..MAX_ROUNDS {
            // The second round trip begins with the KDC of the first: it is the one that answered.
            let Won { kdc, exchange: asked, reply } =
                Race::new(self, exchange, deadline)?.run().await?;
            exchange = asked;
            match exchange.receive(&self.context(kdc, &mut OsRandom), &reply)? {
                Step::Continue => {}
                Step::Done(output) => return Ok(output),
            }
        }
        Err(ExchangeError::TooManyRounds.into())
    }

    /// The time, corrected for this KDC, and randomness.
    fn context<'a>(&self, kdc: SocketAddr, rng: &'a mut OsRandom) -> Context<'a> {
        Context { now: self.clock.now(), kdc_offset: self.memory.offset(kdc), rng }
    }
}

#[cfg(test)]
mod tests;
