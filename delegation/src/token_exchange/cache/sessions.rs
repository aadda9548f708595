//! The table: who has a session, which is to go first, and how much all of them are. It knows no
//! secret; what is sealed is sealed and opened outside of its lock.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
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
    name: Digest,
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

/// The beginning of a name, which is random: what lies under it is what is meant only if it has the whole
/// name.
type Short = u64;

fn short(name: &Digest) -> Short {
    let (first, _) = name.split_first_chunk().unwrap_or((&[0; 8], &[]));
    Short::from_be_bytes(*first)
}

pub(super) struct Sessions {
    bounds: Bounds,
    all: HashMap<Short, Box<Session>>,
    by_use: BTreeSet<(u64, Short)>,
    by_end: BTreeSet<(i64, Short)>,
    /// By the user's application.
    by_owner: BTreeSet<(Short, Short)>,
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
            by_owner: BTreeSet::new(),
            turns: 0,
            bytes: 0,
        }
    }

    fn get(&self, session: &Digest) -> Option<&Session> {
        self.all.get(&short(session)).map(|found| &**found).filter(|found| found.name == *session)
    }

    fn get_mut(&mut self, session: &Digest) -> Option<&mut Session> {
        let found = self.all.get_mut(&short(session)).map(|found| &mut **found);
        found.filter(|found| found.name == *session)
    }

    /// What is kept under this name, and not for `max_age`, and what it was sealed with; the session is in
    /// use with that.
    pub(super) fn find(
        &mut self,
        session: &Digest,
        name: &Digest,
        max_age: Option<Duration>,
        now: Moment,
    ) -> Option<(Salt, &Entry)> {
        let found = self.get(session)?;
        if !now.is_within(self.bounds.idle, found.used) || found.owner.ends <= now.wall() {
            self.drop_session(short(session));
            return None;
        }
        self.turns += 1;
        let turn = self.turns;
        let found = self.get_mut(session)?;
        found.used = now;
        let before = std::mem::replace(&mut found.turn, turn);
        self.by_use.remove(&(before, short(session)));
        self.by_use.insert((turn, short(session)));
        let found = self.all.get_mut(&short(session))?;
        let place = found.entries.iter().position(|entry| entry.name == *name)?;
        let Entry { since, time, .. } = found.entries[place];
        if !now.is_within(max_age.map_or(time, |max_age| time.min(max_age)), since) {
            self.bytes -= found.entries.swap_remove(place).kept.bytes();
            return None;
        }
        Some((found.salt.clone(), &found.entries[place]))
    }

    /// The salt of a session, which is begun with this one if there is none: then those of the same
    /// application's older tokens end.
    pub(super) fn salt(&mut self, session: Digest, owner: Owner, new: Salt, now: Moment) -> Salt {
        self.sweep(now);
        if let Some(found) = self.get(&session) {
            return found.salt.clone();
        }
        let at = short(&session);
        // Never, but for chance.
        self.drop_session(at);
        let mine: Vec<Short> = self.by_owner.range(of(&owner)).map(|(_, other)| *other).collect();
        for other in mine {
            let is_older = |other: &Session| {
                other.owner.application == owner.application && other.owner.ends < owner.ends
            };
            if self.all.get(&other).is_some_and(|other| is_older(other)) {
                self.drop_session(other);
            }
        }
        self.turns += 1;
        let turn = self.turns;
        self.by_use.insert((turn, at));
        self.by_end.insert((owner.ends, at));
        self.by_owner.insert((short(&owner.application), at));
        let (name, salt) = (session, new.clone());
        let session = Session { name, salt, owner, used: now, turn, entries: Vec::new() };
        self.all.insert(at, Box::new(session));
        self.make_room();
        new
    }

    /// Keeps an entry, if the session that it was sealed for is still there.
    pub(super) fn keep(&mut self, session: &Digest, salt: &Salt, entry: Entry) {
        let most = self.bounds.entries;
        let Some(found) = self.get_mut(session).filter(|found| found.salt == *salt) else {
            return;
        };
        let before = found.bytes();
        found.entries.retain(|other| other.name != entry.name);
        while found.entries.len() >= most {
            found.entries.remove(0);
        }
        // Most have one.
        found.entries.reserve_exact(1);
        found.entries.push(entry);
        let after = found.bytes();
        self.bytes = self.bytes + after - before;
        self.make_room();
    }

    /// Forgets one entry.
    pub(super) fn forget(&mut self, session: &Digest, name: &Digest) {
        let Some(found) = self.get_mut(session) else { return };
        let before = found.bytes();
        found.entries.retain(|entry| entry.name != *name);
        let after = found.bytes();
        self.bytes = self.bytes + after - before;
    }

    /// Ends what has ended.
    fn sweep(&mut self, now: Moment) {
        while let Some(&(_, session)) = self.by_end.first().filter(|(ends, _)| *ends <= now.wall())
        {
            self.drop_session(session);
        }
        while let Some(&(_, session)) = self.by_use.first() {
            let is_idle = |session: &Session| !now.is_within(self.bounds.idle, session.used);
            if !self.all.get(&session).is_none_or(|session| is_idle(session)) {
                break;
            }
            self.drop_session(session);
        }
    }

    fn make_room(&mut self) {
        while self.all.len() > self.bounds.sessions || self.bytes > self.bounds.bytes {
            let Some((_, oldest)) = self.by_use.first().copied() else { return };
            self.drop_session(oldest);
        }
    }

    fn drop_session(&mut self, session: Short) {
        let Some(gone) = self.all.remove(&session) else { return };
        self.bytes -= gone.bytes();
        self.by_use.remove(&(gone.turn, session));
        self.by_end.remove(&(gone.owner.ends, session));
        self.by_owner.remove(&(short(&gone.owner.application), session));
    }

    /// What a session with one entry takes beside what is sealed, at most: tables are up to twice as
    /// large as what is in them, and in four of these it has a place.
    #[cfg(test)]
    pub(super) const BYTES_BESIDE: usize = size_of::<Session>()
        + size_of::<Entry>()
        + 2 * (size_of::<(Short, Box<Session>)>() + 3 * size_of::<(Short, Short)>());

    #[cfg(test)]
    pub(super) fn figures(&self) -> (usize, usize) {
        (self.all.len(), self.bytes)
    }

    /// Every place that a session stands in agrees with every other.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let bytes: usize = self.all.values().map(|session| session.bytes()).sum();
        assert_eq!(bytes, self.bytes);
        let counts = [self.by_use.len(), self.by_end.len(), self.by_owner.len()];
        assert_eq!(counts, [self.all.len(); 3]);
        assert!(self.all.len() <= self.bounds.sessions && self.bytes <= self.bounds.bytes);
    }
}

/// Where sessions of that application stand, and perhaps another one's.
fn of(owner: &Owner) -> RangeInclusive<(Short, Short)> {
    let application = short(&owner.application);
    (application, Short::MIN)..=(application, Short::MAX)
}
