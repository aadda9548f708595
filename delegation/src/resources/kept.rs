//! Sessions kept for later calls, of all kinds together: connecting, logging in and opening a share are
//! most of a short call. Each call has one for itself, so that one that is given up takes no other's with
//! it.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use krb_client::Clock;
use tokio::time::{Instant, sleep};

use crate::credential::{ServiceCredential, Standing};
use crate::state::State;

/// Unused for so long, a session ends.
const IDLE: Duration = Duration::from_secs(60);
/// How often that is looked after.
const SWEEP: Duration = Duration::from_secs(10);
/// So many are kept at most, and of the files that may be open one in eight: the server's own
/// connections and KDCs need others.
const MOST: usize = 128;
const FILES_EACH: usize = 8;
/// So many of one user, for calls that are made at once.
const OF_A_USER: usize = 16;

/// What can be kept.
pub(super) trait Keep: Any + Send {
    /// Whether it is of no more use.
    fn is_lost(&self) -> bool;

    /// Ends it in order.
    fn end(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// What is kept, each for calls that stand on the same as the one it was made in. Clones are one.
#[derive(Clone)]
pub(crate) struct Kept {
    most: usize,
    shelf: Arc<Mutex<Shelf>>,
    state: Arc<State>,
}

struct Shelf {
    /// Those unused for longest first.
    entries: Vec<Entry>,
    is_swept: bool,
    is_closed: bool,
}

struct Entry {
    standing: Standing,
    since: Instant,
    session: Box<dyn Keep>,
}

impl Entry {
    /// The session, if it is of this kind.
    fn session<S: Keep>(&self) -> Option<&S> {
        let session: &dyn Any = &*self.session;
        session.downcast_ref()
    }
}

impl Kept {
    /// Where so many files may be open. Those of users of whom the state says that they were revoked
    /// end.
    pub(super) fn new(files: usize, state: Arc<State>) -> Self {
        let shelf = Shelf { entries: Vec::new(), is_swept: false, is_closed: false };
        Self { most: MOST.min(files / FILES_EACH), shelf: Arc::new(Mutex::new(shelf)), state }
    }

    /// What a session of a call with this credential would stand on; `None` if it may not be kept.
    pub(super) fn standing(&self, credential: &ServiceCredential<'_>) -> Option<Standing> {
        credential.standing(self.state.revocations())
    }

    /// One that stands on the very same and fits, for this call alone. What the caller has there on anything
    /// else ends: newer evidence may say another thing.
    pub(super) fn take<S: Keep>(
        &self,
        on: &Standing,
        clock: &dyn Clock,
        fits: impl Fn(&S) -> bool,
    ) -> Option<S> {
        self.end(|kept| kept.is_of_same_caller(on) && kept != on);
        if !on.is_current(clock) {
            return None;
        }
        let mut shelf = lock(&self.shelf);
        // The one used last, so that those in excess become idle.
        let is_one = |entry: &Entry| entry.standing == *on && entry.session().is_some_and(&fits);
        while let Some(found) = shelf.entries.iter().rposition(is_one) {
            let session: Box<dyn Any> = shelf.entries.remove(found).session;
            if let Ok(session) = session.downcast::<S>()
                && !session.is_lost()
            {
                return Some(*session);
            }
        }
        None
    }

    /// Keeps one. If there are too many, those unused for longest end, first this user's.
    pub(super) fn put(&self, on: Standing, session: impl Keep) {
        let session: Box<dyn Keep> = Box::new(session);
        let mut shelf = lock(&self.shelf);
        if shelf.is_closed || self.most == 0 || on.is_revoked(self.state.revocations()) {
            drop(shelf);
            return end_one(session);
        }
        let is_own = |entry: &Entry| entry.standing.is_of_same_user(&on);
        let own = shelf.entries.iter().filter(|entry| is_own(entry)).count();
        let excess = if own >= OF_A_USER {
            shelf.entries.iter().position(is_own)
        } else {
            (shelf.entries.len() >= self.most).then_some(0)
        };
        let excess = excess.map(|index| shelf.entries.remove(index));
        shelf.entries.push(Entry { standing: on, since: Instant::now(), session });
        if !std::mem::replace(&mut shelf.is_swept, true) {
            self.sweep();
        }
        drop(shelf);
        excess.into_iter().for_each(|entry| end_one(entry.session));
    }

    /// Ends one of those of this kind that this holds for: the one that was unused for longest.
    pub(super) fn end_oldest<S: Keep>(&self, of: impl Fn(&S) -> bool) {
        let mut shelf = lock(&self.shelf);
        let oldest = shelf.entries.iter().position(|entry| entry.session().is_some_and(&of));
        let oldest = oldest.map(|at| shelf.entries.remove(at).session);
        drop(shelf);
        oldest.into_iter().for_each(end_one);
    }

    /// Ends all that stand on what this holds for.
    pub(super) fn end(&self, of: impl Fn(&Standing) -> bool) {
        take_out(&mut lock(&self.shelf), |entry| of(&entry.standing)).into_iter().for_each(end_one);
    }

    /// Ends all, and keeps none any more. Done when they have ended.
    pub(super) async fn close(&self) {
        let all = {
            let mut shelf = lock(&self.shelf);
            shelf.is_closed = true;
            take_out(&mut shelf, |_| true)
        };
        let mut ends: tokio::task::JoinSet<()> =
            all.into_iter().map(|session| session.end()).collect();
        while ends.join_next().await.is_some() {}
    }

    /// Looks after what is idle, as long as there is anything.
    fn sweep(&self) {
        let (shelf, state) = (Arc::downgrade(&self.shelf), self.state.clone());
        let mut revoked = state.revocations().watch();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = sleep(SWEEP) => {}
                    // It says so as long as there is the state.
                    _ = revoked.changed() => {}
                }
                let Some(shelf) = shelf.upgrade() else { return };
                let mut shelf = lock(&shelf);
                let is_done = |entry: &Entry| {
                    entry.since.elapsed() >= IDLE
                        || entry.session.is_lost()
                        || entry.standing.is_revoked(state.revocations())
                };
                let done = take_out(&mut shelf, is_done);
                shelf.is_swept = !shelf.entries.is_empty();
                let is_over = !shelf.is_swept;
                drop(shelf);
                done.into_iter().for_each(end_one);
                if is_over {
                    return;
                }
            }
        });
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_out(shelf: &mut Shelf, of: impl Fn(&Entry) -> bool) -> Vec<Box<dyn Keep>> {
    shelf.entries.extract_if(.., |entry| of(entry)).map(|entry| entry.session).collect()
}

