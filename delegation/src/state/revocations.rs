use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::directory::{Directory, Stamp};
use super::failure::{Revoked, StateError};
use super::who::Who;

/// So many revocations are kept at most.
pub(super) const MAX_REVOCATIONS: usize = 100_000;
pub(super) const FILE: &str = "revocations";
/// What the file says before anything has happened.
pub(super) const EMPTY: &str = r#"{"generation":0,"entries":[]}"#;
/// What was lifted is remembered for so long, in seconds: longer than anything that was kept of
/// the user before.
const REMEMBERED: i64 = 24 * 3600;

/// Whose access an operator ends.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", untagged, deny_unknown_fields)]
pub enum Whose {
    /// Of whoever has a token that the issuer issued for this subject before that moment. Who logs in
    /// again has access again.
    Subject {
        /// `iss`.
        issuer: String,
        /// `sub`.
        subject: String,
    },
    /// Of the account with this SID, until that is lifted.
    Sid {
        /// The SID, as text.
        sid: String,
    },
    /// Of the account with this name, whatever its SID, until that is lifted.
    Account {
        /// sAMAccountName, or the UPN that tokens name it by, in any case.
        account: String,
    },
}

/// One revocation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// Of whom.
    pub whose: Whose,
    /// When, in seconds since 1970.
    pub at: i64,
    /// No other revocation has this number; later ones have higher ones.
    pub generation: u64,
    /// When it was lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<i64>,
}

/// All revocations, as they are kept.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevocationList {
    /// The highest number so far.
    pub generation: u64,
    /// In the order in which they came.
    pub entries: Vec<Revocation>,
}

impl RevocationList {
    /// Adds one, in the place of an older one of the same user.
    ///
    /// # Errors
    /// [`StateError::Full`].
    pub fn revoke(&mut self, whose: Whose, now: i64) -> Result<Revocation, StateError> {
        let same = whose.folded();
        self.entries.retain(|entry| {
            entry.whose.folded() != same
                && entry.lifted.is_none_or(|lifted| lifted.saturating_add(REMEMBERED) > now)
        });
        if self.entries.len() >= MAX_REVOCATIONS {
            return Err(StateError::Full(MAX_REVOCATIONS));
        }
        self.generation += 1;
        let entry = Revocation { whose, at: now, generation: self.generation, lifted: None };
        self.entries.push(entry.clone());
        Ok(entry)
    }

    /// Takes in what another list says that this one does not: a store may have been put back to an
    /// older state, and somebody may have been revoked since. What was lifted makes room, what was
    /// lifted first before the others.
    ///
    /// # Errors
    /// [`StateError::Full`], for what stands never does.
    pub(super) fn merge(&mut self, other: &Self) -> Result<(), StateError> {
        let last = |entry: &Revocation| entry.at.max(entry.lifted.unwrap_or(i64::MIN));
        let places = self.entries.iter().enumerate();
        let mut places: HashMap<_, _> =
            places.map(|(place, entry)| (entry.whose.folded(), place)).collect();
        let mut generation = self.generation.max(other.generation);
        for entry in &other.entries {
            let place = *places.entry(entry.whose.folded()).or_insert(self.entries.len());
            generation += 1;
            let entry = Revocation { generation, ..entry.clone() };
            match self.entries.get_mut(place) {
                Some(ours) if last(ours) >= last(&entry) => {}
                Some(ours) => *ours = entry,
                None => self.entries.push(entry),
            }
        }
        self.generation = generation + 1;
        let too_many = self.entries.len().saturating_sub(MAX_REVOCATIONS);
        let mut lifted: Vec<_> = self.entries.iter().filter_map(Revocation::when_lifted).collect();
        if lifted.len() < too_many {
            return Err(StateError::Full(MAX_REVOCATIONS));
        }
        lifted.sort_unstable();
        let makes_room: HashSet<_> = lifted.into_iter().take(too_many).collect();
        let goes = |entry: &Revocation| {
            entry.when_lifted().is_some_and(|lifted| makes_room.contains(&lifted))
        };
        self.entries.retain(|entry| !goes(entry));
        Ok(())
    }

