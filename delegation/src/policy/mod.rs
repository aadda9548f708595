//! What a user may do: Cedar policies, deny by default.
//!
//! The vocabulary is `schema.cedarschema`. A policy is checked against it before the server
//! starts, so that a misspelt attribute, action or target is an error at start and not a rule that
//! silently never applies. At a call, an error in any policy is a denial: Cedar skips a policy that
//! fails, and a skipped `forbid` would allow.
//!
//! Cedar looks at every policy for every question. Here it is asked only about those that may apply
//! ([`index`], [`sketch`]), one by one; a test holds what comes out to what Cedar says of the whole.

mod asking;
mod comparisons;
mod facts;
mod failure;
mod index;
mod load;
mod narrow;
mod pattern;
mod permit;
mod rules;
mod sketch;
mod usable;

use std::cell::OnceCell;

use cedar_policy::{Effect, PolicySet};

use crate::Failure;
use crate::identity::Subject;
use crate::targets::Resolved;
use asking::{Asking, Vocabulary};
use facts::{Facts, user_id};
use failure::{Why, denied};
use index::Index;
use pattern::Pattern;
pub use permit::Permit;
use sketch::Sketch;
pub use usable::Usable;

/// The user's side of a question to the policy.
#[derive(Clone, Copy, Debug)]
struct Principal<'a> {
    issuer: &'a str,
    subject: &'a str,
    legacy_name: &'a str,
    roles: &'a [String],
    scopes: &'a [String],
    client_id: Option<&'a str>,
}

impl<'a> From<&'a Subject> for Principal<'a> {
    fn from(subject: &'a Subject) -> Self {
        Self {
            issuer: subject.issuer(),
            subject: subject.subject(),
            legacy_name: subject.legacy_name().as_str(),
            roles: subject.roles(),
            scopes: subject.scopes(),
            client_id: subject.client_id(),
        }
    }
}

/// Policy says no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// What the caller is told: not which policy it was.
    pub failure: Failure,
    /// The `@id`s of the policies that forbid it, sorted, for the record; none if nothing permits it.
    pub policies: Vec<String>,
}

impl From<Failure> for Denial {
    /// A refusal before any policy was asked.
    fn from(failure: Failure) -> Self {
        Self { failure, policies: Vec::new() }
    }
}

/// The operator's policies, checked against the schema and the configured targets.
#[derive(Debug)]
pub struct Policy {
    statements: Vec<Statement>,
    index: Index,
    /// The permits, by what a question has apart from its path.
    anywhere: Index,
    vocabulary: Vocabulary,
}

/// One policy.
#[derive(Debug)]
struct Statement {
    id: String,
    effect: Effect,
    sketch: Sketch,
    alone: PolicySet,
    /// What it compares the path with.
    paths: Vec<Pattern>,
}

/// What the policies that apply say.
#[derive(Debug, Default)]
struct Verdict<'a> {
    permits: Vec<&'a str>,
    forbids: Vec<&'a str>,
    /// A policy could not be evaluated.
    fails: bool,
}

impl Verdict<'_> {
    const fn allows(&self) -> bool {
        !self.permits.is_empty() && self.forbids.is_empty() && !self.fails
    }
}

impl Policy {
    /// Whether `subject` may do what was `resolved`.
    ///
    /// # Errors
    /// [`Code::PolicyDenied`] if no policy permits it, one forbids it, or one cannot be evaluated.
    pub fn decide(&self, subject: Subject, resolved: Resolved) -> Result<Permit, Denial> {
        let who = Principal::from(&subject);
        let policies = self.evaluate(who, resolved.action(), Some(&resolved))?;
        Ok(Permit::new(subject, resolved, policies))
    }

    /// Whether `subject` may ask this server itself for something (`user:info`). Returns the ids of
    /// the policies that allow it.
    ///
    /// # Errors
    /// [`Code::PolicyDenied`] as in [`Policy::decide`].
    pub fn decide_here(&self, subject: &Subject, action: &str) -> Result<Vec<String>, Denial> {
        self.evaluate(Principal::from(subject), action, None)
    }

    // The ids of the policies that allow it, sorted.
    fn evaluate(
        &self,
        who: Principal<'_>,
        action: &str,
        on: Option<&Resolved>,
    ) -> Result<Vec<String>, Denial> {
        let (user, entities) = (user_id(who), OnceCell::new());
        let facts = Facts::new(who, &user, action, on);
        let verdict = self.weigh(&Asking::new(&self.vocabulary, facts, &entities));
        let ids = |ids: &[&str]| {
            let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            ids.sort();
            ids
        };
        if verdict.allows() {
            return Ok(ids(&verdict.permits));
        }
        let (why, forbids) = match verdict.fails {
            true => (Why::Fault, &[][..]),
            false => (Why::Policy, &verdict.forbids[..]),
        };
        Err(Denial { failure: denied(why, who, action, on), policies: ids(forbids) })
    }

    /// What the policies say that apply to a question.
    fn weigh(&self, asking: &Asking<'_>) -> Verdict<'_> {
        let mut verdict = Verdict::default();
        for number in self.index.candidates(&asking.facts) {
            let Some(statement) = self.statements.get(number as usize) else { continue };
            match statement.applies(asking) {
                Ok(false) => {}
                Ok(true) if statement.effect == Effect::Permit => {
                    verdict.permits.push(&statement.id);
                }
                Ok(true) => verdict.forbids.push(&statement.id),
                Err(error) => {
                    let (action, policy) = (asking.facts.action, &statement.id);
                    tracing::error!(action, policy, error, "a policy failed; the call is denied");
                    verdict.fails = true;
                }
            }
        }
        verdict
    }
}

impl Statement {
    /// Whether it applies to a question.
    ///
    /// # Errors
    /// Why that cannot be told.
    fn applies(&self, asking: &Asking<'_>) -> Result<bool, String> {
        if self.sketch.holds(&asking.facts) == Some(false) {
            return Ok(false);
        }
        let response = asking.of(&self.alone)?;
        match response.diagnostics().errors().next() {
            Some(error) => Err(error.to_string()),
            None => Ok(response.diagnostics().reason().next().is_some()),
        }
    }
}

#[cfg(test)]
mod tests;