/// Ends one. Nobody waits for it.
pub(super) fn end(session: impl Keep) {
    end_one(Box::new(session));
}

fn end_one(session: Box<dyn Keep>) {
    if !session.is_lost() {
        tokio::spawn(session.end());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

    use krb_client::SystemClock;
    use krb_proto::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::credential::standing;
    use crate::state::{RevocationList, Whose};

    /// A session of somebody's, and how many of all have ended.
    struct Session {
        of: String,
        lost: Arc<AtomicBool>,
        ended: Arc<AtomicUsize>,
    }

    impl Keep for Session {
        fn is_lost(&self) -> bool {
            self.lost.load(Ordering::SeqCst)
        }

        fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
            Box::pin(async move { drop(self) })
        }
    }

    impl Drop for Session {
        fn drop(&mut self) {
            self.ended.fetch_add(1, Ordering::SeqCst);
        }
    }

    struct Sessions {
        kept: Kept,
        ended: Arc<AtomicUsize>,
        lost: Arc<AtomicBool>,
    }

    impl Sessions {
        fn new(files: usize) -> Self {
            let state = State::in_memory();
            let kept = Kept::new(files, state);
            Self { kept, ended: Arc::default(), lost: Arc::default() }
        }

        fn put(&self, on: &Standing, of: &str) {
            let (lost, ended) = (self.lost.clone(), self.ended.clone());
            self.kept.put(on.clone(), Session { of: of.into(), lost, ended });
        }

        fn take(&self, on: &Standing) -> Option<String> {
            let taken = self.kept.take(on, &SystemClock, |_: &Session| true);
            taken.map(|session| session.of.clone())
        }

        async fn ended(&self) -> usize {
            // Those that end do so in tasks of their own.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            self.ended.load(Ordering::SeqCst)
        }

        fn count(&self) -> usize {
            lock(&self.kept.shelf).entries.len()
        }
    }

    const FILES: usize = 1024;

    #[tokio::test]
    async fn what_was_set_up_on_one_thing_serves_nothing_else() {
        let sessions = Sessions::new(FILES);
        let alice = standing("alice", "files", 1104, 1);
        sessions.put(&alice, "alice");
        for other in [
            standing("bob", "files", 1105, 2),
            standing("bob", "files", 1104, 1),
            standing("alice", "other", 1104, 1),
        ] {
            assert_eq!(sessions.take(&other), None);
        }
        assert_eq!(sessions.take(&alice).as_deref(), Some("alice"));
        assert_eq!(sessions.take(&alice), None, "it is taken");
    }

    #[tokio::test]
    async fn newer_evidence_ends_what_stands_on_older() {
        let sessions = Sessions::new(FILES);
        sessions.put(&standing("alice", "files", 1104, 1), "alice");
        sessions.put(&standing("bob", "files", 1105, 1), "bob");
        assert_eq!(sessions.take(&standing("alice", "files", 1104, 2)), None);
        assert_eq!((sessions.count(), sessions.ended().await), (1, 1), "hers alone");
        assert_eq!(sessions.take(&standing("alice", "files", 1104, 1)), None);
        // The name was given to somebody else, or the account made anew.
        assert_eq!(sessions.take(&standing("bob", "files", 1106, 3)), None);
        assert_eq!(sessions.count(), 0);
    }

    struct Moved(AtomicI64);

    impl Clock for Moved {
        fn now(&self) -> Timestamp {
            let now = SystemClock.now();
            Timestamp::new(now.seconds.unix() + self.0.load(Ordering::SeqCst), now.microseconds)
        }
    }

    #[tokio::test]
    async fn none_is_used_for_longer_than_its_evidence() {
        let sessions = Sessions::new(FILES);
        let (alice, clock) = (standing("alice", "files", 1104, 1), Moved(AtomicI64::new(0)));
        sessions.put(&alice, "alice");
        for (seconds, used) in [(890, true), (901, false), (-5, false)] {
            clock.0.store(seconds, Ordering::SeqCst);
            let taken = sessions.kept.take(&alice, &clock, |_: &Session| true);
            assert_eq!(taken.is_some(), used, "{seconds}");
            taken.into_iter().for_each(|session| sessions.kept.put(alice.clone(), session));
        }
    }

    #[tokio::test]
    async fn one_that_broke_is_not_given() {
        let sessions = Sessions::new(FILES);
        let alice = standing("alice", "files", 1104, 1);
        sessions.put(&alice, "alice");
        sessions.put(&alice, "alice");
        sessions.lost.store(true, Ordering::SeqCst);
        assert_eq!(sessions.take(&alice), None);
        assert_eq!((sessions.count(), sessions.ended().await), (0, 2));
    }

    #[tokio::test]
    async fn they_have_numbers() {
        let sessions = Sessions::new(FILES);
        let (alice, bob) = (standing("alice", "files", 1104, 1), standing("bob", "files", 1105, 2));
        sessions.put(&bob, "bob");
        for number in 0..OF_A_USER + 3 {
            sessions.put(&alice, &number.to_string());
        }
        assert_eq!((sessions.count(), sessions.ended().await), (OF_A_USER + 1, 3));
        assert_eq!(sessions.take(&alice), Some((OF_A_USER + 2).to_string()), "the last first");
        for number in 0..2 * MOST as u32 {
            let on = standing(&number.to_string(), "files", 2000 + number, 3);
            sessions.put(&on, "many");
            assert!(sessions.count() <= MOST);
        }
        assert_eq!((sessions.take(&bob), sessions.take(&alice)), (None, None));

        let few = Sessions::new(16);
        few.put(&bob, "bob");
        few.put(&alice, "alice");
        few.put(&alice, "alice");
        assert_eq!(few.count(), 16 / FILES_EACH);
        assert_eq!(few.take(&bob), None);
        let none = Sessions::new(4);
        none.put(&bob, "bob");
        assert_eq!((none.count(), none.ended().await), (0, 1));
    }

    /// One of another kind.
    struct Other;

    impl Keep for Other {
        fn is_lost(&self) -> bool {
            false
        }

        fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
            Box::pin(async {})
        }
    }

    #[tokio::test]
    async fn all_kinds_have_one_room_and_none_is_taken_for_another() {
        let sessions = Sessions::new(2 * FILES_EACH);
        let other = sessions.kept.clone();
        let (alice, bob) = (standing("alice", "files", 1104, 1), standing("bob", "files", 1105, 2));
        sessions.put(&alice, "alice");
        assert!(other.take(&alice, &SystemClock, |_: &Other| true).is_none());
        for _ in 0..2 {
            other.put(bob.clone(), Other);
        }
        assert_eq!((sessions.count(), sessions.ended().await), (2, 1), "the oldest of all ends");
        assert_eq!(sessions.take(&bob), None);
        assert!(other.take(&bob, &SystemClock, |_: &Other| true).is_some());
        for _ in 0..OF_A_USER {
            sessions.put(&bob, "bob");
        }
        sessions.kept.close().await;
        assert!(other.take(&bob, &SystemClock, |_: &Other| true).is_none(), "closed for all");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_idle_ends() {
        let sessions = Sessions::new(FILES);
        let (alice, bob) = (standing("alice", "files", 1104, 1), standing("bob", "files", 1105, 2));
        for _ in 0..2 {
            sessions.put(&alice, "alice");
            sleep(IDLE / 2).await;
            sessions.put(&bob, "bob");
            sleep(IDLE / 2 + SWEEP).await;
            assert_eq!(sessions.count(), 1, "alice's is gone");
            assert_eq!(sessions.take(&bob).as_deref(), Some("bob"));
            sleep(IDLE).await;
        }
        assert_eq!(sessions.ended().await, 4);
    }

    #[tokio::test]
    async fn who_is_revoked_has_none_any_more() {
        let sessions = Sessions::new(FILES);
        let (alice, bob) = (standing("alice", "files", 1104, 1), standing("bob", "files", 1105, 2));
        sessions.put(&alice, "alice");
        sessions.put(&bob, "bob");
        sessions.ended().await;
        let (mut list, whose) =
            (RevocationList::default(), Whose::Sid { sid: "S-1-5-21-1-2-3-1104".into() });
        list.revoke(whose.clone(), 1_800_000_000).unwrap();
        sessions.kept.state.revocations().replace(&list);
        // At once, and not when it is looked for idle ones.
        assert_eq!((sessions.ended().await, sessions.count()), (1, 1));
        // A call that was on its way, also when it was lifted.
        sessions.put(&alice, "alice");
        list.lift(&whose, 1_800_000_001).unwrap();
        sessions.kept.state.revocations().replace(&list);
        sessions.put(&alice, "alice");
        assert_eq!((sessions.ended().await, sessions.count()), (3, 1));
        assert_eq!(sessions.take(&bob).as_deref(), Some("bob"));
    }

    #[tokio::test]
    async fn at_the_end_all_end_and_none_is_kept() {
        let sessions = Sessions::new(FILES);
        let alice = standing("alice", "files", 1104, 1);
        sessions.put(&alice, "alice");
        sessions.kept.close().await;
        assert_eq!(sessions.ended.load(Ordering::SeqCst), 1);
        sessions.put(&alice, "alice");
        assert_eq!((sessions.take(&alice), sessions.ended().await), (None, 2));
    }

    proptest! {
        /// A hundred users over fewer sessions, some of which break, in any order.
        #[test]
        fn nobody_ever_has_anothers(steps in prop::collection::vec((0..100_u32, 0..3_u8, any::<bool>()), 1..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let sessions = Sessions::new(50 * FILES_EACH);
                for (user, evidence, breaks) in steps {
                    let on = standing(&user.to_string(), "files", user, evidence);
                    let of = format!("{user} {evidence}");
                    let session = match sessions.kept.take(&on, &SystemClock, |_: &Session| true) {
                        Some(session) => session,
                        None => {
                            let ended = sessions.ended.clone();
                            Session { of: of.clone(), lost: Arc::default(), ended }
                        }
                    };
                    prop_assert_eq!(&session.of, &of);
                    session.lost.store(breaks, Ordering::SeqCst);
                    sessions.kept.put(on, session);
                    prop_assert!(sessions.count() <= 50);
                }
                Ok(())
            })?;
        }
    }
}
