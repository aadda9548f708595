//! What a user may do: Cedar policies, deny by default.
//!
//! The vocabulary is `schema.cedarschema`. A policy is checked against it before the server
//! starts, so that a misspelt attribute, action or target is an error at start and not a rule that
//! silently never applies. At a call, an error in any policy is a denial: Cedar skips a policy that
//! fails, and a skipped `forbid` would allow.
//!
//! Cedar looks at every policy for every question. Here it is asked only about those of which it
//! cannot be seen whether they apply ([`index`], [`sketch`]), one by one; a test holds what comes out
//! to what Cedar says of the whole.

mod asking;
mod comparisons;
mod current;
mod explain;
mod facts;
mod failure;
mod index;
mod json;
mod load;
mod narrow;
mod pattern;
mod permit;
mod rules;
mod sketch;
mod usable;
mod words;

use std::cell::OnceCell;
use std::sync::Arc;

use cedar_policy::{Effect, PolicySet};

use crate::Failure;
use crate::credential::Route;
use crate::identity::{ClaimValues, Subject};
use crate::targets::{Resolved, Targets};
use asking::{Asking, Vocabulary};
pub use current::{Policies, PolicyFile};
pub use explain::{Applies, Considered, Explanation, Listed, Outlook, Who};
use facts::{Facts, user_id};
use failure::{Why, denied};
use index::Index;
pub use load::schema;
use pattern::Pattern;
pub use permit::Permit;
use sketch::Sketch;
use usable::Known;
pub use usable::Usable;
pub(crate) use usable::listed;
pub use words::{Tool, Words};

/// The user's side of a question to the policy.
#[derive(Clone, Copy, Debug)]
struct Principal<'a> {
    issuer: &'a str,
    subject: &'a str,
    legacy_name: &'a str,
    roles: &'a [String],
    permissions: &'a [String],
    scopes: &'a [String],
    claims: &'a ClaimValues,
    client_id: Option<&'a str>,
}

impl<'a> From<&'a Subject> for Principal<'a> {
    fn from(subject: &'a Subject) -> Self {
        Self {
            issuer: subject.issuer(),
            subject: subject.subject(),
            legacy_name: subject.legacy_name().as_str(),
            roles: subject.roles(),
            permissions: subject.permissions(),
            scopes: subject.scopes(),
            claims: subject.claims(),
            client_id: subject.client_id(),
        }
    }
}

/// Policies to begin with, which give permissions their meaning: whoever has `file:read` may read
/// files.
pub const DEFAULTS: &str = include_str!("defaults.cedar");

/// What is asked, but for the action.
#[derive(Clone, Copy, Debug)]
struct Case<'a> {
    who: Principal<'a>,
    on: Option<&'a Resolved>,
    /// None as long as no KDC has said in which groups the account is.
    groups: Option<&'a [String]>,
}

/// Policy says no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// What the caller is told: not which policy it was.
    pub failure: Failure,
    /// The `@id`s of the policies that forbid it, or that cannot be evaluated, sorted, for the record;
    /// none if nothing permits it.
    pub policies: Vec<String>,
    /// Which policies were asked: [`Policy::hash`].
    pub asked: Option<Arc<str>>,
}

impl From<Failure> for Denial {
    /// A refusal before any policy was asked.
    fn from(failure: Failure) -> Self {
        Self { failure, policies: Vec::new(), asked: None }
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
    targets: Targets,
    /// Through which calls come; none: whichever.
    tools: Vec<Tool>,
    known: Known,
    hash: Arc<str>,
}

/// One policy.
#[derive(Debug)]
struct Statement {
    id: String,
    effect: Effect,
    /// Where it stands in its file, from 1.
    line: Option<usize>,
    sketch: Sketch,
    /// What of that is about the action and the resource.
    place: Sketch,
    alone: PolicySet,
    /// It says something of the groups of an account, which only a KDC knows.
    asks_groups: bool,
    /// It may be impossible to evaluate.
    may_fail: bool,
    /// What it compares the path with.
    paths: Vec<Pattern>,
}

/// What the policies that apply say.
#[derive(Debug, Default)]
struct Verdict<'a> {
    permits: Vec<&'a str>,
    forbids: Vec<&'a str>,
    /// Those that may permit it, depending on groups that are not known yet.
    open_permits: Vec<&'a str>,
    /// There are some that may forbid it, or may fail, depending on them.
    is_disputed: bool,
    /// Those that could not be evaluated.
    fails: Vec<&'a str>,
}

/// What follows from a verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Decision {
    Allow,
    /// It depends on groups that are not known yet.
    Open,
    Deny(Why),
}

impl Verdict<'_> {
    const fn decision(&self) -> Decision {
        let (permits, open) = (!self.permits.is_empty(), !self.open_permits.is_empty());
        if !self.fails.is_empty() {
            Decision::Deny(Why::Fault)
        } else if !self.forbids.is_empty() || !permits && !open {
            Decision::Deny(Why::Policy)
        } else if permits && !self.is_disputed {
            Decision::Allow
        } else {
            Decision::Open
        }
    }
}

impl Policy {
    /// Which policies these are: the first 16 hexadecimal digits of the SHA-256 of their file.
    #[must_use]
    pub const fn hash(&self) -> &Arc<str> {
        &self.hash
    }

