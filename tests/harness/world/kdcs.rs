//! The realm's KDCs: one directory, any number of addresses, each as well or as ill as a test wants.

use std::collections::HashMap;
use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use krb_client::{Carry, Carrying, Clock, Endpoint, Entropy};
use krb_proto::Context;
use krb_proto::kdc::{Asked, Event, Outcome, Realm, handle};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::{Seeded, Shown, Time};

/// How a KDC is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Is {
    /// It answers.
    Up,
    /// Its machine answers that nobody listens.
    Stopped,
    /// It takes requests and says nothing.
    Frozen,
    /// It answers after a while.
    Slow(Duration),
}

/// Carries to the KDCs of several realms.
#[derive(Clone)]
pub(super) struct Several(pub(super) Vec<Kdcs>);

impl Carry for Several {
    fn carry(&self, kdc: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        let address = kdc.address().expect("an address");
        let own = self.0.iter().find(|kdcs| kdcs.kdcs().contains_key(&address));
        own.or(self.0.first()).expect("a realm").carry(kdc, message, until)
    }
}

/// KDCs of one realm. Clones are the same ones.
#[derive(Clone)]
pub struct Kdcs(Arc<Inner>);

struct Inner {
    random: Seeded,
    realm: Mutex<Realm>,
    kdcs: Mutex<HashMap<SocketAddr, Kdc>>,
    seen: Mutex<Vec<Seen>>,
}

struct Kdc {
    is: Is,
    clock: Arc<Shown>,
}

/// A request, and what became of it.
#[derive(Clone)]
pub struct Seen {
    /// Which KDC was asked.
    pub kdc: SocketAddr,
    /// The request's bytes.
    pub request: Vec<u8>,
    /// What the KDC's log would say.
    pub event: Event,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kdc, self.event)
    }
}

impl Kdcs {
    /// So many at 10.0.0.1, 10.0.0.2, …, all well.
    #[must_use]
    pub fn new(realm: Realm, count: u8, time: &Time) -> Self {
        Self::numbered(realm, 1..=count, time)
    }

    /// Those with these numbers, all well.
    #[must_use]
    pub fn numbered(realm: Realm, numbers: impl Iterator<Item = u8>, time: &Time) -> Self {
        let kdc = |number| (Self::address(number), Kdc { is: Is::Up, clock: time.clock() });
        Self(Arc::new(Inner {
            random: Seeded::new(88),
            realm: Mutex::new(realm),
            kdcs: Mutex::new(numbers.map(kdc).collect()),
            seen: Mutex::default(),
        }))
    }

    /// Where the KDC with this number is, the first one's being 1.
    #[must_use]
    pub fn address(number: u8) -> SocketAddr {
        ([10, 0, 0, number], 88).into()
    }

    /// The directory, to be looked at or changed.
    ///
    /// # Panics
    /// If another test thread panicked with it.
    pub fn realm(&self) -> MutexGuard<'_, Realm> {
        self.0.realm.lock().expect("the realm")
    }

    fn kdcs(&self) -> MutexGuard<'_, HashMap<SocketAddr, Kdc>> {
        self.0.kdcs.lock().expect("the KDCs")
    }

    /// From now on one of them is so.
    pub fn set(&self, number: u8, is: Is) {
        self.kdcs().entry(Self::address(number)).and_modify(|kdc| kdc.is = is);
    }

    /// From now on all of them are so.
    pub fn set_all(&self, is: Is) {
        self.kdcs().values_mut().for_each(|kdc| kdc.is = is);
    }

    /// From now on one's clock is ahead by so many seconds.
    pub fn set_wrong_by(&self, number: u8, seconds: i64) {
        self.kdcs()[&Self::address(number)].clock.set_wrong_by(seconds);
    }

    /// What was asked since this was last asked for.
    ///
    /// # Panics
    /// If another test thread panicked with it.
    #[allow(clippy::must_use_candidate)] // to forget it is a use
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.seen.lock().expect("what was seen"))
    }

    fn answer(&self, kdc: SocketAddr, clock: &Shown, request: Vec<u8>) -> Result<Vec<u8>> {
        let mut random: &dyn Entropy = &self.0.random;
        let mut cx = Context { now: clock.now(), kdc_offset: 0, rng: &mut random };
        let reply = handle(&mut cx, &self.realm(), &request);
        let seen = Seen { kdc, request, event: reply.event };
        self.0.seen.lock().expect("what was seen").push(seen);
        if reply.message.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(reply.message)
    }
}

impl Carry for Kdcs {
    fn carry(&self, kdc: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        let kdc = kdc.address().expect("an address");
        let silent = || Error::new(ErrorKind::TimedOut, "no answer in time");
        Box::pin(async move {
            let found = self.kdcs().get(&kdc).map(|kdc| (kdc.is, kdc.clock.clone()));
            let (is, clock) = found.ok_or(ErrorKind::HostUnreachable)?;
            match is {
                Is::Up => {}
                Is::Stopped => return Err(ErrorKind::ConnectionRefused.into()),
                Is::Frozen => {
                    sleep_until(until).await;
                    return Err(silent());
                }
                Is::Slow(time) => timeout_at(until, sleep(time)).await.map_err(|_| silent())?,
            }
            self.answer(kdc, &clock, message)
        })
    }
}

/// How many of these events asked for that.
#[must_use]
pub fn count(seen: &[Seen], asked: Asked) -> usize {
    seen.iter().filter(|seen| seen.event.asked == asked).count()
}

/// Was a ticket given for one of these?
#[must_use]
pub fn granted(seen: &[Seen], asked: Asked) -> usize {
    let granted = |seen: &&Seen| matches!(seen.event.outcome, Outcome::Granted { .. });
    seen.iter().filter(|seen| seen.event.asked == asked).filter(granted).count()
}
