use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::config::PinsMode;
use super::directory::Directory;
use super::failure::{NotPinned, StateError};

/// So many subjects are pinned at most; beyond, new ones are refused rather than old ones lost.
const MAX_PINS: usize = 100_000;
pub(super) const FILE: &str = "pins";
/// What the file says before anything has happened.
pub(super) const EMPTY: &str = r#"{"generation":0,"pins":[]}"#;

/// Which account a subject is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pin {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The realm whose account it is: in each realm a subject may have another one.
    pub realm: String,
    /// The account's SID, as text.
    pub sid: String,
    /// Its name, when it was pinned.
    pub account: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Did an operator say that it is right?
    pub approved: bool,
}

impl Pin {
    pub(super) fn is_of(&self, issuer: &str, subject: &str, realm: &str) -> bool {
        (&*self.issuer, &*self.subject, &*self.realm) == (issuer, subject, realm)
    }

    fn key(&self) -> (String, String, String) {
        (self.issuer.clone(), self.subject.clone(), self.realm.clone())
    }
}

/// All pins, as they are kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PinList {
    /// One more after each change.
    #[serde(default)]
    pub(super) generation: u64,
    pub(super) pins: Vec<Pin>,
}

type Table = HashMap<(String, String, String), Pin>;

/// What is known of the pins.
#[derive(Debug, Default)]
struct Known {
    /// `None` while they cannot be read.
    table: Option<Table>,
    /// Of the newest that were read or written.
    generation: u64,
}

/// Which account each subject is. A name can be given to another account; a SID cannot.
#[derive(Debug)]
pub struct Pins {
    mode: PinsMode,
    known: RwLock<Known>,
    /// Where they are kept; nowhere, if it was not configured.
    directory: OnceLock<Arc<Directory>>,
    /// Those that wait to be written: who gets the turn writes all of them at once.
    waiting: Mutex<Vec<Pin>>,
    turn: tokio::sync::Mutex<()>,
}

impl Pins {
    pub(super) fn new(mode: PinsMode) -> Self {
        Self {
            mode,
            known: RwLock::new(Known { table: Some(Table::new()), generation: 0 }),
            directory: OnceLock::new(),
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn keep_in(&self, directory: Arc<Directory>) {
        let _ = self.directory.set(directory);
    }

    /// The pin of the subject that this one is about: the one that is there, or this one from now on.
    ///
    /// # Errors
    /// [`NotPinned`]: then nothing may be done in its name.
    pub async fn pin(&self, seen: Pin) -> Result<Pin, NotPinned> {
        let found = match self.find(&seen)? {
            Some(found) => found,
            None => match self.directory.get() {
                None => self.insert(seen)?,
                Some(directory) => self.write(directory, seen).await?,
            },
        };
        match self.mode {
            PinsMode::Approved if !found.approved => Err(NotPinned::NotApproved),
            _ => Ok(found),
        }
    }

    fn find(&self, seen: &Pin) -> Result<Option<Pin>, NotPinned> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let table = known.table.as_ref().ok_or(NotPinned::Unknown(None))?;
        match table.get(&seen.key()) {
            None if table.len() >= MAX_PINS => Err(NotPinned::TooMany),
            found => Ok(found.cloned()),
        }
    }

    fn insert(&self, seen: Pin) -> Result<Pin, NotPinned> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let table = known.table.as_mut().ok_or(NotPinned::Unknown(None))?;
        if table.len() >= MAX_PINS && !table.contains_key(&seen.key()) {
            return Err(NotPinned::TooMany);
        }
        Ok(table.entry(seen.key()).or_insert(seen).clone())
    }

    /// On the disk before anything is done with it.
    async fn write(&self, directory: &Arc<Directory>, seen: Pin) -> Result<Pin, NotPinned> {
        let waiting = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting().push(seen.clone());
        let _turn = self.turn.lock().await;
        // Whoever had the turn before may have written this one, too.
        if let Some(found) = self.find(&seen)? {
            return Ok(found);
        }
        let mut batch = std::mem::take(&mut *waiting());
        batch.push(seen.clone());
        let (directory, known) = (directory.clone(), self.generation());
        let written = tokio::task::spawn_blocking(move || {
            directory.update(FILE, |list: &mut PinList| {
                list.is_no_older_than(known, &directory)?;
                list.generation += 1;
                let mut table = table(list);
                for pin in batch {
                    if list.pins.len() < MAX_PINS && !table.contains_key(&pin.key()) {
                        table.insert(pin.key(), pin.clone());
                        list.pins.push(pin);
                    }
                }
                Ok((table, list.generation))
            })
        });
        let unknown = |error: String| NotPinned::Unknown(Some(error));
        let written = written.await.map_err(|error| unknown(error.to_string()))?;
        let (table, generation) = written.map_err(|error| unknown(error.to_string()))?;
        self.know(table, generation);
        self.find(&seen)?.ok_or(NotPinned::TooMany)
    }

    /// Reads the file in the place of what was known.
    pub(super) fn read(&self, directory: &Directory) -> Result<(), StateError> {
        // Before it is read: what is written meanwhile is newer.
        let known = self.generation();
        let list: PinList = directory.read(FILE)?;
        list.is_no_older_than(known, directory)?;
        self.know(table(&list), list.generation);
        Ok(())
    }

    fn generation(&self) -> u64 {
        self.known.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    fn know(&self, table: Table, generation: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if generation >= known.generation {
            *known = Known { table: Some(table), generation };
        }
    }

    /// It is no longer known which account any subject is.
    pub(super) fn lose(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).table = None;
    }
}

impl PinList {
    /// Somebody may have put an old file in the place of a new one.
    fn is_no_older_than(&self, known: u64, directory: &Directory) -> Result<(), StateError> {
        if self.generation >= known {
            return Ok(());
        }
        let what = "it is older than the one before".to_owned();
        Err(StateError::Broken { path: directory.file(FILE), what })
    }
}

fn table(list: &PinList) -> Table {
    list.pins.iter().map(|pin| (pin.key(), pin.clone())).collect()
}
