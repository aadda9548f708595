use std::sync::{Mutex, PoisonError};

use super::story::Story;
use crate::Failure;
use crate::event::Event;
use crate::policy::Permit;

/// Proof that the intent record of a permit has been written: the only thing that later stages take.
/// It must be closed; dropped, it leaves a closing record with outcome `ABANDONED` as well as it can.
#[must_use = "close it with the call's outcome"]
pub struct Announced {
    permit: Permit,
    story: Mutex<Story>,
}

impl Announced {
    pub(super) fn new(permit: Permit, story: Story) -> Self {
        Self { permit, story: Mutex::new(story) }
    }

    /// What was announced.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Tells what happened, for the closing record among others.
    pub(crate) fn tell(&self, event: Event<'_>) {
        self.story.lock().unwrap_or_else(PoisonError::into_inner).tell(event);
    }

    /// Writes the closing record.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if the record was not written; the
    /// result must then not be given to the caller.
    pub async fn close(self, result: Result<(), &Failure>) -> Result<(), Failure> {
        let mut story = self.story.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Err(failure) = result {
            story.tell(Event::Failed(failure));
        }
        story.end().await
    }
}
