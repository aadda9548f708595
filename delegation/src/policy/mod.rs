//! What a user may do: Cedar policies, deny by default.
//!
//! The vocabulary is `schema.cedarschema`. A policy is checked against it before the server
//! starts, so that a misspelt attribute, action or target is an error at start and not a rule that
//! silently never applies. At a call, an error in any policy is a denial: Cedar skips a policy that
//! fails, and a skipped `forbid` would allow.

mod comparisons;
mod failure;
mod load;
mod narrow;
mod pattern;
mod permit;
mod rules;
mod usable;

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression, Schema,
};

use crate::Failure;
use crate::identity::Subject;
use crate::targets::{Resolved, Target};
use failure::{Why, denied};
pub use permit::Permit;
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
    policies: PolicySet,
    permits: Vec<usable::PermitPolicy>,
    // The same without their tests of the path.
    anywhere: PolicySet,
    authorizer: Authorizer,
    schema: Schema,
    types: Types,
}

#[derive(Debug)]
struct Types {
    user: EntityTypeName,
    target: EntityTypeName,
    server: EntityTypeName,
    action: EntityTypeName,
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
        let denied = |why, policies| Denial { failure: denied(why, who, action, on), policies };
        let response = self.ask(who, action, on).map_err(|error| {
            tracing::error!(action, error, "policy request does not fit the schema");
            denied(Why::Fault, Vec::new())
        })?;
        let mut errors = response.diagnostics().errors().peekable();
        if errors.peek().is_some() {
            for error in errors {
                tracing::error!(action, %error, "a policy failed to evaluate; the call is denied");
            }
            return Err(denied(Why::Fault, Vec::new()));
        }
        let mut ids: Vec<String> =
            response.diagnostics().reason().map(|id| AsRef::<str>::as_ref(id).to_owned()).collect();
        ids.sort();
        if response.decision() == Decision::Allow { Ok(ids) } else { Err(denied(Why::Policy, ids)) }
    }

    fn ask(
        &self,
        who: Principal<'_>,
        action: &str,
        on: Option<&Resolved>,
    ) -> Result<cedar_policy::Response, String> {
        let at = on.map(|resolved| (resolved.target(), resolved.policy_path()));
        let request = self.request(who, action, at)?;
        let entities = self.entities(who, on.map(Resolved::target))?;
        Ok(self.authorizer.is_authorized(&request, &self.policies, &entities))
    }

    fn request(
        &self,
        who: Principal<'_>,
        action: &str,
        on: Option<(&Target, &str)>,
    ) -> Result<Request, String> {
        let context = [("path", on.map(|(_, path)| path)), ("clientId", who.client_id)]
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), string(value?))));
        Request::new(
            self.user_id(who),
            uid(&self.types.action, action),
            self.resource_id(on.map(|(target, _)| target)),
            Context::from_pairs(context).map_err(|e| e.to_string())?,
            Some(&self.schema),
        )
        .map_err(|e| e.to_string())
    }

    fn entities(&self, who: Principal<'_>, on: Option<&Target>) -> Result<Entities, String> {
        let resource = match on {
            Some(target) => self.target(target)?,
            None => Entity::new_no_attrs(self.resource_id(None), HashSet::new()),
        };
        Entities::from_entities([self.user(who)?, resource], Some(&self.schema))
            .map_err(|e| e.to_string())
    }

    fn user_id(&self, who: Principal<'_>) -> EntityUid {
        uid(&self.types.user, &format!("{}|{}", who.issuer, who.subject))
    }

    fn resource_id(&self, on: Option<&Target>) -> EntityUid {
        match on {
            Some(target) => uid(&self.types.target, target.name()),
            None => uid(&self.types.server, "self"),
        }
    }

    fn user(&self, who: Principal<'_>) -> Result<Entity, String> {
        let set =
            |items: &[String]| RestrictedExpression::new_set(items.iter().map(|item| string(item)));
        let attributes = HashMap::from([
            ("issuer".into(), string(who.issuer)),
            ("subject".into(), string(who.subject)),
            ("legacyName".into(), string(who.legacy_name)),
            ("roles".into(), set(who.roles)),
            ("scopes".into(), set(who.scopes)),
        ]);
        Entity::new(self.user_id(who), attributes, HashSet::new()).map_err(|e| e.to_string())
    }

    fn target(&self, target: &Target) -> Result<Entity, String> {
        let attributes = HashMap::from([
            ("kind".into(), string(target.kind())),
            ("spn".into(), string(target.spn())),
            ("host".into(), string(target.host())),
        ]);
        Entity::new(self.resource_id(Some(target)), attributes, HashSet::new())
            .map_err(|e| e.to_string())
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn string(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

#[cfg(test)]
mod tests;
