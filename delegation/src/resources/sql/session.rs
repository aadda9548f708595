use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::failure::Said;
use super::limits::Open;
use super::place::Place;
use super::rows::Rows;
use super::work::Work;
use crate::Failure;
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::resources::kept::Keep;
use crate::resources::{CallContext, Doubt};

/// A session at a database, in which everything is done as one user: logged in as them, or by somebody
/// who impersonates them for each call and no longer. What is dropped while it runs something cancels
/// that at the server and ends.
pub(super) trait Session: Keep + Sized {
    /// Connects and logs in for the user of a credential, who is called `place.identity` there, and
    /// makes sure that the server says so, too. Without a credential only a service logs in, with what
    /// is its own, and is looked at. From the end of this on everything is encrypted, and
    /// the settings that change how text is read are what `statement` takes them for.
    async fn log_in(
        network: &Network,
        cx: &CallContext,
        credential: Option<&ServiceCredential<'_>>,
        place: &Place<'_>,
    ) -> Result<Self, Failure>;

    /// The database it is at, as configured.
    fn database(&self) -> &str;

    /// Whether it is of use.
    fn life(&self) -> &Life;

    /// The same, to be changed.
    fn life_mut(&mut self) -> &mut Life;

    /// Makes sure that what [`tell_clean`](Self::tell_clean) asked for was done: that it is as new, and
    /// still the same user's. What does not run anything may be sent before.
    async fn look(&mut self, place: &Place<'_>, work: &Work) -> Result<(), NotDone>;

    /// Does what was looked at, as [`run`](Self::run) does. In doubt it is from when the server may do it
    /// for good, until that has not.
    async fn act(
        &mut self,
        place: &Place<'_>,
        work: &Work,
        rows: &mut Rows,
        doubt: &Doubt,
    ) -> Result<Done, NotDone>;

    /// Has it made as new. The server may do that while nobody wants the session.
    fn tell_clean(&mut self) -> impl Future<Output = bool> + Send;

    /// Does one thing: one statement, its values as parameters, in a transaction of its own, which is
    /// read-only for what only reads. Rows go to `rows`, no more than that wants. `None`: it did not
    /// end within `time`, which begins when the session is known to be good, or by `deadline`.
    async fn run(
        &mut self,
        place: &Place<'_>,
        work: &Work,
        rows: &mut Rows,
        (time, deadline): (Duration, Instant),
        doubt: &Doubt,
    ) -> Option<Result<Done, NotDone>> {
        self.life_mut().is_busy = true;
        let looked = timeout_at(deadline, self.look(place, work)).await.ok()?;
        let done = match looked {
            Ok(()) => {
                let until = deadline.min(Instant::now() + time);
                timeout_at(until, self.act(place, work, rows, doubt)).await.ok()?
            }
            Err(why) => Err(why),
        };
        self.life_mut().is_busy = false;
        if matches!(done, Err(NotDone::Lost(_) | NotDone::Failed(_) | NotDone::Unused)) {
            self.life_mut().is_lost = true;
        }
        Some(done)
    }

    /// Makes it as new, and makes sure that it is still the same user's, before it does anything else:
    /// here, or when it is next asked to run something, which is [`NotDone::Unused`] if it is not.
    /// `false`: it is not, and is to end.
    fn clean(&mut self) -> impl Future<Output = bool> + Send {
        async {
            let is_told = in_time(self.tell_clean()).await;
            self.life_mut().is_lost |= !is_told;
            !self.life().is_lost
        }
    }
}

/// What is clean is so within this.
const CLEAN_TIME: Duration = Duration::from_secs(5);

/// Whether it is clean, and that soon.
pub(super) async fn in_time(is_clean: impl Future<Output = bool>) -> bool {
    matches!(timeout(CLEAN_TIME, is_clean).await, Ok(true))
}

/// Whether a session is of use.
#[derive(Default)]
pub(super) struct Life {
    /// The server is at something: given up in the middle, nobody knows what it would answer to.
    pub(super) is_busy: bool,
    /// It is no more, or not whose it was.
    pub(super) is_lost: bool,
    /// It counts among its target's connections.
    pub(super) open: Option<Open>,
}

impl Life {
    /// Whether it is over.
    pub(super) const fn is_over(&self) -> bool {
        self.is_lost || self.is_busy
    }
}

/// How something was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Done {
    /// How many rows it changed, where the server says so.
    pub(super) changed: Option<u64>,
}

/// Why something was not done.
pub(super) enum NotDone {
    /// The server's answer to it. The session goes on.
    Refused(Said),
    /// We would not do it, or do not understand the answer.
    Failed(Failure),
    /// A session that was kept is of no more use, and nothing has run in it.
    Unused,
    /// The connection is no more. Nothing says whether it was done.
    Lost(String),
}
