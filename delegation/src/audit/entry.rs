use tokio::time::Instant;

use super::Audit;
use super::job::{Job, NotWritten};
use super::record::{Body, Fields, Phase};
use crate::event::Event;

/// What the log will say of one call: nothing fills a field of it but the call's events. It ends as
/// one record, or as an intent record and a closing one; whoever gives it up tells it
/// [`Event::Abandoned`], and it says so as well as it can.
pub(crate) struct Entry {
    audit: Audit,
    fields: Fields,
    is_denied: bool,
    state: State,
    // Whether the log's thread may wait for a record of it.
    is_coming: bool,
}

enum State {
    /// Nothing is written.
    Begun,
    /// The intent record is on its way: nothing more is said before it is known to be written.
    Intending(Instant),
    /// It is.
    Intended(Instant),
    /// The last record is on its way, or there is none to be written.
    Ended,
}

impl Entry {
    pub(crate) fn new(audit: &Audit) -> Self {
        let (audit, fields) = (audit.clone(), Fields::default());
        let mut entry =
            Self { audit, fields, is_denied: false, state: State::Begun, is_coming: false };
        entry.is_coming(true);
        entry
    }

    pub(crate) const fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Takes in what happened.
    pub(crate) fn note(&mut self, event: &Event<'_>) {
        self.is_denied |= matches!(event, Event::Denied { .. });
        self.fields.note(event);
        if matches!(event, Event::Abandoned { .. })
            && let Some(body) = self.last()
        {
            self.audit.post(body);
        }
    }

    /// The intent record, to be written.
    pub(crate) fn intent(&mut self) -> Intent {
        self.state = State::Intending(Instant::now());
        self.is_coming(false);
        let (audit, body) = (self.audit.clone(), Body::new(Phase::Intent, &self.fields));
        Intent { audit, body }
    }

    /// Notes whether the intent record was written.
    pub(crate) fn intended(
        &mut self,
        written: Result<String, NotWritten>,
    ) -> Result<(), NotWritten> {
        let State::Intending(since) = self.state else { return Err(NotWritten) };
        self.state = if written.is_ok() { State::Intended(since) } else { State::Ended };
        self.fields.intent_id = Some(written?);
        self.is_coming(true);
        Ok(())
    }

    /// Writes the last record, if there is one to be written.
    pub(crate) async fn end(&mut self) -> Result<(), NotWritten> {
        match self.last() {
            Some(body) => self.audit.write(body).await,
            None => Ok(()),
        }
    }

    /// The last record, once.
    fn last(&mut self) -> Option<Body> {
        self.is_coming(false);
        let phase = match std::mem::replace(&mut self.state, State::Ended) {
            State::Intending(_) | State::Ended => return None,
            State::Begun if self.is_denied => Phase::Denied,
            State::Begun if self.fields.outcome.is_some() => Phase::Failed,
            State::Begun => Phase::Closing,
            State::Intended(since) => {
                let duration = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.fields.duration_ms = Some(duration);
                Phase::Closing
            }
        };
        self.fields.end();
        Some(Body::new(phase, &self.fields))
    }

    fn is_coming(&mut self, is_coming: bool) {
        if std::mem::replace(&mut self.is_coming, is_coming) != is_coming {
            self.audit.expect(is_coming);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.is_coming(false);
    }
}

/// An intent record that is yet to be written.
pub(crate) struct Intent {
    audit: Audit,
    body: Body,
}

impl Intent {
    /// Has it written. `then` is given its event id; it is called by the log's own thread, and must
    /// not wait.
    pub(crate) fn write(self, then: impl FnOnce(Result<String, NotWritten>) + Send + 'static) {
        self.audit.submit(Job::Write(self.body, Box::new(then)));
    }
}
