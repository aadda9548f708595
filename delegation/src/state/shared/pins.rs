//! Which account each subject is, for all replicas: in so many parts that a first sight replaces a small
//! one. What a replica knows of one it believes more than a store that went back or forgot.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::{Away, Kind, Shared, TRIES, Whole, busy, json};
use crate::sha256::sha256;
use crate::state::directory::Directory;
use crate::state::failure::{NotPinned, StateError};
use crate::state::pin::{FILE, MAX_PINS, Pin, PinChange, PinList, PinOf};

const PARTS: u16 = 1024;
/// Twice what there is when chance has spread all.
const MAX_IN_PART: usize = 2 * MAX_PINS / PARTS as usize;

/// The pins of some of the subjects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Part {
    /// Drawn when it was made: what was lost and is made anew has another one.
    id: u64,
    /// One more after each change.
    generation: u64,
    pins: Vec<Pin>,
}

impl Whole for Part {
    fn generation(&self) -> u64 {
        self.generation
    }
}

impl Part {
    fn find(&self, of: &PinOf) -> Option<&Pin> {
        self.pins.iter().find(|pin| pin.is_of(of))
    }

    /// Adds one, if there is none of its subject; returns whether there was none.
    fn add(&mut self, pin: &Pin) -> Result<bool, StateError> {
        let is_new = self.find(&pin.of()).is_none();
        if is_new && self.pins.len() >= MAX_IN_PART {
            return Err(StateError::Full(MAX_PINS));
        }
        self.pins.extend(is_new.then(|| pin.clone()));
        Ok(is_new)
    }

    /// May this have become of what was known?
    const fn comes_after(&self, known: &Self) -> bool {
        self.id == known.id && self.generation >= known.generation
    }

    /// As it was known, with what another one has beside it.
    fn with(mut self, other: &Self) -> Self {
        let news = other.pins.iter().filter(|pin| self.find(&pin.of()).is_none());
        let news: Vec<_> = news.cloned().collect();
        self.pins.extend(news);
        self.generation = self.generation.max(other.generation);
        self
    }

    /// As it is once it was changed.
    fn changed(mut self) -> Result<Self, StateError> {
        self.generation += 1;
        if self.id == 0 {
            let mut id = [0; 8];
            rand::fill(&mut id).map_err(|_| Away("there is no chance".to_owned()))?;
            self.id = u64::from_ne_bytes(id);
        }
        Ok(self)
    }
}

/// The number of the part that a subject is in.
fn part(of: &PinOf) -> u16 {
    let [high, low, ..] = sha256([&*of.issuer, &of.subject, &of.realm].join("\0").as_bytes());
    u16::from_be_bytes([high, low]) % PARTS
}

impl Shared {
    /// All pins, for an operator.
    ///
    /// # Errors
    /// If the store cannot be asked, or is not to be believed.
    pub async fn pins(&self) -> Result<Vec<Pin>, StateError> {
        let mut pins = Vec::new();
        for number in 0..PARTS {
            let (_, part) = self.newest::<Part>(Kind::Pins, &number.to_be_bytes()).await?;
            pins.extend(part.pins);
        }
        Ok(pins)
    }

    /// Changes pins for all replicas; returns how many.
    ///
    /// # Errors
    /// Unless the store says that it was done. Then it may or may not have been, or a part of it.
    pub async fn change_pins(&self, change: &PinChange) -> Result<usize, StateError> {
        let parts = change.of().map_or(0..=PARTS - 1, |of| part(&of)..=part(&of));
        let mut all = 0;
        for number in parts {
            let make = |mut part: Part| {
                let count = change.make(&mut part.pins);
                Ok((part, count))
            };
            all += self.change_part(number, true, make).await?.1;
        }
        Ok(all)
    }

    /// Changes one part, if that is to change anything, under every key that replicas may have. Replicas
    /// are told of what they would not look for.
    async fn change_part(
        &self,
        number: u16,
        is_told: bool,
        change: impl Fn(Part) -> Result<(Part, usize), StateError>,
    ) -> Result<(Part, usize), StateError> {
        let slot = number.to_be_bytes();
        for _ in 0..TRIES {
            let (old, there) = self.newest(Kind::Pins, &slot).await?;
            let (part, count) = change(there)?;
            if count == 0 {
                return Ok((part, 0));
            }
            let part = part.changed()?;
            let mut swaps = self.swaps(Kind::Pins, &slot, old, &json(&part)?)?;
            if is_told {
                let head = self.head().await?;
                let number = head.number.to_be_bytes();
                swaps.extend(self.swaps(Kind::Head, &[], head.sealed, &number)?);
            }
            if self.store.swap(&swaps).await? {
                return Ok((part, count));
            }
        }
        Err(busy())
    }
}

