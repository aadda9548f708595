use std::sync::{Mutex, PoisonError};

use super::story::Story;
use crate::Failure;
use crate::credential::kerberos::Account;
use crate::event::Event;
use crate::policy::{Denial, Permit};
use crate::resources::Doubt;

/// Proof that the intent record of a permit has been written: the only thing that later stages take.
/// It must be closed; dropped, it leaves a closing record with outcome `ABANDONED` as well as it can.
#[must_use = "close it with the call's outcome"]
pub struct Announced {
    permit: Permit,
    doubt: Doubt,
    story: Mutex<Story>,
}

impl Announced {
    pub(super) fn new(permit: Permit, mut story: Story) -> Self {
        let doubt = Doubt::of(permit.task().effect());
        story.may_be_in(&doubt);
        Self { permit, doubt, story: Mutex::new(story) }
    }

    /// What was announced.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Whether it may have been done.
    pub(crate) const fn doubt(&self) -> &Doubt {
        &self.doubt
    }

    /// Tells what happened, for the closing record among others.
    pub(crate) fn tell(&self, event: Event<'_>) {
        self.story.lock().unwrap_or_else(PoisonError::into_inner).tell(event);
    }

    /// Asks policy once more, if it waits for the groups of the account that the evidence proves.
    ///
    /// # Errors
    /// [`Code::PolicyDenied`](crate::Code::PolicyDenied) if that is what they decide.
    pub(crate) fn confirm(&self, account: &Account) -> Result<(), Failure> {
        match self.permit.confirm(&account.groups) {
            Ok(None) => Ok(()),
            Ok(Some(policies)) => {
                self.tell(Event::Confirmed { policies: &policies });
                Ok(())
            }
            Err(Denial { failure, policies, asked }) => {
                self.tell(Event::Denied { policies: &policies, asked: asked.as_deref() });
                Err(failure)
            }
        }
    }

    /// Writes the closing record.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if the record was not written; the
    /// result must then not be given to the caller.
    pub async fn close(self, result: Result<(), &Failure>) -> Result<(), Failure> {
        let Self { doubt, story, .. } = self;
        let mut story = story.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Err(failure) = result {
            story.tell(Event::Failed(failure));
        }
        story.end().await.map_err(|failure| doubt.explain(failure))
    }
}
