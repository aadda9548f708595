//! What one connection is doing, and how long it may.
//!
//! Whoever keeps us waiting has a bound for it: for a head, for the rest of a body, and for taking
//! our answer. Where places run out, a connection that waits for its client gives way to a
//! newcomer; what works for a verified caller does not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// For a request's head, from the connection's beginning or from the head's first byte. Heads fit
/// into a packet or two.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For the beginning of another request. Longer than reverse proxies keep a connection (nginx:
/// 60 s), so that it is not us who closes it under a request that is on its way.
const IDLE_TIME: Duration = Duration::from_secs(75);
/// Without a byte of an answer taken. TCP's own retransmissions get through several lost packets in
/// that time.
const STALL_TIME: Duration = Duration::from_secs(10);
/// Without a byte of a body. The service has a shorter time for it, and says so to the client; this
/// is for bodies that it does not read.
const BODY_TIME: Duration = Duration::from_secs(15);
/// For taking one answer, in however small pieces: the largest (1 MiB of a file, as JSON and twice)
/// passes at 32 KB/s.
const ANSWER_TIME: Duration = Duration::from_secs(120);
/// For a request without a verified caller, whose issuer may have to be asked for its keys.
const ANONYMOUS_TIME: Duration = Duration::from_secs(60);
/// A verified caller's body or answer that has stood still for less is on its way, and does not
/// give way to a newcomer.
const PAUSE: Duration = Duration::from_secs(1);

/// A connection, as its stream, its requests and the table of places see it.
pub(crate) struct Connection {
    accepted: Instant,
    state: Mutex<State>,
    closed: CancellationToken,
}

struct State {
    turn: Turn,
    /// It has carried a verified caller's request.
    known: bool,
    writing: Option<Writing>,
    /// What ends when the answers have been taken: that of the request that runs is the last.
    held: Vec<Arc<dyn Send + Sync>>,
}

/// Whose turn it is.
enum Turn {
    /// The client's, to send a request's head.
    Head {
        since: Instant,
        first: bool,
        /// When its first byte came.
        begun: Option<Instant>,
    },
    /// Ours, to answer; the client's, while `body` says since when we wait for more of it.
    Request { since: Instant, verified: bool, body: Option<Instant> },
}

/// An answer on its way into the network.
struct Writing {
    since: Instant,
    /// When the network last took something of it.
    progress: Instant,
    /// It takes no more for now.
    blocked: bool,
}

/// How ready a connection is to give way; the smallest goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Readiness {
    /// Waits for a client that never showed a valid token. By age, which nothing that it does
    /// makes younger.
    Stranger(Instant),
    /// Waits for another request of a client that did.
    Idle(Instant),
    /// Has a token under verification, which may wait for the issuer's keys.
    Unverified(Instant),
    /// A verified caller's, who stopped to send a body or to take an answer.
    Stalled(Instant),
}

impl Connection {
    pub(super) fn new(now: Instant) -> Self {
        let turn = Turn::Head { since: now, first: true, begun: None };
        let state = State { turn, known: false, writing: None, held: Vec::new() };
        Self { accepted: now, state: Mutex::new(state), closed: CancellationToken::new() }
    }

    /// The request that runs is a verified caller's. Keeps `held` until its answer has been taken,
    /// not just been given: an answer that nobody reads takes memory.
    pub(crate) fn verified(&self, held: Arc<dyn Send + Sync>) {
        let mut state = self.state();
        state.known = true;
        state.held.push(held);
        if let Turn::Request { verified, .. } = &mut state.turn {
            *verified = true;
        }
    }

    /// Ends it, whatever it does.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    // What its requests tell.

    pub(super) fn request_begins(&self, now: Instant) {
        self.state().turn = Turn::Request { since: now, verified: false, body: None };
    }

    pub(super) fn request_ends(&self, now: Instant) {
        self.state().turn = Turn::Head { since: now, first: false, begun: None };
    }

    /// The request waits for more of its body, or no longer does.
    pub(super) fn waits_for_body(&self, waits: bool, now: Instant) {
        if let Turn::Request { body, .. } = &mut self.state().turn {
            *body = match (*body, waits) {
                (Some(since), true) => Some(since),
                (None, true) => Some(now),
                (_, false) => None,
            };
        }
    }

    // What its stream tells.

