//! The table: who has a session, which is to go first, and how much all of them are. It knows no
//! secret; what is sealed is sealed and opened outside of its lock.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use krb_client::Moment;

use super::key::{Digest, Salt};
use crate::Failure;

/// Sessions at once; the one that was used longest ago goes first.
pub(super) const MAX_SESSIONS: usize = 100_000;
/// All that is sealed, in bytes.
pub(super) const MAX_BYTES: usize = 256 << 20;

/// What is kept of one exchange.
#[derive(Clone)]
pub(super) enum Kept {
    /// What the exchanged token says, sealed.
    Sealed(Box<[u8]>),
    /// The identity provider refused, and would again.
    Refused(Box<Failure>),
}

impl Kept {
    const fn bytes(&self) -> usize {
        match self {
            Self::Sealed(sealed) => sealed.len(),
            Self::Refused(_) => 512,
        }
    }
}

pub(super) struct Entry {
    pub(super) name: Digest,
    pub(super) kept: Kept,
    pub(super) since: Moment,
    /// From then.
    pub(super) time: Duration,
}

/// Whose a session is, and until when it can be.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    /// The user's application.
    pub(super) application: Digest,
    /// The end of the caller's token, in seconds since 1970.
    pub(super) ends: i64,
}

struct Session {
    salt: Salt,
    owner: Owner,
    used: Moment,
    /// Its place in the order of use.
    turn: u64,
    entries: Vec<Entry>,
}

impl Session {
    fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.kept.bytes()).sum()
    }
}

/// How much there may be.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) sessions: usize,
    pub(super) bytes: usize,
    pub(super) entries: usize,
    pub(super) idle: Duration,
}

pub(super) struct Sessions {
    bounds: Bounds,
    all: HashMap<Digest, Session>,
    by_use: BTreeSet<(u64, Digest)>,
    by_end: BTreeSet<(i64, Digest)>,
    by_owner: HashMap<Digest, Vec<Digest>>,
    turns: u64,
    bytes: usize,
}

impl Sessions {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            all: HashMap::new(),
            by_use: BTreeSet::new(),
            by_end: BTreeSet::new(),
            by_owner: HashMap::new(),
            turns: 0,
            bytes: 0,
        }
    }

    /// What is kept under this name, and what it was sealed with; the session is in use with that.
    pub(super) fn find(
        &mut self,
        session: &Digest,
        name: &Digest,
        now: Moment,
    ) -> Option<(Salt, &Entry)> {
        let found = self.all.get(session)?;
        if !now.is_within(self.bounds.idle, found.used) || found.owner.ends <= now.wall() {
            self.drop_session(session);
            return None;
        }
        let found = self.all.get_mut(session)?;
        self.by_use.remove(&(found.turn, *session));
        self.turns += 1;
        (found.turn, found.used) = (self.turns, now);
        self.by_use.insert((found.turn, *session));
        let place = found.entries.iter().position(|entry| entry.name == *name)?;
        if !now.is_within(found.entries[place].time, found.entries[place].since) {
            self.bytes -= found.entries.swap_remove(place).kept.bytes();
            return None;
        }
        Some((found.salt.clone(), &found.entries[place]))
    }

    /// The salt of a session, which is begun with this one if there is none: then those of the same
    /// application's older tokens end.
    pub(super) fn salt(&mut self, session: Digest, owner: Owner, new: Salt, now: Moment) -> Salt {
        self.sweep(now);
        if let Some(found) = self.all.get(&session) {
            return found.salt.clone();
        }
        let mine = self.by_owner.get(&owner.application).cloned().unwrap_or_default();
        for other in mine {
            let is_older = |other: &Session| other.owner.ends < owner.ends;
            if self.all.get(&other).is_some_and(is_older) {
                self.drop_session(&other);
            }
        }
        self.turns += 1;
        let turn = self.turns;
        self.by_use.insert((turn, session));
        self.by_end.insert((owner.ends, session));
        self.by_owner.entry(owner.application).or_default().push(session);
        let entries = Vec::new();
        self.all.insert(session, Session { salt: new.clone(), owner, used: now, turn, entries });
        self.make_room();
        new
    }

    /// Keeps an entry, if the session that it was sealed for is still there.
    pub(super) fn keep(&mut self, session: &Digest, salt: &Salt, entry: Entry) {
        let Some(found) = self.all.get_mut(session).filter(|found| found.salt == *salt) else {
            return;
        };
        let before = found.bytes();
        found.entries.retain(|other| other.name != entry.name);
        while found.entries.len() >= self.bounds.entries {
            found.entries.remove(0);
        }
        found.entries.push(entry);
        self.bytes = self.bytes + found.bytes() - before;
        self.make_room();
    }

    /// Forgets one entry.
    pub(super) fn forget(&mut self, session: &Digest, name: &Digest) {
        let Some(found) = self.all.get_mut(session) else { return };
        let before = found.bytes();
        found.entries.retain(|entry| entry.name != *name);
        self.bytes = self.bytes + found.bytes() - before;
    }

    /// Ends what has ended.
    fn sweep(&mut self, now: Moment) {
        while let Some((_, session)) = self.by_end.first().filter(|(ends, _)| *ends <= now.wall()) {
            self.drop_session(&session.clone());
        }
        while let Some((_, session)) = self.by_use.first() {
            let is_idle = |session: &Session| !now.is_within(self.bounds.idle, session.used);
            if !self.all.get(session).is_none_or(is_idle) {
                break;
            }
            self.drop_session(&session.clone());
        }
    }

    fn make_room(&mut self) {
        while self.all.len() > self.bounds.sessions || self.bytes > self.bounds.bytes {
            let Some((_, oldest)) = self.by_use.first().copied() else { return };
            self.drop_session(&oldest);
        }
    }

    fn drop_session(&mut self, session: &Digest) {
        let Some(gone) = self.all.remove(session) else { return };
        self.bytes -= gone.bytes();
        self.by_use.remove(&(gone.turn, *session));
        self.by_end.remove(&(gone.owner.ends, *session));
        if let Some(mine) = self.by_owner.get_mut(&gone.owner.application) {
            mine.retain(|other| other != session);
            if mine.is_empty() {
                self.by_owner.remove(&gone.owner.application);
            }
        }
    }

    /// What a session with one entry takes beside what is sealed, at most: tables are up to twice as
    /// large as what is in them, and of three of these it is in.
    #[cfg(test)]
    pub(super) const BYTES_BESIDE: usize = 2
        * (size_of::<(Digest, Session)>()
            + size_of::<Entry>()
            + 2 * size_of::<(u64, Digest)>()
            + size_of::<(Digest, Vec<Digest>)>()
            + size_of::<Digest>());

    #[cfg(test)]
    pub(super) fn figures(&self) -> (usize, usize) {
        (self.all.len(), self.bytes)
    }

    /// Every place that a session stands in agrees with every other.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let bytes: usize = self.all.values().map(Session::bytes).sum();
        let of_owners: usize = self.by_owner.values().map(Vec::len).sum();
        assert_eq!(bytes, self.bytes);
        let counts = [self.by_use.len(), self.by_end.len(), of_owners];
        assert_eq!(counts, [self.all.len(); 3]);
        assert!(self.all.len() <= self.bounds.sessions && self.bytes <= self.bounds.bytes);
    }
}
