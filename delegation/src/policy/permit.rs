//! What policy allowed.

use std::sync::Arc;

use crate::{
    identity::Subject,
    targets::{Location, Resolved, Target},
};

/// Proof that policy allows one subject one action at one place. Only
/// [`Policy::decide`](super::Policy::decide) makes one.
#[derive(Debug)]
pub struct Permit {
    subject: Arc<Subject>,
    action: String,
    resolved: Resolved,
    policies: Vec<String>,
}

impl Permit {
    pub(super) fn new(
        subject: Arc<Subject>,
        action: String,
        resolved: Resolved,
        policies: Vec<String>,
    ) -> Self {
        Self { subject, action, resolved, policies }
    }

    /// Who.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What, for example `file:read`.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// At which resource.
    #[must_use]
    pub fn target(&self) -> &Target {
        self.resolved.target()
    }

    /// Where in it.
    #[must_use]
    pub fn location(&self) -> &Location {
        self.resolved.location()
    }

    /// The `@id`s of the policies that allow it, sorted.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
}
