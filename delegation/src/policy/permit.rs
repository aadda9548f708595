//! What policy allowed.

use std::sync::Arc;

use krb_proto::pac::Sid;

use super::{Case, Denial, Policy, Principal};
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
    /// The policies that are to be asked once more when the account's groups are known.
    waits: Option<Arc<Policy>>,
    asked: Arc<str>,
}

impl Permit {
    pub(super) fn new(
        subject: Subject,
        resolved: Resolved,
        policies: Vec<String>,
        waits: Option<Arc<Policy>>,
        asked: &Arc<str>,
    ) -> Self {
        let route = match (resolved.target().route(), subject.ticket()) {
            (Route::ProtocolTransition, Some(_)) => Route::OwnTicket,
            (Route::ProtocolTransition, None) if subject.delivered().is_some() => {
                Route::DeliveredTicket
            }
            (route, _) => route,
        };
        let asked = Arc::clone(asked);
        Self { subject, resolved, route, policies, waits, asked }
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

    /// Whom the resource will see, `name@REALM`, where that is not the subject; or who will log in
    /// there to become the subject.
    #[must_use]
    pub fn actual_identity(&self) -> Option<&str> {
        let is_other = [Route::ServiceAccount, Route::DatabaseImpersonation].contains(&self.route);
        is_other.then(|| self.target().served_by())
    }

    /// Who does it in the subject's place.
    #[must_use]
    pub fn stand_in(&self) -> Option<&str> {
        self.actual_identity().filter(|_| self.route == Route::ServiceAccount)
    }

    /// Whether it holds only once the account's groups have confirmed it.
    #[must_use]
    pub const fn waits_for_groups(&self) -> bool {
        self.waits.is_some()
    }

    /// Which policies were asked: [`Policy::hash`].
    #[must_use]
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// Asks the same policies once more, now that a KDC has said which groups the account is in. The
    /// ids of those that allow it then, sorted; none if the groups do not matter.
    ///
    /// # Errors
    /// [`Code::PolicyDenied`](crate::Code::PolicyDenied) as in [`Policy::decide`].
    pub(crate) fn confirm(&self, groups: &[Sid]) -> Result<Option<Vec<String>>, Denial> {
        let Some(policy) = &self.waits else { return Ok(None) };
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let who = Principal::from(&self.subject);
        let case = Case { who, on: Some(&self.resolved), groups: Some(&groups) };
        policy.evaluate(case, self.action()).map(|(_, policies)| Some(policies))
    }

    /// The `@id`s of the policies that allow it, or may once the account's groups are known, sorted.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
}
