use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use super::config::PinsMode;
use super::directory::{Directory, Stamp};
use super::failure::{NotPinned, StateError};
use super::pin::{FILE, MAX_PINS, Pin, PinList, PinOf};
use super::shared::SharedPins;

type Table = HashMap<PinOf, Pin>;

/// What is known of the pins.
#[derive(Debug, Default)]
struct Known {
    /// `None` while they cannot be read.
    table: Option<Table>,
    /// Of the newest that were read or written.
    generation: u64,
    /// The file that says so, if that is the one.
    stamp: Option<Stamp>,
}

/// Which account each subject is. A name can be given to another account; a SID cannot.
#[derive(Debug)]
pub struct Pins {
    mode: PinsMode,
    known: RwLock<Known>,
    /// Where they are kept; nowhere, if it was not configured.
    directory: OnceLock<Arc<Directory>>,
    /// Where all replicas have them: then nowhere else.
    shared: Option<Arc<SharedPins>>,
    /// Those that wait to be written: who gets the turn writes all of them at once.
    waiting: Mutex<Vec<Pin>>,
    turn: tokio::sync::Mutex<()>,
}

impl Pins {
    pub(super) fn new(mode: PinsMode, shared: Option<Arc<SharedPins>>) -> Self {
        Self {
            mode,
            shared,
            known: RwLock::new(Known { table: Some(Table::new()), ..Known::default() }),
            directory: OnceLock::new(),
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Keeps them there from now on, if they are to be kept.
    pub(super) fn start(&self, directory: Option<Arc<Directory>>) {
        match (&self.shared, directory) {
            (Some(shared), before) => shared.start(before),
            (None, Some(directory)) => drop(self.directory.set(directory)),
            (None, None) => {}
        }
    }

    /// An operator may have changed what all replicas have.
    pub(super) fn look_again(&self) {
        if let Some(shared) = &self.shared {
            shared.look_again();
        }
    }

    /// The pin of a subject that may be asked for, whether or not it has been approved; `None` at its first
    /// sight.
    ///
    /// # Errors
    /// [`NotPinned`]: then nothing may be done in its name.
    pub async fn find(&self, of: &PinOf) -> Result<Option<Pin>, NotPinned> {
        match &self.shared {
            Some(shared) => shared.find(of).await,
            None => self.find_here(of),
        }
    }

    /// The pin of the subject that this one is about: the one that is there, or this one from now on.
    ///
    /// # Errors
    /// [`NotPinned`]: then nothing may be done in its name.
    pub async fn pin(&self, seen: Pin) -> Result<Pin, NotPinned> {
        let found = match &self.shared {
            Some(shared) => shared.pin(seen).await?,
            None => self.here(seen).await?,
        };
        match self.mode {
            PinsMode::Approved if !found.approved => Err(NotPinned::NotApproved),
            _ => Ok(found),
        }
    }

    /// The same where no other replica knows of it.
    async fn here(&self, seen: Pin) -> Result<Pin, NotPinned> {
        match (self.find_here(&seen.of())?, self.directory.get()) {
            (Some(found), _) => Ok(found),
            (None, None) => self.insert(seen),
            (None, Some(directory)) => self.write(directory, seen).await,
        }
    }

    fn find_here(&self, of: &PinOf) -> Result<Option<Pin>, NotPinned> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let table = known.table.as_ref().ok_or(NotPinned::Unknown(None))?;
        match table.get(of) {
            None if table.len() >= MAX_PINS => Err(NotPinned::TooMany),
            found => Ok(found.cloned()),
        }
    }

    fn insert(&self, seen: Pin) -> Result<Pin, NotPinned> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let table = known.table.as_mut().ok_or(NotPinned::Unknown(None))?;
        if table.len() >= MAX_PINS && !table.contains_key(&seen.of()) {
            return Err(NotPinned::TooMany);
        }
        Ok(table.entry(seen.of()).or_insert(seen).clone())
    }

