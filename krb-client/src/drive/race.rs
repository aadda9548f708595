//! One round trip, to whichever KDC of the realm answers first.
//!
//! It begins with one KDC alone. Only if that one is silent another is asked beside it, then as
//! many again each time, so that within one KDC's patience sixteen are: a few dozen silent ones in
//! front of the list cost no more than one. KDCs that answer are asked one at a time, since every
//! request with a wrong password in it counts towards a lock-out, and a KDC that is slow because it
//! is loaded is not helped by more requests.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use krb_proto::exchange::Exchange;
use krb_proto::iana::ErrorCode;
use tokio::time::{Instant, timeout_at};

use super::Driver;
use crate::kdc::{Answered, Endpoint, Place, Service, Way};
use crate::together::Together;
use crate::transport::{error_and_time, was_closed_meanwhile};
use crate::{ClientError, KdcFailure, KdcSource, ResolveError, Unreachable};

/// So many KDCs are asked at once.
const MAX_BREADTH: usize = 16;
/// So often a KDC is asked, each time with twice the patience.
const MAX_TRIES: u32 = 3;
/// Times within a race, in ticks: each is the twentieth part of the patience with one KDC.
const TICKS: u32 = 20;
/// How long the first KDC is alone: at least, and at most if it is known to be slow.
const ALONE: u32 = 6;
const ALONE_IF_SLOW: u32 = 11;
/// And how long each further number of them.
const STEP: u32 = 3;
/// After how long without an answer the next names are looked up, so that there is somebody to ask.
const LOOK_UP: u32 = 2;
/// So many names are looked up at once, and in each tick as many again: names that DNS is silent
/// about hold up nobody.
const LOOK_UPS: usize = 4;

/// So often a connection to one KDC that was kept may turn out to be closed before that is its
/// failure: others may have kept one meanwhile.
const MAX_CLOSED: u32 = 3;

/// The answer of a round trip.
pub(super) struct Won<E> {
    pub(super) kdc: Endpoint,
    /// The exchange that made the request which was answered.
    pub(super) exchange: E,
    pub(super) reply: Vec<u8>,
    pub(super) answered: Answered,
}

enum Event<E> {
    Listed(Result<Vec<Place>, ResolveError>),
    Resolved { rank: usize, found: Result<Vec<Endpoint>, ResolveError> },
    Replied { candidate: Candidate, exchange: E, reply: Result<Vec<u8>, Error> },
}

/// A KDC to be asked, or asked again.
#[derive(Clone)]
struct Candidate {
    kdc: Endpoint,
    /// Its place in the realm's list.
    rank: usize,
    tries: u32,
    not_before: Instant,
    clock_corrected: bool,
    /// How often a connection to it that was kept turned out to be closed.
    closed: u32,
}

/// A KDC that is being asked.
struct Asked {
    kdc: Endpoint,
    since: Instant,
}

/// The realm's list of KDCs.
#[derive(PartialEq, Eq)]
enum List {
    /// It was not needed: a KDC is preferred.
    NotAsked,
    Awaited,
    /// Known, or known not to be had.
    Here,
    Missing,
}

pub(super) struct Race<'a, E> {
    driver: &'a Driver,
    exchange: E,
    realm: Arc<str>,
    /// Where its KDCs are.
    source: Arc<KdcSource>,
    deadline: Instant,
    tick: Duration,
    began: Instant,

    list: List,
    /// When the list was there, and looking up its names could begin.
    listed: Instant,
    names: VecDeque<(usize, String, u16, Way)>,
    /// Places in the list of the names that are being looked up.
    looked_up: Vec<usize>,
    candidates: Vec<Candidate>,
    /// Every KDC that is or was a candidate.
    seen: Vec<Endpoint>,
    /// Those that are not to be asked.
    spoilt: &'a [Endpoint],
    asked: Vec<Asked>,
    /// How many are asked at once, and when there will be more.
    breadth: usize,
    broader: Option<Instant>,
    running: Together<'a, Event<E>>,

    tried: Vec<KdcFailure>,
    unresolved: Vec<String>,
}