/// What a replica knows of them.
#[derive(Debug)]
pub(in crate::state) struct SharedPins {
    shared: Arc<Shared>,
    known: Mutex<Known>,
    /// Where they were before all replicas had them.
    before: OnceLock<Arc<Directory>>,
    /// Was what was there before taken over?
    begun: OnceCell<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// How often an operator may have changed any.
    looks: u64,
    /// And how often that was when each was asked for.
    parts: HashMap<u16, (u64, Part)>,
}

impl SharedPins {
    pub(in crate::state) fn new(shared: Arc<Shared>) -> Self {
        let (known, before, begun) = Default::default();
        Self { shared, known, before, begun }
    }

    /// What lies in that directory is moved to where all replicas have it.
    pub(in crate::state) fn take_over(&self, before: Arc<Directory>) {
        let _ = self.before.set(before);
    }

    /// An operator may have changed any.
    pub(in crate::state) fn look_again(&self) {
        self.known().looks += 1;
    }

    /// The pin of the subject that this one is about: the one that is there, or this one from now on.
    pub(in crate::state) async fn pin(&self, seen: Pin) -> Result<Pin, NotPinned> {
        let of = seen.of();
        {
            let known = self.known();
            let part = known.parts.get(&part(&of)).filter(|(looks, _)| *looks == known.looks);
            if let Some(pin) = part.and_then(|(_, part)| part.find(&of)) {
                return Ok(pin.clone());
            }
        }
        let unknown = |error: StateError| match error {
            StateError::Full(_) => NotPinned::TooMany,
            error => NotPinned::Unknown(Some(error.to_string())),
        };
        if !self.shared.is_here() {
            return Err(unknown(Away("it does not answer".to_owned()).into()));
        }
        self.begun.get_or_try_init(|| self.begin()).await.map_err(unknown)?;
        self.add(seen).await.map_err(unknown)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds it where there is none of its subject; returns what is there.
    async fn add(&self, seen: Pin) -> Result<Pin, StateError> {
        let number = part(&seen.of());
        let (looks, known) = {
            let known = self.known();
            (known.looks, known.parts.get(&number).map(|(_, part)| part.clone()))
        };
        let add = |there: Part| {
            let is_back = known.as_ref().filter(|known| !there.comes_after(known));
            let mut part = match is_back {
                None => there,
                Some(known) => {
                    tracing::warn!("the shared store has forgotten pins, and is told them again");
                    known.clone().with(&there)
                }
            };
            let is_new = part.add(&seen)?;
            Ok((part, usize::from(is_new || is_back.is_some())))
        };
        let (part, _) = self.shared.change_part(number, false, add).await?;
        let pin = part.find(&seen.of()).cloned().unwrap_or(seen);
        let mut known = self.known();
        let is_older = known
            .parts
            .get(&number)
            .is_some_and(|(_, known)| known.id == part.id && known.generation > part.generation);
        if !is_older {
            known.parts.insert(number, (looks, part));
        }
        Ok(pin)
    }

    /// While keys are replaced, what is under one of them is put under both; what was pinned by this
    /// replica alone is every one's.
    async fn begin(&self) -> Result<(), StateError> {
        if self.shared.sealers.len() > 1 {
            for number in 0..PARTS {
                let all = |part: Part| {
                    let count = part.pins.len();
                    Ok((part, count))
                };
                self.shared.change_part(number, false, all).await?;
            }
        }
        let Some(before) = self.before.get().cloned() else { return Ok(()) };
        let read = before.clone();
        let read = tokio::task::spawn_blocking(move || read.read::<PinList>(FILE)).await;
        let pins = read.map_err(|error| Away(error.to_string()))??.pins;
        if pins.is_empty() {
            return Ok(());
        }
        for pin in &pins {
            self.add(pin.clone()).await?;
        }
        tracing::info!(
            count = pins.len(),
            "pins of state.directory are every replica's from now on"
        );
        let taken: HashSet<_> = pins.iter().map(Pin::of).collect();
        let move_away = move || {
            before.update(FILE, |list: &mut PinList| {
                list.generation += 1;
                list.pins.retain(|pin| !taken.contains(&pin.of()));
                Ok(())
            })
        };
        let moved = tokio::task::spawn_blocking(move_away).await;
        moved.map_err(|error| Away(error.to_string()))?
    }
}
