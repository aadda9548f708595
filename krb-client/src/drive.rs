//! The one place that awaits a KDC.

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use krb_proto::Context;
use krb_proto::asn1::KrbError;
use krb_proto::exchange::{Exchange, Request, Step};
use krb_proto::iana::ErrorCode;
use tokio::time::{Instant, sleep, timeout_at};

use crate::kdc::Offsets;
use crate::{
    ClientError, Clock, KdcFailure, KdcSource, OsRandom, Transport, Unreachable, transport,
};

/// No exchange needs more round trips in one realm than these.
const MAX_ROUNDS: usize = 8;
/// How often the list of KDCs is gone through, each time with twice the patience.
const PASSES: u32 = 3;

/// How patient to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For one KDC, in the first pass.
    pub(crate) per_kdc: Duration,
    /// For a whole exchange.
    pub(crate) overall: Duration,
}

/// Carries exchanges to KDCs: picks the KDC, fails over, corrects clocks, falls back to TCP.
pub(crate) struct Driver {
    pub(crate) kdcs: KdcSource,
    pub(crate) transport: Transport,
    pub(crate) patience: Patience,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) offsets: Offsets,
}

/// What became of one request to one KDC.
enum Answer {
    Reply(Vec<u8>),
    /// This KDC is of no use for now.
    Failed(Error),
}

impl Driver {
    /// Runs an exchange to its end.
    pub(crate) async fn run<E: Exchange>(&self, mut exchange: E) -> Result<E::Output, ClientError> {
        let deadline = Instant::now() + self.patience.overall;
        for _ in 0..MAX_ROUNDS {
            let (kdc, reply) = self.round_trip(&mut exchange, deadline).await?;
            match exchange.receive(&self.context(kdc, &mut OsRandom), &reply)? {
                Step::Continue => {}
                Step::Done(output) => return Ok(output),
            }
        }
        Err(krb_proto::exchange::ExchangeError::TooManyRounds.into())
    }

    /// The time, corrected for this KDC, and randomness.
    fn context<'a>(&self, kdc: SocketAddr, rng: &'a mut OsRandom) -> Context<'a> {
        Context { now: self.clock.now(), kdc_offset: self.offsets.get(kdc), rng }
    }

    /// Gets one answer from some KDC of the realm that the exchange names.
    async fn round_trip<E: Exchange>(
        &self,
        exchange: &mut E,
        deadline: Instant,
    ) -> Result<(SocketAddr, Vec<u8>), ClientError> {
        // Built only to learn the realm: a request is built again for each KDC, with its clock.
        let any: SocketAddr = ([0; 4], 0).into();
        let realm = exchange.request(&mut self.context(any, &mut OsRandom))?.realm;
        let realm = String::from_utf8_lossy(&realm).into_owned();
        let unreachable = |tried, discovery| Unreachable { realm: realm.clone(), tried, discovery };

        let kdcs = match timeout_at(deadline, self.kdcs.kdcs(&realm)).await {
            Ok(Ok(kdcs)) => kdcs,
            Ok(Err(error)) => return Err(unreachable(Vec::new(), Some(error.to_string())).into()),
            Err(_) => {
                let text = "looking up its KDCs took too long".to_owned();
                return Err(unreachable(Vec::new(), Some(text)).into());
            }
        };
        let mut tried: Vec<KdcFailure> = Vec::new();
        for pass in 0..PASSES {
            let patience = self.patience.per_kdc * 2u32.pow(pass);
            for &kdc in &kdcs {
                let until = deadline.min(Instant::now() + patience);
                match self.ask(exchange, kdc, until).await? {
                    Answer::Reply(reply) => return Ok((kdc, reply)),
                    Answer::Failed(error) => {
                        tracing::debug!(%kdc, %error, "KDC failed");
                        tried.retain(|failure| failure.kdc != kdc);
                        tried.push(KdcFailure { kdc, error: Arc::new(error) });
                    }
                }
            }
            // Another pass helps against loss and load, not against KDCs that all refuse at once.
            let hopeless = tried.iter().all(|failure| failure.error.kind() != ErrorKind::TimedOut);
            if hopeless || Instant::now() >= deadline {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(unreachable(tried, None).into())
    }

    /// Asks one KDC, again with a corrected clock if it says that ours is wrong.
    async fn ask<E: Exchange>(
        &self,
        exchange: &mut E,
        kdc: SocketAddr,
        until: Instant,
    ) -> Result<Answer, ClientError> {
        let mut clock_corrected = false;
        loop {
            let request = exchange.request(&mut self.context(kdc, &mut OsRandom))?;
            let reply = match self.send(&request, kdc, until).await {
                Ok(reply) => reply,
                Err(error) => return Ok(Answer::Failed(error)),
            };
            let Some((code, server_time)) = error_and_time(&reply) else {
                return Ok(Answer::Reply(reply));
            };
            match code {
                ErrorCode::SVC_UNAVAILABLE => {
                    let text = "the KDC answered KDC_ERR_SVC_UNAVAILABLE (29)";
                    return Ok(Answer::Failed(Error::other(text)));
                }
                ErrorCode::SKEW if !clock_corrected => {
                    let offset = server_time - self.clock.now().seconds.unix();
                    if !self.offsets.learn(kdc, offset) {
                        return Ok(Answer::Reply(reply));
                    }
                    tracing::warn!(%kdc, offset, "the KDC's clock differs; times sent are corrected");
                    clock_corrected = true;
                }
                _ => return Ok(Answer::Reply(reply)),
            }
        }
    }

    /// Carries one message, by UDP first where that was asked for.
    async fn send(
        &self,
        request: &Request,
        kdc: SocketAddr,
        until: Instant,
    ) -> Result<Vec<u8>, Error> {
        if self.transport == Transport::Udp {
            let reply = in_time(until, transport::udp(kdc, &request.message)).await?;
            if !matches!(error_and_time(&reply), Some((ErrorCode::RESPONSE_TOO_BIG, _))) {
                return Ok(reply);
            }
        }
        in_time(until, transport::tcp(kdc, &request.message)).await
    }
}

async fn in_time<T>(
    until: Instant,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match timeout_at(until, future).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(ErrorKind::TimedOut, "no answer in time")),
    }
}

/// Code and server time, if the reply is a KRB-ERROR.
fn error_and_time(reply: &[u8]) -> Option<(ErrorCode, i64)> {
    let error: KrbError<'_> = krb_proto::der::decode(reply).ok()?;
    Some((error.error_code, error.stime.unix()))
}

#[cfg(test)]
mod tests;
