use tokio::sync::oneshot;
use tracing::Span;

use crate::Failure;
use crate::audit::{Audit, Entry, NotWritten};
use crate::event::{Event, Meter, Metrics, Trace, Watch};
use crate::identity::Caller;
use crate::resources::{Doubt, Effect};

/// Everybody who keeps books about a call. What is told here is told to all; dropped before the call
/// is over, it tells them that nobody waited.
pub(super) struct Story {
    watch: Watch,
    entry: Entry,
    trace: Trace,
    meter: Meter,
    doubt: Doubt,
    is_over: bool,
}

impl Story {
    /// Begins with a caller's call.
    pub(super) fn begin(
        audit: &Audit,
        metrics: &Metrics,
        caller: &Caller,
        request_id: &str,
        tool: &'static str,
    ) -> Self {
        let begun = Event::Begun { request_id, tool, caller };
        let mut story = Self {
            watch: Watch::start(),
            entry: Entry::new(audit),
            trace: Trace::new(caller, request_id, tool),
            meter: Meter::new(metrics, tool),
            doubt: Doubt::of(Effect::None),
            is_over: false,
        };
        story.tell(begun);
        story
    }

    /// From now on what it asks for may be done.
    pub(super) fn may_be_in(&mut self, doubt: &Doubt) {
        self.doubt = doubt.clone();
    }

    pub(super) const fn span(&self) -> &Span {
        self.trace.span()
    }

    /// Tells what happened.
    pub(super) fn tell(&mut self, event: Event<'_>) {
        let told = self.watch.told(event);
        self.entry.note(&told.event);
        self.trace.note(&told);
        self.meter.note(&told);
    }

    /// Tells the record alone: nothing ends by it.
    pub(super) fn note(&mut self, event: &Event<'_>) {
        self.entry.note(event);
    }

    /// Writes the intent record.
    ///
    /// # Errors
    /// If it was not written: that is how the call ends.
    pub(super) async fn announce(mut self) -> Result<Self, Failure> {
        let (audit, (to, answer)) = (self.entry.audit().clone(), oneshot::channel());
        // It goes along, so that if nobody waits any more, what says so comes after the intent.
        self.entry.intent().write(move |written| {
            let written = self.entry.intended(written);
            drop(to.send((self, written)));
        });
        match audit.wait(answer).await {
            Some((mut story, Ok(()))) => {
                story.tell(Event::Announced);
                Ok(story)
            }
            Some((story, Err(not_written))) => Err(story.untold(not_written)),
            None => Err(NotWritten.into()),
        }
    }

    /// Writes the last record.
    ///
    /// # Errors
    /// If it was not written; what became of the call must then not be given out.
    pub(super) async fn end(mut self) -> Result<(), Failure> {
        match self.entry.end().await {
            Ok(()) => {
                self.tell(Event::Closed);
                self.is_over = true;
                Ok(())
            }
            Err(not_written) => Err(self.untold(not_written)),
        }
    }

    /// The log does not know how the call went, so its caller is not told either.
    fn untold(mut self, not_written: NotWritten) -> Failure {
        let failure = Failure::from(not_written);
        self.tell(Event::Failed(&failure));
        self.tell(Event::Closed);
        self.is_over = true;
        failure
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if !self.is_over {
            self.tell(Event::Abandoned { in_doubt: self.doubt.is_there() });
        }
    }
}
