//! Why something is allowed or denied: which policies apply, and what the others would have asked for.

use std::cell::OnceCell;

use cedar_policy::{Effect, Policy as Cedar, PolicySet};
use krb_proto::pac::Sid;
use serde::Serialize;
use serde_json::{Value, json};

use super::asking::Asking;
use super::comparisons::mentions;
use super::facts::{Facts, user_id};
use super::{Case, Decision, Policy, Principal, Statement, may_wait};
use crate::Question;
use crate::identity::{ClaimValues, Claimed};
use crate::targets::Resolved;

/// Why policy decides as it does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What it decides.
    pub decision: Outlook,
    /// Which policies were asked: [`Policy::hash`].
    pub policy_hash: String,
    /// Whether an identity provider has just said who it is about.
    pub verified: bool,
    /// Who it is about.
    pub principal: Who,
    /// What is asked for.
    pub action: String,
    /// Where; none for what the server answers itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The path as policy sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The policies for this action and target, those that apply first, then those that ask for
    /// least more.
    pub policies: Vec<Considered>,
    /// How many others there are.
    pub others: usize,
}

/// What policy decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outlook {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
    /// It depends on the groups of the account, which were not given.
    Pending,
}

/// Who somebody is to policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Who {
    /// The user's id in policies: `User::"…"`.
    pub id: String,
    /// The account's name.
    pub legacy_name: String,
    /// The client, if one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Permissions.
    pub permissions: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// What else a token says for policy.
    #[serde(skip_serializing_if = "ClaimValues::is_empty")]
    pub claims: ClaimValues,
    /// SIDs of groups, if they were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}

/// One policy, and what it makes of the question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Considered {
    /// Its `@id`.
    pub id: String,
    /// Where it stands in the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// Whether it applies.
    pub applies: Applies,
    /// What of it does not hold, as it is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<String>,
    /// What depends on groups that were not given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Why it cannot be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether a policy applies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applies {
    /// It cannot be evaluated: everything that it is for is denied.
    Fails,
    /// It does.
    Yes,
    /// It depends on groups that were not given.
    Unknown,
    /// It does not.
    No,
}

impl Policy {
    /// What is decided of `who`, and nothing else: for measuring.
    #[must_use]
    pub fn decides(&self, who: &Claimed, resolved: &Resolved) -> Outlook {
        let case = Case { who: Principal::from(who.subject()), on: Some(resolved), groups: None };
        self.outlook(case, resolved.action())
    }

    fn outlook(&self, case: Case<'_>, action: &str) -> Outlook {
        match self.evaluate(case, action) {
            Ok((Decision::Allow, _)) => Outlook::Allow,
            Ok(_) if case.on.is_some_and(may_wait) => Outlook::Pending,
            Ok(_) | Err(_) => Outlook::Deny,
        }
    }

    /// Why `who` may or may not do what was `resolved`, or ask this server about itself. Nothing can
    /// be done with the answer.
    #[must_use]
    pub fn explain(
        &self,
        who: &Claimed,
        resolved: Option<&Resolved>,
        groups: Option<&[Sid]>,
    ) -> Explanation {
        let groups: Option<Vec<String>> =
            groups.map(|groups| groups.iter().map(ToString::to_string).collect());
        let principal = Principal::from(who.subject());
        let action = resolved.map_or(Question::UserInfo.action(), Resolved::action);
        let case = Case { who: principal, on: resolved, groups: groups.as_deref() };
        let decision = self.outlook(case, action);
        let (user, entities) = (user_id(principal), OnceCell::new());
        let facts =
            Facts { groups: groups.as_deref(), ..Facts::new(principal, &user, action, resolved) };
        let asking = Asking::new(&self.vocabulary, facts, &entities);
        let for_this = self.statements.iter().filter(|one| one.is_for(&facts));
        let mut policies: Vec<_> = for_this.map(|one| one.consider(&asking)).collect();
        policies.sort_by_key(|one| {
            let missing = one.unmet.len() + one.unknown.len();
            (one.applies, missing, one.effect == "forbid", one.line)
        });
        Explanation {
            decision,
            policy_hash: self.hash().to_string(),
            verified: who.is_verified(),
            action: action.to_owned(),
            target: resolved.map(|resolved| resolved.target().name().to_owned()),
            path: resolved.map(|resolved| resolved.policy_path().to_owned()),
            others: self.statements.len() - policies.len(),
            policies,
            principal: Who {
                id: user.clone(),
                legacy_name: principal.legacy_name.to_owned(),
                client_id: principal.client_id.map(str::to_owned),
                roles: principal.roles.to_vec(),
                permissions: principal.permissions.to_vec(),
                scopes: principal.scopes.to_vec(),
                claims: principal.claims.clone(),
                groups: groups.clone(),
            },
        }
    }
}