    /// On the disk before anything is done with it.
    async fn write(&self, directory: &Arc<Directory>, seen: Pin) -> Result<Pin, NotPinned> {
        let _waits = Waits::new(self, seen.clone());
        let _turn = self.turn.lock().await;
        // Whoever had the turn before may have written this one, too.
        if let Some(found) = self.find_here(&seen.of())? {
            return Ok(found);
        }
        let mut batch = std::mem::take(&mut *self.waiting());
        batch.push(seen.clone());
        let (directory, known) = (directory.clone(), self.generation());
        let written = tokio::task::spawn_blocking(move || {
            directory.update(FILE, |list: &mut PinList| {
                list.is_no_older_than(known, &directory)?;
                list.generation += 1;
                let mut table = table(list);
                for pin in batch {
                    if list.pins.len() < MAX_PINS && !table.contains_key(&pin.of()) {
                        table.insert(pin.of(), pin.clone());
                        list.pins.push(pin);
                    }
                }
                Ok((table, list.generation))
            })
        });
        let unknown = |error: String| NotPinned::Unknown(Some(error));
        let written = written.await.map_err(|error| unknown(error.to_string()))?;
        let ((table, generation), stamp) = written.map_err(|error| unknown(error.to_string()))?;
        self.know(table, generation, Some(stamp));
        self.find_here(&seen.of())?.ok_or(NotPinned::TooMany)
    }

    /// Reads the file in the place of what was known.
    pub(super) fn read(&self, directory: &Directory) -> Result<(), StateError> {
        // Before it is read: what is written meanwhile is newer.
        let (known, stamp) = (self.generation(), directory.stamp(FILE));
        let list: PinList = directory.read(FILE)?;
        list.is_no_older_than(known, directory)?;
        self.know(table(&list), list.generation, stamp);
        Ok(())
    }

    /// Which file says what is known, if it was read or written and is believed.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).stamp
    }

    /// Is it known which account anybody is?
    pub(super) fn are_known(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).table.is_some()
    }

    fn generation(&self) -> u64 {
        self.known.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    fn know(&self, table: Table, generation: u64, stamp: Option<Stamp>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if generation >= known.generation {
            let new = Known { table: Some(table), generation, stamp };
            let old = std::mem::replace(&mut *known, new);
            // Letting go of many takes a while, and calls wait for the lock.
            drop(known);
            drop(old);
        }
    }

    /// It is no longer known which account any subject is.
    pub(super) fn lose(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.stamp = None;
        let old = known.table.take();
        drop(known);
        drop(old);
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Pin>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pin that waits to be written, for as long as its call does.
struct Waits<'a> {
    pins: &'a Pins,
    pin: Pin,
}

impl<'a> Waits<'a> {
    fn new(pins: &'a Pins, pin: Pin) -> Self {
        pins.waiting().push(pin.clone());
        Self { pins, pin }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut waiting = self.pins.waiting();
        // Of two that are the same, either: each call writes its own when it has the turn.
        if let Some(place) = waiting.iter().position(|pin| *pin == self.pin) {
            waiting.swap_remove(place);
        }
    }
}

fn table(list: &PinList) -> Table {
    list.pins.iter().map(|pin| (pin.of(), pin.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::super::State;
    use super::super::tests::{Place, pin};
    use super::FILE;

    #[tokio::test(start_paused = true)]
    async fn what_was_given_up_before_it_was_written_is_no_pin() {
        let place = Place::new();
        let state = State::with(place.config(), None).unwrap();
        state.start().unwrap();
        let pins = state.pins();
        let turn = pins.turn.lock().await;
        assert!(timeout(Duration::ZERO, pins.pin(pin("42", 1104))).await.is_err(), "it waits");
        drop(turn);
        // Whoever has the turn writes all that wait.
        pins.pin(pin("43", 1106)).await.unwrap();
        assert_eq!(pins.pin(pin("42", 1105)).await, Ok(pin("42", 1105)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_written_here_is_not_read_again() {
        let place = Place::new();
        let state = State::with(place.config(), None).unwrap();
        state.start().unwrap();
        state.pins().pin(pin("42", 1104)).await.unwrap();
        let directory = state.pins().directory.get().unwrap();
        assert_eq!(state.pins().stamp(), directory.stamp(FILE));
        assert!(state.pins().stamp().is_some());
    }
}