    /// Whether `subject` may do what was `resolved`. Where that depends on the groups of the account,
    /// which only a KDC knows, the permit waits for them: nothing that it is for can be reached before
    /// they have confirmed it.
    ///
    /// # Errors
    /// [`Code::PolicyDenied`](crate::Code::PolicyDenied) if no policy permits it, one forbids it, or
    /// one cannot be evaluated.
    pub fn decide(
        self: &Arc<Self>,
        subject: Subject,
        resolved: Resolved,
    ) -> Result<Permit, Denial> {
        let case = Case { who: Principal::from(&subject), on: Some(&resolved), groups: None };
        let (decision, policies) = self.evaluate(case, resolved.action())?;
        let waits = decision == Decision::Open;
        if waits && !may_wait(&resolved) {
            return Err(self.denial(case, resolved.action(), Why::Policy, Vec::new()));
        }
        Ok(Permit::new(subject, resolved, policies, waits.then(|| Arc::clone(self)), &self.hash))
    }

    /// Whether `subject` may ask this server itself for something (`user:info`). Returns the ids of
    /// the policies that allow it.
    ///
    /// # Errors
    /// [`Code::PolicyDenied`](crate::Code::PolicyDenied) as in [`Policy::decide`].
    pub fn decide_here(&self, subject: &Subject, action: &str) -> Result<Vec<String>, Denial> {
        let case = Case { who: Principal::from(subject), on: None, groups: None };
        match self.evaluate(case, action)? {
            (Decision::Allow, policies) => Ok(policies),
            // Nobody will ever know.
            _ => Err(self.denial(case, action, Why::Policy, Vec::new())),
        }
    }

    // The ids of the policies that allow it, or may, sorted.
    fn evaluate(&self, case: Case<'_>, action: &str) -> Result<(Decision, Vec<String>), Denial> {
        let Case { who, on, groups } = case;
        let (user, entities) = (user_id(who), OnceCell::new());
        let facts = Facts { groups, ..Facts::new(who, &user, action, on) };
        let mut verdict = self.weigh(&Asking::new(&self.vocabulary, facts, &entities));
        let ids = |ids: &[&str]| {
            let mut ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            ids.sort();
            ids
        };
        match verdict.decision() {
            Decision::Deny(why) => {
                let by = if why == Why::Policy { &verdict.forbids } else { &verdict.fails };
                Err(self.denial(case, action, why, ids(by)))
            }
            Decision::Open => {
                verdict.permits.append(&mut verdict.open_permits);
                Ok((Decision::Open, ids(&verdict.permits)))
            }
            Decision::Allow => Ok((Decision::Allow, ids(&verdict.permits))),
        }
    }

    fn denial(&self, case: Case<'_>, action: &str, why: Why, policies: Vec<String>) -> Denial {
        let failure = denied(why, case.who, action, case.on);
        Denial { failure, policies, asked: Some(Arc::clone(&self.hash)) }
    }

    /// What the policies say that apply to a question.
    fn weigh(&self, asking: &Asking<'_>) -> Verdict<'_> {
        let mut verdict = Verdict::default();
        for number in self.index.candidates(&asking.facts) {
            let Some(statement) = self.statements.get(number as usize) else { continue };
            match (statement.applies(asking), statement.effect) {
                (Ok(Some(false)), _) => {}
                (Ok(Some(true)), Effect::Permit) => verdict.permits.push(&statement.id),
                (Ok(Some(true)), Effect::Forbid) => verdict.forbids.push(&statement.id),
                (Ok(None), effect) => {
                    verdict.is_disputed |= effect == Effect::Forbid || statement.may_fail;
                    if effect == Effect::Permit {
                        verdict.open_permits.push(&statement.id);
                    }
                }
                (Err(error), _) => {
                    let (action, policy) = (asking.facts.action, &statement.id);
                    tracing::error!(action, policy, error, "a policy failed; the call is denied");
                    verdict.fails.push(&statement.id);
                }
            }
        }
        verdict
    }
}

/// Whether anybody will say in which groups the account is: where the service account comes itself,
/// no KDC is asked about the user.
fn may_wait(resolved: &Resolved) -> bool {
    resolved.target().route() != Route::ServiceAccount
}

impl Statement {
    /// Whether it applies to a question; none if that depends on groups that are not known.
    ///
    /// # Errors
    /// Why that cannot be told.
    fn applies(&self, asking: &Asking<'_>) -> Result<Option<bool>, String> {
        let seen = self.sketch.holds(&asking.facts);
        if seen == Some(false) {
            return Ok(Some(false));
        }
        if self.asks_groups && asking.facts.groups.is_none() {
            return Ok(None);
        }
        // All that it asks for was seen; nothing of it can fail.
        if seen == Some(true) && !self.may_fail {
            asking.has_a_form()?;
            return Ok(Some(true));
        }
        let response = asking.of(&self.alone)?;
        match response.diagnostics().errors().next() {
            Some(error) => Err(error.to_string()),
            None => Ok(Some(response.diagnostics().reason().next().is_some())),
        }
    }
}

#[cfg(test)]
mod tests;
