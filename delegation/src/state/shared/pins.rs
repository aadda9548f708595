//! Which account each subject is, for all replicas: in so many parts that a first sight replaces a small
//! one. Of two things that are said of a subject it is always the same one that goes, whoever puts them
//! together: replicas and a store that went back or forgot come to the same in the end.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Away, Kind, Shared, TRIES, busy, json};
use crate::sha256::sha256;
use crate::state::directory::Directory;
use crate::state::failure::{NotPinned, StateError};
use crate::state::pin::{FILE, MAX_PINS, Pin, PinChange, PinList, PinOf};

const PARTS: u16 = 1024;
/// Twice what there is when chance has spread all.
const MAX_IN_PART: usize = 2 * MAX_PINS / PARTS as usize;
/// Of those that were released; the oldest are forgotten.
const MAX_RELEASED: usize = 100;
/// What was pinned before is tried to be put into the store after so long again.
const AGAIN: Duration = Duration::from_millis(500);

/// What is said of a subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    pin: Pin,
    /// When an operator had the last word in it, in seconds since 1970, and one more for each time that
    /// something was said after that by whoever's clock is behind. A count would begin anew in a store
    /// that lost everything, and what was said before the loss would go before what is said after it.
    said: u64,
    /// Whoever comes next is pinned.
    released: bool,
}

impl Entry {
    /// The higher one goes: the last word; else what an operator approved; else what was seen first.
    fn weight(&self) -> impl Ord + '_ {
        let Pin { sid, account, at, approved, .. } = &self.pin;
        (self.said, self.released, approved, Reverse(at), sid, account)
    }
}

/// What is said of some of the subjects, in the order of their names.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Part {
    entries: Vec<Entry>,
}

impl Part {
    fn place(&self, of: &PinOf) -> Result<usize, usize> {
        let key = (&of.issuer, &of.subject, &of.realm);
        self.entries
            .binary_search_by(|Entry { pin, .. }| (&pin.issuer, &pin.subject, &pin.realm).cmp(&key))
    }

    /// The pin of a subject.
    fn find(&self, of: &PinOf) -> Option<&Pin> {
        let entry = self.entries.get(self.place(of).ok()?)?;
        (!entry.released).then_some(&entry.pin)
    }

    fn pins(&self) -> impl Iterator<Item = &Pin> {
        self.entries.iter().filter(|entry| !entry.released).map(|entry| &entry.pin)
    }

    fn say(&mut self, entry: Entry) {
        match self.place(&entry.pin.of()) {
            Ok(place) => {
                let ours = &mut self.entries[place];
                if ours.weight() < entry.weight() {
                    *ours = entry;
                }
            }
            Err(place) => self.entries.insert(place, entry),
        }
        let released = self.entries.iter().enumerate().filter(|(_, entry)| entry.released);
        if released.clone().count() > MAX_RELEASED
            && let Some((oldest, _)) = released.min_by_key(|(_, entry)| entry.said)
        {
            self.entries.remove(oldest);
        }
    }

    fn merge(&mut self, other: &Self) {
        other.entries.iter().for_each(|entry| self.say(entry.clone()));
    }

    /// Says more of a subject than was said before: now, if an operator does.
    fn say_last(&mut self, pin: Pin, released: bool, now: i64) {
        let before = self.place(&pin.of()).ok().and_then(|place| self.entries.get(place));
        let after = before.map_or(0, |entry| entry.said.saturating_add(1));
        let said = after.max(u64::try_from(now).unwrap_or(0));
        self.say(Entry { pin, said, released });
    }

    /// Pins it, where none of its subject is.
    fn see(&mut self, seen: &Pin) -> Result<(), StateError> {
        if self.find(&seen.of()).is_some() {
            return Ok(());
        }
        if self.pins().count() >= MAX_IN_PART {
            return Err(StateError::Full(MAX_PINS));
        }
        self.say_last(seen.clone(), false, 0);
        Ok(())
    }