    /// Does it come after another one? It does not if it lacks what stands there, or what was lifted
    /// there stands in it, whatever its number: a store that was put back to an older state, or lost
    /// everything, may have been told of others since.
    pub(super) fn comes_after(&self, other: &Self) -> bool {
        let ours: HashMap<_, _> =
            self.entries.iter().map(|entry| (entry.whose.folded(), entry)).collect();
        let has = |entry: &Revocation| match ours.get(&entry.whose.folded()) {
            Some(ours) if ours.generation == entry.generation => {
                ours.at == entry.at && (ours.lifted.is_some() || entry.lifted.is_none())
            }
            Some(ours) => ours.generation > entry.generation,
            None => entry.lifted.is_some(),
        };
        self.generation >= other.generation && other.entries.iter().all(has)
    }

    /// Lifts those of a user. It stays known for a day that there was one, so that nothing that was
    /// kept from before it is used.
    ///
    /// # Errors
    /// [`StateError::Missing`].
    pub fn lift(&mut self, whose: &Whose, now: i64) -> Result<Revocation, StateError> {
        let mut stands = self.entries.iter_mut().filter(|entry| entry.lifted.is_none());
        let entry = stands.find(|entry| entry.whose.folded() == whose.folded());
        let entry = entry.ok_or_else(|| StateError::Missing("such a revocation".to_owned()))?;
        entry.lifted = Some(now);
        let lifted = entry.clone();
        self.generation += 1;
        Ok(lifted)
    }
}

impl Revocation {
    /// And its number, by which two that were lifted in one second differ.
    fn when_lifted(&self) -> Option<(i64, u64)> {
        self.lifted.map(|lifted| (lifted, self.generation))
    }
}

impl Whose {
    /// In the one spelling that this user has.
    fn folded(&self) -> Self {
        match self {
            Self::Account { account } => Self::Account { account: folded(account) },
            Self::Sid { sid } => Self::Sid { sid: canonical(sid) },
            Self::Subject { .. } => self.clone(),
        }
    }
}

/// As an account's SID is written.
fn canonical(sid: &str) -> String {
    sid.parse().map_or_else(|_| sid.to_owned(), |sid: krb_proto::pac::Sid| sid.to_string())
}

/// As directories compare names.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// Who was revoked: what every call asks, before its token is used, before a credential is, and
/// while it runs.
#[derive(Debug)]
pub struct Revocations {
    table: RwLock<Table>,
    /// Is there anything to ask the table?
    any: AtomicBool,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Table {
    by_subject: HashMap<String, HashMap<String, Entry>>,
    by_account: HashMap<String, Entry>,
    by_sid: HashMap<String, Entry>,
    is_known: bool,
    list: RevocationList,
    /// The file that says so, if one does.
    stamp: Option<Stamp>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    generation: u64,
    /// `None` when it was lifted.
    at: Option<i64>,
}

impl Default for Revocations {
    fn default() -> Self {
        let table = Table { is_known: true, ..Table::default() };
        Self {
            table: RwLock::new(table),
            any: AtomicBool::new(false),
            changed: watch::Sender::new(0),
        }
    }
}

impl Revocations {
    /// May anything be done for them? Asked whenever more is known of who it is, and again before a
    /// credential is used.
    ///
    /// # Errors
    /// [`Revoked`].
    pub fn admits(&self, who: &Who<'_>) -> Result<(), Revoked> {
        if !self.any.load(Ordering::Acquire) {
            return Ok(());
        }
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        if !table.is_known {
            return Err(Revoked::Unknown);
        }
        let [subject, accounts @ ..] = table.of(who);
        if accounts.into_iter().flatten().any(|entry| entry.at.is_some()) {
            return Err(Revoked::Account);
        }
        let is_older = |at: i64| who.issued_at.is_none_or(|issued| issued <= at);
        match subject.and_then(|entry| entry.at) {
            Some(at) if is_older(at) => Err(Revoked::Token),
            _ => Ok(()),
        }
    }

    /// A number that is another after each revocation of theirs, whether it still stands or not: a
    /// part of the key of whatever is kept for them.
    #[must_use]
    pub fn generation(&self, who: &Who<'_>) -> u64 {
        if !self.any.load(Ordering::Acquire) {
            return 0;
        }
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let found = table.of(who).into_iter().flatten().map(|entry| entry.generation);
        found.max().unwrap_or(0)
    }

    /// A number that is another after each revocation, and after each that was lifted: a part of the
    /// key of what is kept for somebody whose account is not known yet.
    #[must_use]
    pub fn latest(&self) -> u64 {
        *self.changed.borrow()
    }

