use tracing::Span;

use super::Announced;
use super::story::Story;
use crate::audit::Audit;
use crate::event::{Event, Metrics};
use crate::identity::{Caller, Subject};
use crate::policy::{Denial, Permit};
use crate::targets::Resolved;
use crate::{Failure, TraceContext};

/// A call that has begun. It ends in one record, or as [`Announced`]; dropped, it leaves a record
/// with outcome `ABANDONED` as well as it can.
#[must_use = "end it: failed, denied, answered, or intent"]
pub struct Attempt {
    story: Story,
}

impl Attempt {
    /// Begins a caller's call. It leaves a record however it ends.
    pub(crate) fn begin(
        audit: &Audit,
        metrics: &Metrics,
        caller: &Caller,
        request_id: &str,
        tool: &'static str,
    ) -> Self {
        Self { story: Story::begin(audit, metrics, caller, request_id, tool) }
    }

    /// What is done within it belongs to this call.
    pub(crate) fn span(&self) -> Span {
        self.story.span().clone()
    }

    /// Notes where it belongs in its caller's trace.
    pub(crate) fn belongs_to(&mut self, trace: &TraceContext) {
        self.story.tell(Event::Traced(trace));
    }

    /// Notes what is asked for, once the call's arguments have been understood.
    pub fn asks(&mut self, action: &str, address: &str) {
        self.story.tell(Event::Asked { action, address });
    }

    /// Notes which account the caller is, once the exchanged token has said it.
    pub fn is_of(&mut self, subject: &Subject) {
        self.story.tell(Event::Exchanged(subject));
    }

    /// Notes what that is at the resource, once it was found.
    pub(crate) fn finds(&mut self, place: &Resolved) {
        self.story.note(&Event::Found(place));
    }

    /// Records that the call failed before anything was decided or done, for example because the
    /// identity provider did not answer. Returns what the caller is told: the failure, or that it
    /// could not be recorded.
    pub async fn failed(mut self, failure: Failure) -> Failure {
        self.story.tell(Event::Failed(&failure));
        self.story.end().await.err().unwrap_or(failure)
    }

    /// Records that the call was refused before anything was done. Returns what the caller is told.
    pub async fn denied(mut self, denial: Denial) -> Failure {
        let Denial { failure, policies, asked } = denial;
        self.story.tell(Event::Denied { policies: &policies, asked: asked.as_deref() });
        self.failed(failure).await
    }

    /// Records an allowed call that the server answers itself, without any resource: allowed by these,
    /// of the policies that were `asked` ([`Policy::hash`](crate::policy::Policy::hash)).
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if the record was not written; the
    /// answer must then not be given.
    pub async fn answered(mut self, policies: &[String], asked: &str) -> Result<(), Failure> {
        self.story.tell(Event::AllowedHere { policies, asked });
        self.story.end().await
    }

    /// Records what a permit is about to do, before it is done. Nothing can be done with a permit
    /// but this.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if the record was not written; then
    /// nothing may be done.
    pub async fn intent(mut self, permit: Permit) -> Result<Announced, Failure> {
        self.story.tell(Event::Allowed(&permit));
        Ok(Announced::new(permit, self.story.announce().await?))
    }
}