    /// Does what an operator says; returns with how many.
    fn change(&mut self, change: &PinChange, now: i64) -> usize {
        let before: Vec<_> = self.pins().cloned().collect();
        let mut after = before.clone();
        let count = change.make(&mut after);
        for pin in before.iter().filter(|pin| !after.iter().any(|other| other.is_of(&pin.of()))) {
            self.say_last(pin.clone(), true, now);
        }
        for pin in after.into_iter().filter(|pin| !before.contains(pin)) {
            self.say_last(pin, false, now);
        }
        count
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
            let (part, _) = self.change_part(number, |_| Ok(0)).await?;
            pins.extend(part.pins().cloned());
        }
        Ok(pins)
    }

    /// Changes pins for all replicas, now (seconds since 1970); returns how many.
    ///
    /// # Errors
    /// Unless the store says that it was done. Then it may or may not have been, or a part of it.
    pub async fn change_pins(&self, change: &PinChange, now: i64) -> Result<usize, StateError> {
        let parts = change.of().map_or(0..=PARTS - 1, |of| part(&of)..=part(&of));
        let mut all = 0;
        for number in parts {
            all += self.change_part(number, |part| Ok(part.change(change, now))).await?.1;
        }
        // What is asked for in any case is sealed anew, and replicas look again.
        self.change(|_| Ok(())).await?;
        Ok(all)
    }

    /// Changes one part, under every key that replicas may have; nothing is written where that is what is
    /// there.
    async fn change_part(
        &self,
        number: u16,
        change: impl Fn(&mut Part) -> Result<usize, StateError>,
    ) -> Result<(Part, usize), StateError> {
        let slot = number.to_be_bytes();
        for _ in 0..TRIES {
            let (old, there) = self.all::<Part>(Kind::Pins, &slot).await?;
            let mut part = Part::default();
            there.iter().flatten().for_each(|there| part.merge(there));
            let count = change(&mut part)?;
            if there
                .iter()
                .all(|there| there.as_ref().map_or(part.entries.is_empty(), |it| *it == part))
            {
                return Ok((part, count));
            }
            let swaps = self.swaps(Kind::Pins, &slot, old, &json(&part)?)?;
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
    /// Is there what was pinned before, under every key?
    is_complete: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    /// How often an operator may have changed any.
    looks: u64,
    /// And how often that was when each was asked for.
    parts: HashMap<u16, (u64, Part)>,
}

impl SharedPins {
    pub(in crate::state) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared, known: Mutex::default(), is_complete: AtomicBool::new(false) })
    }

    /// Puts what this replica pinned alone, in that directory, into the store, and while keys are replaced
    /// everything under both of them. Until then nobody is pinned.
    pub(in crate::state) fn start(self: &Arc<Self>, before: Option<Arc<Directory>>) {
        if before.is_none() && self.shared.sealers.len() == 1 {
            return self.is_complete.store(true, Ordering::Release);
        }
        let pins = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(pins) = pins.upgrade() {
                let completed = if pins.shared.is_here() {
                    pins.complete(before.clone()).await
                } else {
                    Err(away())
                };
                match completed {
                    Ok(()) => {
                        tracing::info!("the shared store has all pins that were known before");
                        return pins.is_complete.store(true, Ordering::Release);
                    }
                    Err(error) => tracing::debug!(%error, "pins are not yet in the shared store"),
                }
                drop(pins);
                tokio::time::sleep(AGAIN).await;
            }
        });
    }

    async fn complete(&self, before: Option<Arc<Directory>>) -> Result<(), StateError> {
        let read = || before.map_or_else(|| Ok(PinList::default()), |before| before.read(FILE));
        let read = tokio::task::spawn_blocking(read).await;
        let list: PinList = read.map_err(|error| Away(error.to_string()))??;
        let mut parts: HashMap<u16, Part> = HashMap::new();
        for pin in list.pins {
            let part = parts.entry(part(&pin.of())).or_default();
            part.say(Entry { pin, said: 0, released: false });
        }
        if self.shared.sealers.len() > 1 {
            for number in 0..PARTS {
                parts.entry(number).or_default();
            }
        }
        for (number, ours) in parts {
            let merge = |part: &mut Part| {
                part.merge(&ours);
                Ok(0)
            };
            let (there, _) = self.shared.change_part(number, merge).await?;
            for pin in ours.pins() {
                if let Some(other) = there.find(&pin.of()).filter(|other| other.sid != pin.sid) {
                    let Pin { issuer, subject, sid, .. } = pin;
                    tracing::warn!(
                        issuer,
                        subject,
                        here = sid,
                        everywhere = other.sid,
                        "a subject was another account at another replica; krb-mcp pins says which"
                    );
                }
            }
        }
        Ok(())
    }

    /// An operator may have changed any.
    pub(in crate::state) fn look_again(&self) {
        self.known().looks += 1;
    }

    /// The pin of a subject, if there is one.
    pub(in crate::state) async fn find(&self, of: &PinOf) -> Result<Option<Pin>, NotPinned> {
        self.look(of, None).await
    }

    /// The pin of the subject that this one is about: the one that is there, or this one from now on.
    pub(in crate::state) async fn pin(&self, seen: Pin) -> Result<Pin, NotPinned> {
        let found = self.look(&seen.of(), Some(&seen)).await?;
        Ok(found.unwrap_or(seen))
    }

    async fn look(&self, of: &PinOf, seen: Option<&Pin>) -> Result<Option<Pin>, NotPinned> {
        let is_here = self.shared.is_here();
        {
            let known = self.known();
            let part = known.parts.get(&part(of));
            // While the store is away, what was known last is what there is.
            let part = part.filter(|(looks, _)| *looks == known.looks || !is_here);
            if let Some(pin) = part.and_then(|(_, part)| part.find(of)) {
                return Ok(Some(pin.clone()));
            }
        }
        let unknown = |error: StateError| match error {
            StateError::Full(_) => NotPinned::TooMany,
            error => NotPinned::Unknown(Some(error.to_string())),
        };
        if !is_here {
            return Err(unknown(away()));
        }
        if !self.is_complete.load(Ordering::Acquire) {
            let what = "what was pinned before is still being put there";
            return Err(unknown(Away(what.to_owned()).into()));
        }
        self.ask(of, seen).await.map_err(unknown)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is there of a subject, which is what was seen if there was nothing.
    async fn ask(&self, of: &PinOf, seen: Option<&Pin>) -> Result<Option<Pin>, StateError> {
        let number = part(of);
        let (looks, ours) = {
            let known = self.known();
            let ours = known.parts.get(&number).map(|(_, part)| part.clone());
            (known.looks, ours.unwrap_or_default())
        };
        let add = |part: &mut Part| {
            // What the store has forgotten it is told again.
            part.merge(&ours);
            seen.map_or(Ok(()), |seen| part.see(seen)).map(|()| 0)
        };
        let (mut part, _) = self.shared.change_part(number, add).await?;
        let pin = part.find(of).cloned();
        let mut known = self.known();
        if let Some((_, others)) = known.parts.get(&number) {
            part.merge(others);
        }
        known.parts.insert(number, (looks, part));
        Ok(pin)
    }
}

fn away() -> StateError {
    Away("it does not answer".to_owned()).into()
}