impl Statement {
    /// Whether it is for this action and this resource, whoever asks.
    fn is_for(&self, facts: &Facts<'_>) -> bool {
        self.place.holds(facts) != Some(false)
    }

    fn consider(&self, asking: &Asking<'_>) -> Considered {
        let (applies, error) = match self.applies(asking) {
            Ok(Some(true)) => (Applies::Yes, None),
            Ok(Some(false)) => (Applies::No, None),
            Ok(None) => (Applies::Unknown, None),
            Err(error) => (Applies::Fails, Some(error)),
        };
        let (mut unmet, mut unknown) = (Vec::new(), Vec::new());
        if matches!(applies, Applies::No | Applies::Unknown)
            && let Some(policy) = self.alone.policies().next()
        {
            for part in parts(policy) {
                match part.holds(asking) {
                    Some(true) => {}
                    Some(false) => unmet.push(part.text),
                    None => unknown.push(part.text),
                }
            }
        }
        Considered {
            id: self.id.clone(),
            line: self.line,
            effect: effect(self.effect),
            applies,
            unmet,
            unknown,
            error,
        }
    }
}

pub(super) const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Permit => "permit",
        Effect::Forbid => "forbid",
    }
}

/// Something that must hold for a policy to apply.
struct Part {
    text: String,
    alone: PolicySet,
    asks_groups: bool,
}

impl Part {
    /// Whether it holds; none if that depends on groups that are not known.
    fn holds(&self, asking: &Asking<'_>) -> Option<bool> {
        if self.asks_groups && asking.facts.groups.is_none() {
            return None;
        }
        // What fails alone is guarded by another part that does not hold.
        let response = asking.of(&self.alone).ok()?;
        Some(response.diagnostics().reason().next().is_some())
    }
}

/// All that must hold for a policy to apply, apart from its action and its resource.
fn parts(policy: &Cedar) -> Vec<Part> {
    let Ok(json) = policy.to_json() else { return Vec::new() };
    let mut parts = Vec::new();
    if json["principal"]["op"] != "All" {
        parts.extend(part(&json["principal"], &Value::Array(Vec::new())));
    }
    for condition in json["conditions"].as_array().into_iter().flatten() {
        let kind = &condition["kind"];
        // `unless` a or b: neither may hold.
        let joint = if kind == "when" { "&&" } else { "||" };
        split(&condition["body"], joint, &mut |body| {
            parts.extend(part(&json!({ "op": "All" }), &json!([{ "kind": kind, "body": body }])));
        });
    }
    parts
}

// No deeper than `comparisons` has gone at load.
fn split<'v>(body: &'v Value, joint: &str, to: &mut impl FnMut(&'v Value)) {
    match body.get(joint) {
        Some(operands) => {
            split(&operands["left"], joint, to);
            split(&operands["right"], joint, to);
        }
        None => to(body),
    }
}

fn part(principal: &Value, conditions: &Value) -> Option<Part> {
    let all = json!({ "op": "All" });
    let policy = json!({
        "effect": "permit", "principal": principal, "action": all, "resource": all,
        "conditions": conditions
    });
    let asks_groups = mentions(&policy, "groups");
    let policy = Cedar::from_json(None, policy).ok()?;
    let text = policy.to_cedar()?;
    let text = match text.split_once('{') {
        Some((before, condition)) => {
            let condition = condition.rsplit_once('}').map_or(condition, |(inside, _)| inside);
            let not = if before.trim_end().ends_with("unless") { "not " } else { "" };
            format!("{not}{}", words(condition))
        }
        None => words(text.split_once('(')?.1.split_once(',')?.0),
    };
    Some(Part { text, alone: PolicySet::from_policies([policy]).ok()?, asks_groups })
}

/// On one line.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One of the policies that are loaded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its `@id`.
    pub id: String,
    /// Where it stands in the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// Whether it depends on groups, which only a KDC knows.
    pub asks_groups: bool,
}

impl Policy {
    /// All policies, in the file's order.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let mut all: Vec<_> = self
            .statements
            .iter()
            .map(|one| Listed {
                id: one.id.clone(),
                line: one.line,
                effect: effect(one.effect),
                asks_groups: one.asks_groups,
            })
            .collect();
        all.sort_by_key(|one| one.line);
        all
    }
}