    pub(super) fn has_read(&self, now: Instant) {
        match &mut self.state().turn {
            Turn::Head { begun, .. } => *begun = begun.or(Some(now)),
            // A piece of a body too small to be handed on.
            Turn::Request { body, .. } => *body = body.map(|_| now),
        }
    }

    pub(super) fn has_written(&self, now: Instant) {
        let mut state = self.state();
        let since = state.writing.as_ref().map_or(now, |writing| writing.since);
        state.writing = Some(Writing { since, progress: now, blocked: false });
    }

    pub(super) fn cannot_write(&self, now: Instant) {
        let new = Writing { since: now, progress: now, blocked: true };
        self.state().writing.get_or_insert(new).blocked = true;
    }

    pub(super) fn has_flushed(&self) {
        let mut state = self.state();
        state.writing = None;
        let running = matches!(state.turn, Turn::Request { verified: true, .. });
        let taken = state.held.len().saturating_sub(usize::from(running));
        let taken: Vec<_> = state.held.drain(..taken).collect();
        drop(state);
        drop(taken);
    }

    /// There is an answer that the client did not take.
    pub(super) fn is_writing(&self) -> bool {
        self.state().writing.is_some()
    }

    // What the table of places asks.

    /// Whether its client has had its time.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let state = self.state();
        let head = match &state.turn {
            Turn::Head { begun: Some(begun), .. } => Some(*begun + HEAD_TIME),
            Turn::Head { since, first: true, .. } => Some(*since + HEAD_TIME),
            Turn::Head { since, .. } => Some(*since + IDLE_TIME),
            Turn::Request { body: Some(since), .. } => Some(*since + BODY_TIME),
            Turn::Request { .. } => None,
        };
        let anonymous = match &state.turn {
            Turn::Request { since, verified: false, .. } => Some(*since + ANONYMOUS_TIME),
            _ => None,
        };
        let writing = state.writing.as_ref();
        let stall = writing.filter(|w| w.blocked).map(|w| w.progress + STALL_TIME);
        let answer = writing.map(|writing| writing.since + ANSWER_TIME);
        [head, anonymous, stall, answer].into_iter().flatten().any(|end| end <= now)
    }

    /// Whether, and after whom, it can give way to a newcomer.
    pub(super) fn readiness(&self, now: Instant) -> Option<Readiness> {
        let state = self.state();
        let unread = state.writing.as_ref().filter(|w| w.blocked).map(|w| w.progress);
        let stalled = |since| (since + PAUSE <= now).then_some(Readiness::Stalled(since));
        match (&state.turn, unread) {
            (Turn::Head { .. }, _) if !state.known => Some(Readiness::Stranger(self.accepted)),
            (Turn::Head { .. }, Some(since)) => stalled(since),
            (Turn::Head { since, begun, .. }, None) => {
                Some(Readiness::Idle(begun.unwrap_or(*since)))
            }
            (Turn::Request { verified: false, body: Some(_), .. }, _)
            | (Turn::Request { verified: false, .. }, Some(_)) => {
                Some(Readiness::Stranger(self.accepted))
            }
            (Turn::Request { verified: false, .. }, None) => {
                Some(Readiness::Unverified(self.accepted))
            }
            (Turn::Request { body, .. }, unread) => body.or(unread).and_then(stalled),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The last second in which it is not over, from `start`.
    fn lasts(connection: &Connection, start: Instant) -> u64 {
        (0..1000).find(|&second| connection.is_over(start + s(second))).unwrap() - 1
    }

    #[test]
    fn a_head_has_ten_seconds_and_a_pause_between_requests_75() {
        let start = Instant::now();
        let connection = Connection::new(start);
        assert_eq!(lasts(&connection, start), 9);
        // However slowly it trickles in.
        connection.has_read(start + s(3));
        connection.has_read(start + s(12));
        assert_eq!(lasts(&connection, start), 12);
        connection.request_begins(start + s(12));
        connection.request_ends(start + s(20));
        assert_eq!(lasts(&connection, start + s(20)), 74);
        connection.has_read(start + s(60));
        assert_eq!(lasts(&connection, start + s(60)), 9);
    }

    #[test]
    fn a_call_is_bound_by_its_own_deadline_and_a_stranger_by_a_minute() {
        let start = Instant::now();
        let connection = Connection::new(start);
        connection.request_begins(start);
        assert_eq!(lasts(&connection, start), 59);
        connection.verified(Arc::new(()));
        assert!(!connection.is_over(start + s(3600)));
        connection.waits_for_body(true, start + s(3));
        connection.waits_for_body(true, start + s(5));
        assert_eq!(lasts(&connection, start + s(3)), 14);
        connection.has_read(start + s(10));
        assert_eq!(lasts(&connection, start + s(10)), 14);
        connection.waits_for_body(false, start + s(11));
        assert!(!connection.is_over(start + s(3600)));
    }

    #[test]
    fn an_answer_must_be_taken() {
        let start = Instant::now();
        let connection = Connection::new(start);
        connection.request_begins(start);
        connection.verified(Arc::new(()));
        connection.has_written(start);
        connection.cannot_write(start + s(1));
        assert_eq!(lasts(&connection, start), 9);
        // A byte now and then is not for ever.
        for second in (5..115).step_by(5) {
            connection.has_written(start + s(second));
            connection.cannot_write(start + s(second));
            assert!(!connection.is_over(start + s(second + 9)), "{second}");
        }
        connection.has_written(start + s(115));
        assert_eq!(lasts(&connection, start), 119);
        connection.has_flushed();
        assert!(!connection.is_over(start + s(1000)));
    }

    #[test]
    fn what_a_request_holds_ends_when_its_answer_has_been_taken() {
        let start = Instant::now();
        let (connection, held) = (Connection::new(start), Arc::new(()));
        connection.request_begins(start);
        connection.verified(held.clone());
        connection.has_flushed();
        connection.has_written(start);
        connection.request_ends(start);
        connection.cannot_write(start);
        assert_eq!(Arc::strong_count(&held), 2);
        // Another request that was sent in advance: its answer waits behind the first.
        let second = Arc::new(());
        connection.request_begins(start);
        connection.verified(second.clone());
        assert_eq!((Arc::strong_count(&held), Arc::strong_count(&second)), (2, 2));
        connection.has_flushed();
        assert_eq!((Arc::strong_count(&held), Arc::strong_count(&second)), (1, 2));
        connection.request_ends(start);
        connection.has_flushed();
        assert_eq!(Arc::strong_count(&second), 1);
    }

    #[test]
    fn strangers_give_way_first_and_running_calls_never() {
        let start = Instant::now();
        let now = start + s(30);
        let new = |at| Connection::new(start + s(at));
        let is = |connection: &Connection, expected| {
            assert_eq!(connection.readiness(now), expected);
        };
        let stranger = new(3);
        is(&stranger, Some(Readiness::Stranger(start + s(3))));
        // Requests that prove nothing make it no younger.
        stranger.request_begins(start + s(4));
        is(&stranger, Some(Readiness::Unverified(start + s(3))));
        stranger.waits_for_body(true, start + s(4));
        is(&stranger, Some(Readiness::Stranger(start + s(3))));
        stranger.waits_for_body(false, start + s(5));
        stranger.cannot_write(start + s(5));
        is(&stranger, Some(Readiness::Stranger(start + s(3))));
        stranger.request_ends(start + s(6));
        is(&stranger, Some(Readiness::Stranger(start + s(3))));

        let known = new(1);
        known.request_begins(start + s(2));
        known.verified(Arc::new(()));
        is(&known, None);
        known.waits_for_body(true, now);
        is(&known, None);
        known.waits_for_body(false, now);
        known.waits_for_body(true, start + s(20));
        is(&known, Some(Readiness::Stalled(start + s(20))));
        known.waits_for_body(false, start + s(21));
        known.cannot_write(start + s(22));
        is(&known, Some(Readiness::Stalled(start + s(22))));
        known.request_ends(start + s(22));
        is(&known, Some(Readiness::Stalled(start + s(22))));
        known.has_flushed();
        is(&known, Some(Readiness::Idle(start + s(22))));
        // A token that is no good may come over it later.
        known.request_begins(start + s(23));
        is(&known, Some(Readiness::Unverified(start + s(1))));

        let order = [
            Readiness::Stranger(start),
            Readiness::Stranger(now),
            Readiness::Idle(start),
            Readiness::Unverified(start),
            Readiness::Stalled(start),
        ];
        assert!(order.is_sorted());
    }
}
