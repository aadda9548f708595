//! What policy allowed.

use crate::credential::Route;
use crate::identity::Subject;
use crate::resources::Task;
use crate::targets::{Resolved, Target};

/// Proof that policy allows one subject one thing at one place, by one route to a credential: it owns
/// all four, so that nothing else can be done under it. Only [`Policy::decide`](super::Policy::decide) makes one.
#[derive(Debug)]
pub struct Permit {
    subject: Subject,
    resolved: Resolved,
    route: Route,
    policies: Vec<String>,
}

impl Permit {
    pub(super) fn new(subject: Subject, resolved: Resolved, policies: Vec<String>) -> Self {
        Self { subject, route: resolved.target().route(), resolved, policies }
    }

    /// Who.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What, for example `file:read`.
    #[must_use]
    pub fn action(&self) -> &str {
        self.resolved.action()
    }

    /// At which resource.
    #[must_use]
    pub fn target(&self) -> &Target {
        self.resolved.target()
    }

    /// What to do there.
    #[must_use]
    pub fn task(&self) -> &Task {
        self.resolved.task()
    }

    /// By which route it gets a credential.
    #[must_use]
    pub const fn route(&self) -> Route {
        self.route
    }

    /// Whom the resource will see, `name@REALM`, where that is not the subject.
    #[must_use]
    pub fn actual_identity(&self) -> Option<&str> {
        (self.route == Route::ServiceAccount).then(|| self.target().served_by())
    }

    /// The `@id`s of the policies that allow it, sorted.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
}
