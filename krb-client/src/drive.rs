//! The one place that awaits a KDC.

mod race;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use krb_proto::Context;
use krb_proto::exchange::{Exchange, ExchangeError, Step};
use tokio::time::Instant;

use crate::kdc::{Endpoint, Memory, Service};
use crate::{Carry, ClientError, Clock, Entropy, KdcSource, Realms, Unreachable};
use race::{Race, Won};

/// An exchange is ended after so many round trips in one realm: more than any that is driven here
/// needs, so that a KDC that always asks for one more is left in the end.
const MAX_ROUNDS: usize = 16;
/// And after so many in all: the longest is [`TgsWalk`](krb_proto::exchange::TgsWalk).
const MAX_ROUNDS_IN_ALL: usize = 64;
/// So many KDCs may answer what is no answer before that is taken for the realm's.
const MAX_SPOILT: usize = 3;

/// How patient to be.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// With one KDC, the first time that it is asked; doubled in each further try. Others are asked
    /// beside it before it ends.
    pub per_kdc: Duration,
    /// With a whole exchange.
    pub overall: Duration,
}

impl Default for Patience {
    /// 1 second with one KDC, 10 seconds with an exchange.
    fn default() -> Self {
        Self { per_kdc: Duration::from_secs(1), overall: Duration::from_secs(10) }
    }
}

/// Carries exchanges to KDCs: finds those of the realm that an exchange names, picks those that
/// answer, corrects clocks. It asks for nobody in particular and keeps no tickets.
pub struct Driver {
    realms: Realms,
    transport: Arc<dyn Carry>,
    patience: Patience,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Entropy>,
    /// What was learnt of each KDC, and which one each realm prefers.
    memory: Memory,
}

impl Driver {
    /// A driver for these realms; it does nothing until it is given an exchange.
    #[must_use]
    pub fn new(
        realms: impl Into<Realms>,
        transport: Arc<dyn Carry>,
        patience: Patience,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Entropy>,
    ) -> Self {
        let realms = realms.into();
        Self { realms, transport, patience, clock, random, memory: Memory::default() }
    }

    /// Where the realms' servers are.
    #[must_use]
    pub const fn realms(&self) -> &Realms {
        &self.realms
    }

    fn source(&self, realm: &str) -> Result<Arc<KdcSource>, Unreachable> {
        let found = self.realms.source(realm, Service::Kdc);
        found.map_err(|reason| Unreachable {
            service: Service::Kdc,
            realm: realm.to_owned(),
            tried: Vec::new(),
            discovery: Some(reason),
        })
    }

    /// Runs an exchange to its end, each round trip with the KDCs of the realm that it names.
    ///
    /// # Errors
    /// [`ClientError::Exchange`] if a KDC refused or no reply stood up to verification,
    /// [`ClientError::Unreachable`] if none of a realm answered in time, or it is not one of the
    /// driver's.
    pub async fn run<E>(&self, mut exchange: E) -> Result<E::Output, ClientError>
    where
        E: Exchange + Clone + Send,
    {
        let deadline = Instant::now() + self.patience.overall;
        let (mut rounds, mut spoilt) = (Rounds::default(), Spoilt::default());
        loop {
            // The second round trip begins with the KDC of the first: it is the one that answered.
            let race = Race::new(self, exchange.clone(), deadline, &spoilt.kdcs)?;
            let won = race.run().await;
            let Won { kdc, exchange: mut asked, reply, answered } = match won {
                Ok(won) => won,
                Err(error) => return Err(spoilt.error.map_or(error, Into::into)),
            };
            match asked.receive(&self.context(&kdc, &mut &*self.random), &reply) {
                Ok(step) => {
                    self.memory.answered(&answered);
                    match step {
                        Step::Continue => exchange = asked,
                        Step::Done(output) => return Ok(output),
                    }
                    if !rounds.goes_on(&answered.realm) {
                        return Err(ExchangeError::TooManyRounds.into());
                    }
                }
                // Something else answers at that address, or the reply was not its own.
                Err(error) if is_no_answer(&error) && spoilt.kdcs.len() < MAX_SPOILT => {
                    tracing::warn!(%kdc, %error, "a KDC's answer is none; asking another");
                    self.memory.failed(&answered.realm, &kdc);
                    spoilt.kdcs.push(kdc);
                    spoilt.error = Some(error);
                }
                // Anybody can say no: nothing in it is proved, so it makes no KDC the first to ask.
                Err(error) => {
                    self.memory.refused(&answered, rounds.all > 0);
                    return Err(error.into());
                }
            }
        }
    }

    /// The time, corrected for this KDC, and randomness.
    fn context<'a>(&self, kdc: &Endpoint, rng: &'a mut &dyn Entropy) -> Context<'a> {
        Context { now: self.clock.now(), kdc_offset: self.memory.offset(kdc), rng }
    }
}

/// The round trips of an exchange.
#[derive(Default)]
struct Rounds {
    all: usize,
    by_realm: HashMap<Arc<str>, usize>,
}

impl Rounds {
    /// Counts one in this realm. `false` if it was the last that is allowed.
    fn goes_on(&mut self, realm: &Arc<str>) -> bool {
        self.all += 1;
        let here = self.by_realm.entry(realm.clone()).or_default();
        *here += 1;
        *here < MAX_ROUNDS && self.all < MAX_ROUNDS_IN_ALL
    }
}

/// KDCs whose answer was none, and the last one's.
#[derive(Default)]
struct Spoilt {
    kdcs: Vec<Endpoint>,
    error: Option<ExchangeError>,
}

/// What is not the realm's own word: no message of the protocol, one that answers something else,
/// or one that is sealed with another key.
const fn is_no_answer(error: &ExchangeError) -> bool {
    matches!(
        error,
        ExchangeError::Malformed(_) | ExchangeError::Mismatch(_) | ExchangeError::Crypto(_)
    )
}

#[cfg(test)]
mod tests;