impl<'a, E> Race<'a, E>
where
    E: Exchange + Clone + Send + 'a,
{
    pub(super) fn new(
        driver: &'a Driver,
        exchange: E,
        deadline: Instant,
        spoilt: &'a [Endpoint],
    ) -> Result<Self, ClientError> {
        let realm: Arc<str> = String::from_utf8_lossy(exchange.realm()?).into();
        let source = driver.source(&realm)?;
        let now = Instant::now();
        let mut race = Self {
            driver,
            exchange,
            realm,
            source,
            deadline,
            tick: driver.patience.per_kdc / TICKS,
            began: now,
            list: List::NotAsked,
            listed: now,
            names: VecDeque::new(),
            looked_up: Vec::new(),
            candidates: Vec::new(),
            seen: Vec::new(),
            spoilt,
            asked: Vec::new(),
            breadth: 1,
            broader: None,
            running: Together::default(),
            tried: Vec::new(),
            unresolved: Vec::new(),
        };
        // The KDC that answered last is asked without a look at the list, while that is not due.
        // When it is, the list decides, unless it is late.
        if let Some((kdc, fresh)) = driver.memory.preferred(&race.realm) {
            let not_before = if fresh { now } else { now + race.tick };
            race.add(kdc, 0, not_before);
        }
        if race.candidates.iter().all(|candidate| candidate.not_before > now) {
            race.ask_for_list();
        }
        Ok(race)
    }

    /// Runs it. Dropped at any time, it leaves no connection and no task behind.
    pub(super) async fn run(mut self) -> Result<Won<E>, ClientError> {
        loop {
            let now = Instant::now();
            if now >= self.deadline {
                return Err(self.unreachable());
            }
            self.look_around(now);
            while let Some(candidate) = self.next(now) {
                self.ask(candidate)?;
            }
            if self.is_over() {
                return Err(self.unreachable());
            }
            let wake = self.deadline.min(now + self.tick);
            match timeout_at(wake, self.running.next()).await {
                Err(_) => {}
                Ok(Event::Listed(found)) => self.take_list(found),
                Ok(Event::Resolved { rank, found }) => self.take_addresses(rank, found),
                Ok(Event::Replied { candidate, exchange, reply }) => {
                    if let Some(won) = self.take_reply(candidate, exchange, reply)? {
                        return Ok(won);
                    }
                }
            }
        }
    }

    // Finding candidates.

    fn ask_for_list(&mut self) {
        self.list = List::Awaited;
        let (source, realm) = (self.source.clone(), self.realm.clone());
        self.running.start(async move { Event::Listed(source.places(&realm, Service::Kdc).await) });
    }

    fn take_list(&mut self, found: Result<Vec<Place>, ResolveError>) {
        let now = Instant::now();
        self.listed = now;
        match found {
            Ok(places) => {
                self.list = List::Here;
                // Whoever still waits to be asked would have stood in for a list that was late.
                self.candidates.retain(|candidate| candidate.tries > 0);
                let known = |kdc: &Endpoint| {
                    let failed = self.candidates.iter().any(|candidate| candidate.kdc == *kdc);
                    failed || self.asked.iter().any(|asked| asked.kdc == *kdc)
                };
                self.seen.retain(known);
                for (rank, place) in places.into_iter().enumerate() {
                    match place {
                        Place::At(kdc) => self.add(kdc, rank, now),
                        Place::Host { host, port, way } => {
                            self.names.push_back((rank, host, port, way));
                        }
                    }
                }
            }
            Err(error) => {
                self.list = List::Missing;
                self.unresolved.push(error.to_string());
            }
        }
    }

    fn take_addresses(&mut self, rank: usize, found: Result<Vec<Endpoint>, ResolveError>) {
        self.looked_up.retain(|looked_up| *looked_up != rank);
        match found {
            Ok(kdcs) => kdcs.into_iter().for_each(|kdc| self.add(kdc, rank, Instant::now())),
            Err(error) => self.unresolved.push(error.to_string()),
        }
    }

    fn add(&mut self, kdc: Endpoint, rank: usize, not_before: Instant) {
        if !self.seen.contains(&kdc) && !self.spoilt.contains(&kdc) {
            self.seen.push(kdc.clone());
            let (clock_corrected, closed) = (false, 0);
            let tries = 0;
            self.candidates.push(Candidate {
                kdc,
                rank,
                tries,
                not_before,
                clock_corrected,
                closed,
            });
        }
    }

    /// Asks for the list, and looks up names in it, as far as candidates are running out.
    fn look_around(&mut self, now: Instant) {
        let nobody = self.asked.is_empty()
            && !self.candidates.iter().any(|candidate| candidate.not_before <= now);
        let silent = self.broader.is_some_and(|_| now >= self.began + self.tick * LOOK_UP);
        if self.list == List::NotAsked && (nobody || silent) {
            self.ask_for_list();
        }
        let ticks = (now - self.listed).as_nanos() / self.tick.as_nanos().max(1);
        let at_once =
            LOOK_UPS.saturating_mul(usize::try_from(ticks).unwrap_or(0).saturating_add(1));
        while self.looked_up.len() < at_once
            && (self.asked.is_empty() || silent)
            && self.ready(now).count() < 2 * self.breadth
            && let Some((rank, host, port, way)) = self.names.pop_front()
        {
            self.looked_up.push(rank);
            let source = self.source.clone();
            self.running.start(async move {
                Event::Resolved { rank, found: source.resolve(&host, port, way).await }
            });
        }
    }

    /// Candidates that were not asked yet, and did not fail lately either.
    fn ready(&self, now: Instant) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(move |candidate| {
            let usual = candidate.tries == 0 && candidate.not_before <= now;
            usual && self.driver.memory.aside(&candidate.kdc).is_none()
        })
    }

    // Asking them.

    /// Takes the candidate that is to be asked now, if there is one.
    fn next(&mut self, now: Instant) -> Option<Candidate> {
        let full = self.asked.len() >= self.breadth;
        let due = self.breadth < MAX_BREADTH && self.broader.is_some_and(|at| now >= at);
        if full && !due {
            return None;
        }
        let looking = !self.looked_up.is_empty()
            || !self.names.is_empty()
            || matches!(self.list, List::Awaited);
        // Whoever stands in front in the list and is being looked up has a moment to appear.
        let moment = now < self.listed + self.tick;
        let front = self.looked_up.iter().min().copied().filter(|_| moment);
        let may = |candidate: &Candidate, aside: Option<Instant>| {
            candidate.not_before <= now
                && front.is_none_or(|front| candidate.rank < front)
                && (aside.is_none() || !looking || now >= self.began + self.tick * ALONE)
        };
        let order = self.candidates.iter().enumerate().filter_map(|(at, candidate)| {
            let aside = self.driver.memory.aside(&candidate.kdc);
            may(candidate, aside).then_some((candidate.tries, aside, candidate.rank, at))
        });
        let (.., at) = order.min()?;
        if full {
            self.breadth *= 2;
        }
        if due {
            self.broader = Some(now + self.tick * STEP);
        }
        Some(self.candidates.remove(at))
    }

    fn ask(&mut self, candidate: Candidate) -> Result<(), ClientError> {
        let (exchange, request) = self.build(self.exchange.clone(), &candidate.kdc)?;
        let now = Instant::now();
        match self.broader {
            None => {
                let pace = self.driver.memory.pace(&candidate.kdc) * 2;
                let alone = pace.clamp(self.tick * ALONE, self.tick * ALONE_IF_SLOW);
                self.broader = Some(now + alone);
                self.began = now;
            }
            // The next one, after one that refused, has a moment alone as well.
            Some(at) if self.breadth == 1 => self.broader = Some(at.max(now + self.tick * STEP)),
            Some(_) => {}
        }
        let patience = self.driver.patience.per_kdc * 2u32.pow(candidate.tries);
        self.asked.push(Asked { kdc: candidate.kdc.clone(), since: now });
        self.send(candidate, exchange, request, now + patience);
        Ok(())
    }

    /// The request for this KDC, with its clock.
    fn build(&self, mut exchange: E, kdc: &Endpoint) -> Result<(E, Vec<u8>), ClientError> {
        let request = exchange.request(&mut self.driver.context(kdc, &mut &*self.driver.random))?;
        Ok((exchange, request))
    }

    fn send(&mut self, candidate: Candidate, exchange: E, request: Vec<u8>, until: Instant) {
        let (driver, until) = (self.driver, until.min(self.deadline));
        self.running.start(async move {
            let reply = driver.transport.carry(candidate.kdc.clone(), request, until).await;
            Event::Replied { candidate, exchange, reply }
        });
    }

    fn take_reply(
        &mut self,
        candidate: Candidate,
        exchange: E,
        reply: Result<Vec<u8>, Error>,
    ) -> Result<Option<Won<E>>, ClientError> {
        let kdc = candidate.kdc.clone();
        let reply = match reply {
            Ok(reply) => reply,
            // Not its failure: it closed what was kept open. The request is made anew, since nobody
            // knows whether the first was read, and goes over a connection of its own.
            Err(error) if candidate.closed < MAX_CLOSED && was_closed_meanwhile(&error) => {
                let (exchange, request) = self.build(exchange, &kdc)?;
                let candidate = Candidate { closed: candidate.closed + 1, ..candidate };
                let patience = self.driver.patience.per_kdc * 2u32.pow(candidate.tries);
                self.send(candidate, exchange, request, Instant::now() + patience);
                return Ok(None);
            }
            Err(error) => {
                self.failed(candidate, error);
                return Ok(None);
            }
        };
        match error_and_time(&reply) {
            Some((ErrorCode::SVC_UNAVAILABLE, _)) => {
                let text = "the KDC answered KDC_ERR_SVC_UNAVAILABLE (29)";
                self.failed(candidate, Error::other(text));
                return Ok(None);
            }
            // Over UDP, from one that cannot be asked over TCP: others may be.
            Some((ErrorCode::RESPONSE_TOO_BIG, _)) => {
                let text = "its answer fits no datagram (KRB_ERR_RESPONSE_TOO_BIG, 52), and there is \
                            no TCP connection to it";
                self.failed(candidate, Error::other(text));
                return Ok(None);
            }
            Some((ErrorCode::SKEW, server_time)) if !candidate.clock_corrected => {
                let offset = server_time - self.driver.clock.now().seconds.unix();
                if self.driver.memory.learn_offset(&kdc, offset) {
                    tracing::warn!(%kdc, offset, "the KDC's clock differs; times sent are corrected");
                    let (exchange, request) = self.build(exchange, &kdc)?;
                    let candidate = Candidate { clock_corrected: true, ..candidate };
                    let until = Instant::now() + self.driver.patience.per_kdc;
                    self.send(candidate, exchange, request, until);
                    return Ok(None);
                }
            }
            _ => {}
        }
        let answered = self.note_answer(&kdc);
        Ok(Some(Won { kdc, exchange, reply, answered }))
    }

    fn failed(&mut self, candidate: Candidate, error: Error) {
        let kdc = candidate.kdc.clone();
        tracing::debug!(%kdc, %error, "KDC failed");
        self.driver.memory.failed(&self.realm, &kdc);
        self.asked.retain(|asked| asked.kdc != kdc);
        // One that refuses waits as long for its next turn as one that is silent.
        let silent = error.kind() == ErrorKind::TimedOut;
        let pause = if silent { self.tick } else { self.driver.patience.per_kdc };
        let tries = candidate.tries + 1;
        let not_before = Instant::now() + pause * 2u32.pow(candidate.tries);
        self.candidates.push(Candidate { tries, not_before, ..candidate });
        self.tried.retain(|failure| failure.kdc != kdc);
        self.tried.push(KdcFailure { kdc, error: Arc::new(error) });
    }

    /// Who answered; remembers who was silent meanwhile.
    fn note_answer(&self, kdc: &Endpoint) -> Answered {
        let now = Instant::now();
        let (mut pace, listed) = (Duration::ZERO, self.list == List::Here);
        for asked in &self.asked {
            let took = now - asked.since;
            if asked.kdc == *kdc {
                pace = took;
            } else if took >= self.tick * ALONE {
                self.driver.memory.failed(&self.realm, &asked.kdc);
            } else {
                self.driver.memory.overtaken(&asked.kdc);
            }
        }
        Answered { realm: self.realm.clone(), kdc: kdc.clone(), pace, listed }
    }

    // The end.

    /// Is there nobody left whom it helps to ask? Another try helps against loss and load, not
    /// against KDCs that all refuse at once.
    fn is_over(&self) -> bool {
        let silence = || self.tried.iter().any(|tried| tried.error.kind() == ErrorKind::TimedOut);
        let hope = |candidate: &Candidate| {
            candidate.tries == 0 || candidate.tries < MAX_TRIES && silence()
        };
        self.asked.is_empty()
            && self.looked_up.is_empty()
            && self.names.is_empty()
            && matches!(self.list, List::Here | List::Missing)
            && !self.candidates.iter().any(hope)
    }

    fn unreachable(mut self) -> ClientError {
        for Asked { kdc, .. } in &self.asked {
            self.driver.memory.failed(&self.realm, kdc);
            self.tried.retain(|failure| failure.kdc != *kdc);
            let error = Error::new(ErrorKind::TimedOut, "no answer in time");
            self.tried.push(KdcFailure { kdc: kdc.clone(), error: Arc::new(error) });
        }
        if self.list == List::Awaited || !self.looked_up.is_empty() {
            self.unresolved.push("DNS has not answered for all of its KDCs".into());
        }
        let discovery = (!self.unresolved.is_empty()).then(|| self.unresolved.join("; "));
        let realm = self.realm.as_ref().to_owned();
        Unreachable { service: Service::Kdc, realm, tried: self.tried, discovery }.into()
    }
}