    /// Tells whenever somebody was revoked. Who keeps something then asks
    /// [`generation`](Self::generation) for each thing that is kept, and lets go of those for which
    /// it is another than it was.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Done when nothing may be done for them any more.
    pub async fn revoked(&self, who: &Who<'_>) -> Revoked {
        let mut changed = self.watch();
        loop {
            if let Err(revoked) = self.admits(who) {
                return revoked;
            }
            if changed.changed().await.is_err() {
                // The sender is ours, so this cannot be.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Takes these in the place of what was known. What is older than what is known already is not
    /// believed: somebody put an old file in the place of a new one.
    pub(crate) fn replace(&self, list: &RevocationList) -> bool {
        self.take(list, None)
    }

    fn take(&self, list: &RevocationList, stamp: Option<Stamp>) -> bool {
        let new = Table::new(list, stamp);
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if list.generation < table.list.generation {
            return false;
        }
        let old = std::mem::replace(&mut *table, new);
        // Under the lock: who comes next is newer, or finds that it is not.
        self.any.store(!list.entries.is_empty(), Ordering::Release);
        self.changed.send_replace(list.generation);
        drop(table);
        // Letting go of many takes a while, and calls wait for the lock.
        drop(old);
        true
    }

    /// All that is known.
    pub(super) fn list(&self) -> RevocationList {
        self.table.read().unwrap_or_else(PoisonError::into_inner).list.clone()
    }

    /// Reads the file in the place of what was known.
    pub(super) fn read(&self, directory: &Directory) -> Result<(), StateError> {
        // Before it is read: what is written meanwhile is read again.
        let stamp = directory.stamp(FILE);
        let list: RevocationList = directory.read(FILE)?;
        if self.take(&list, stamp) {
            return Ok(());
        }
        let what = "it is older than the one before".to_owned();
        Err(StateError::Broken { path: directory.file(FILE), what })
    }

    /// Which file says what is known, if one does and is believed.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).stamp
    }

    /// Is it known who was revoked?
    pub(crate) fn are_known(&self) -> bool {
        self.table.read().unwrap_or_else(PoisonError::into_inner).is_known
    }

    /// It is no longer known who was revoked: nobody is admitted.
    pub(super) fn lose(&self) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.stamp = None;
        if std::mem::replace(&mut table.is_known, false) {
            self.any.store(true, Ordering::Release);
            self.changed.send_modify(|_| ());
        }
    }
}

impl Table {
    fn new(list: &RevocationList, stamp: Option<Stamp>) -> Self {
        let mut table = Self { is_known: true, list: list.clone(), stamp, ..Self::default() };
        for Revocation { whose, at, generation, lifted } in &list.entries {
            let entry = Entry { generation: *generation, at: lifted.is_none().then_some(*at) };
            match whose {
                Whose::Subject { issuer, subject } => {
                    let subjects = table.by_subject.entry(issuer.clone()).or_default();
                    subjects.insert(subject.clone(), entry);
                }
                Whose::Sid { sid } => {
                    table.by_sid.insert(canonical(sid), entry);
                }
                Whose::Account { account } => {
                    table.by_account.insert(folded(account), entry);
                }
            }
        }
        table
    }

    fn of(&self, who: &Who<'_>) -> [Option<Entry>; 3] {
        let subjects = self.by_subject.get(who.issuer);
        let by_sid = |sid: &krb_proto::pac::Sid| self.by_sid.get(&sid.to_string());
        [
            subjects.and_then(|subjects| subjects.get(who.subject)).copied(),
            who.name.and_then(|name| self.by_account.get(&folded(name))).copied(),
            who.sid.filter(|_| !self.by_sid.is_empty()).and_then(by_sid).copied(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{scope, sleep};
    use std::time::Duration;

    use super::*;

    /// Whoever comes next would take an older list for one that is not older.
    #[test]
    fn no_list_is_seen_before_its_number_is_told() {
        let (revocations, step) = (Revocations::default(), Duration::from_millis(10));
        let list = RevocationList { generation: 1, entries: Vec::new() };
        let numbers = revocations.watch();
        scope(|scope| {
            // As long as somebody looks at the number, it cannot be told.
            let number = numbers.borrow();
            scope.spawn(|| revocations.replace(&list));
            let is_held = || match revocations.table.try_read() {
                Ok(table) => {
                    assert_eq!(table.list.generation, *number);
                    false
                }
                Err(_) => true,
            };
            while !is_held() {
                sleep(step);
            }
            sleep(step);
            assert!(is_held());
            drop(number);
        });
        assert_eq!((revocations.latest(), revocations.list()), (1, list));
    }
}
