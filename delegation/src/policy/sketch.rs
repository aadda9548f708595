//! What a policy asks for, as far as it can be seen at a glance: most policies are for somebody or
//! something else, and are passed over without asking Cedar.
//!
//! A sketch says "applies" and "does not apply" only where Cedar would find the same without an
//! error, and nothing of what it does not understand: that, Cedar decides. Of a policy that may fail
//! it knows the scope alone ([`Statement::applies`](super::Statement)).

use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, EntityTypeName, EntityUid, Policy as Cedar, PrincipalConstraint,
    ResourceConstraint,
};
use serde_json::Value;

use super::asking::{SERVER, Types};
use super::facts::{Facts, Field, List};
use super::json::{CLAIMS, attribute, claim, like, single, text, texts};
use super::pattern::Pattern;
use crate::identity::ClaimValue;

/// A condition, in which what is not understood is neither true nor false.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Sketch {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// The text is what the pattern says.
    Like(Field, Pattern),
    /// The text is one of these.
    OneOf(Field, Vec<String>),
    /// The set has this.
    Holds(List, String),
    /// The field is there.
    Has(Field),
    /// The claim is there, whatever it is.
    HasClaim(Arc<str>),
    /// The claim is true.
    IsTrue(Arc<str>),
    /// It is about a target, not about this server.
    AtTarget,
    Unknown,
}

impl Sketch {
    /// That of a policy that never applies.
    pub(super) const NEVER: Self = Self::Any(Vec::new());

    /// What a policy asks for.
    pub(super) fn of(policy: &Cedar, json: &Value, types: &Types) -> Self {
        let mut all = principal(policy, types);
        all.extend(place(policy, types));
        // What fails makes the whole policy fail, whatever else it says: then only the scope, which
        // is looked at first and cannot fail, tells whether it applies.
        if !may_fail(json) {
            all.extend(conditions(json).map(|one| {
                let body = read(one.get("body").unwrap_or(&Value::Null));
                match one.get("kind").and_then(Value::as_str) {
                    Some("when") => body,
                    Some("unless") => body.not(),
                    _ => Self::Unknown,
                }
            }));
        }
        Self::All(all)
    }

    /// What it asks for of the action and the resource alone.
    pub(super) fn of_place(policy: &Cedar, types: &Types) -> Self {
        Self::All(place(policy, types))
    }

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Whether it holds; none if that cannot be told.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> Option<bool> {
        match self {
            Self::All(parts) => {
                let mut all = Some(true);
                for part in parts {
                    match part.holds(facts) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => all = None,
                    }
                }
                all
            }
            Self::Any(parts) => {
                let mut any = Some(false);
                for part in parts {
                    match part.holds(facts) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => any = None,
                    }
                }
                any
            }
            Self::Not(part) => part.holds(facts).map(|holds| !holds),
            Self::Like(field, pattern) => Some(pattern.matches(facts.text(field)?)),
            // A policy for one target is not for this server itself.
            Self::OneOf(Field::Target, names) => Some(
                facts.target.is_some_and(|target| names.iter().any(|name| name == target.name())),
            ),
            Self::OneOf(field, texts) => {
                let found = facts.text(field)?;
                Some(texts.iter().any(|text| text == found))
            }
            Self::Holds(list, text) => Some(facts.list(list)?.contains(text)),
            // Of a path, "none" may mean "any".
            Self::Has(Field::Path) => facts.path.map(|_| true),
            Self::Has(field) => Some(facts.text(field).is_some()),
            Self::HasClaim(name) => Some(facts.claim(name).is_some()),
            // One that is not there is not read by what fits the schema, whichever this would be.
            Self::IsTrue(name) => match facts.claim(name)? {
                ClaimValue::Boolean(value) => Some(*value),
                _ => None,
            },
            Self::AtTarget => Some(facts.target.is_some()),
            Self::Unknown => None,
        }
    }
}

fn conditions(json: &Value) -> impl Iterator<Item = &Value> {
    json.get("conditions").and_then(Value::as_array).into_iter().flatten()
}

/// Whether a policy may fail instead of applying or not.
pub(super) fn may_fail(json: &Value) -> bool {
    !conditions(json).all(|one| one.get("body").is_some_and(never_fails))
}

fn id(uid: &EntityUid) -> String {
    uid.id().unescaped().to_owned()
}

// No user is in another, nor a target or an action: to be in one is to be the one.
fn principal(policy: &Cedar, types: &Types) -> Vec<Sketch> {
    match policy.principal_constraint() {
        PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid)
            if *uid.type_name() == types.user =>
        {
            vec![Sketch::OneOf(Field::User, vec![id(&uid)])]
        }
        PrincipalConstraint::IsIn(kind, uid)
            if kind == types.user && *uid.type_name() == types.user =>
        {
            vec![Sketch::OneOf(Field::User, vec![id(&uid)])]
        }
        PrincipalConstraint::Any => Vec::new(),
        PrincipalConstraint::Is(kind) if kind == types.user => Vec::new(),
        // Nobody else asks.
        _ => vec![Sketch::NEVER],
    }
}

fn place(policy: &Cedar, types: &Types) -> Vec<Sketch> {
    let mut all = Vec::new();
    match policy.action_constraint() {
        ActionConstraint::Any => {}
        ActionConstraint::Eq(uid) => all.push(Sketch::OneOf(Field::Action, vec![id(&uid)])),
        ActionConstraint::In(uids) => {
            all.push(Sketch::OneOf(Field::Action, uids.iter().map(id).collect()));
        }
    }
    match policy.resource_constraint() {
        ResourceConstraint::Any => {}
        ResourceConstraint::Is(kind) => all.push(at(&kind, types)),
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) => all.push(is(&uid, types)),
        ResourceConstraint::IsIn(kind, uid) => all.extend([at(&kind, types), is(&uid, types)]),
    }
    all
}

/// That the resource is of this type.
fn at(kind: &EntityTypeName, types: &Types) -> Sketch {
    if *kind == types.target {
        Sketch::AtTarget
    } else if *kind == types.server {
        Sketch::AtTarget.not()
    } else {
        Sketch::NEVER
    }
}

/// That the resource is this one.
fn is(uid: &EntityUid, types: &Types) -> Sketch {
    if *uid.type_name() == types.target {
        Sketch::OneOf(Field::Target, vec![id(uid)])
    } else if uid.id().unescaped() == SERVER {
        at(uid.type_name(), types)
    } else {
        Sketch::NEVER
    }
}

/// Whether an expression of a policy that fits the schema has a value whatever is asked. Arithmetic
/// may overflow, extensions may be given text that is none of theirs, and an entity that a policy
/// names may have no attributes.
fn never_fails(node: &Value) -> bool {
    let Some((operator, operands)) = single(node) else { return false };
    let part = |name: &str| operands.get(name).is_some_and(never_fails);
    match operator {
        "Value" => match operands {
            Value::Object(fields) => fields.contains_key("__entity"),
            Value::Array(_) | Value::Null => false,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        },
        "Var" => true,
        "!" | "isEmpty" => part("arg"),
        "&&" | "||" | "==" | "!=" | "in" | "<" | "<=" | ">" | ">=" | "contains" | "containsAll"
        | "containsAny" => part("left") && part("right"),
        "like" => part("left"),
        "is" => part("left") && operands.get("in").is_none_or(never_fails),
        // The attributes of these are there, or it is asked first whether they are: the schema has been
        // asked.
        "." | "has" => operands
            .get("left")
            .is_some_and(|left| is_variable(left) || attribute(left) == Some(CLAIMS)),
        "if-then-else" => part("if") && part("then") && part("else"),
        "Set" => operands.as_array().is_some_and(|items| items.iter().all(never_fails)),
        _ => false,
    }
}

fn is_variable(node: &Value) -> bool {
    single(node).is_some_and(|(operator, _)| operator == "Var")
}

fn read(node: &Value) -> Sketch {
    let Some((operator, operands)) = single(node) else { return Sketch::Unknown };
    let part = |name: &str| operands.get(name).unwrap_or(&Value::Null);
    let both = || [read(part("left")), read(part("right"))];
    match operator {
        "Value" => match operands.as_bool() {
            Some(true) => Sketch::All(Vec::new()),
            Some(false) => Sketch::NEVER,
            None => Sketch::Unknown,
        },
        "&&" => Sketch::All(joined(both(), |one| match one {
            Sketch::All(parts) => Ok(parts),
            other => Err(other),
        })),
        "||" => Sketch::Any(joined(both(), |one| match one {
            Sketch::Any(parts) => Ok(parts),
            other => Err(other),
        })),
        "!" => read(part("arg")).not(),
        "==" => equal(part("left"), part("right")),
        "!=" => equal(part("left"), part("right")).not(),
        "like" => match (field(part("left")), part("pattern").as_array()) {
            (Some(field), Some(elements)) => Sketch::Like(field, like(elements)),
            _ => Sketch::Unknown,
        },
        "has" if attribute(part("left")) == Some(CLAIMS) => {
            part("attr").as_str().map_or(Sketch::Unknown, |name| Sketch::HasClaim(name.into()))
        }
        "has" => {
            let is_context = single(part("left")).is_some_and(|(_, var)| var == "context");
            match part("attr").as_str() {
                Some("clientId") if is_context => Sketch::Has(Field::ClientId),
                Some("path") if is_context => Sketch::Has(Field::Path),
                Some("tool") if is_context => Sketch::Has(Field::Tool),
                _ => Sketch::Unknown,
            }
        }
        "contains" => match (list(part("left")), text(part("right"))) {
            (Some(list), Some(text)) => Sketch::Holds(list, text),
            _ => match (texts(part("left")), field(part("right"))) {
                (Some(texts), Some(field)) => Sketch::OneOf(field, texts),
                _ => Sketch::Unknown,
            },
        },
        // As a condition, it is a boolean.
        "." => claim(node).map_or(Sketch::Unknown, |name| Sketch::IsTrue(name.into())),
        "containsAny" | "containsAll" => match (list(part("left")), texts(part("right"))) {
            (Some(list), Some(texts)) => {
                let holds = |text| Sketch::Holds(list.clone(), text);
                let each = texts.into_iter().map(holds).collect();
                if operator == "containsAny" { Sketch::Any(each) } else { Sketch::All(each) }
            }
            _ => Sketch::Unknown,
        },
        _ => Sketch::Unknown,
    }
}

// Conditions joined by one operator nest to the left, one level each: here they lie side by side.
fn joined(both: [Sketch; 2], parts: impl Fn(Sketch) -> Result<Vec<Sketch>, Sketch>) -> Vec<Sketch> {
    let [left, right] = both.map(|one| parts(one).unwrap_or_else(|other| vec![other]));
    let mut all = left;
    all.extend(right);
    all
}

fn equal(left: &Value, right: &Value) -> Sketch {
    for (one, other) in [(left, right), (right, left)] {
        if let (Some(field), Some(text)) = (field(one), text(other)) {
            return Sketch::OneOf(field, vec![text]);
        }
    }
    Sketch::Unknown
}

/// An attribute that is one text.
fn field(node: &Value) -> Option<Field> {
    if let Some(name) = claim(node) {
        return Some(Field::Claim(name.into()));
    }
    Some(match attribute(node)? {
        ("context", "path") => Field::Path,
        ("context", "clientId") => Field::ClientId,
        ("context", "tool") => Field::Tool,
        ("principal", "issuer") => Field::Issuer,
        ("principal", "subject") => Field::Subject,
        ("principal", "legacyName") => Field::LegacyName,
        ("resource", "kind") => Field::Kind,
        ("resource", "spn") => Field::Spn,
        ("resource", "host") => Field::Host,
        _ => return None,
    })
}

/// An attribute that is a set of texts.
fn list(node: &Value) -> Option<List> {
    if let Some(name) = claim(node) {
        return Some(List::Claim(name.into()));
    }
    Some(match attribute(node)? {
        ("principal", "roles") => List::Roles,
        ("principal", "permissions") => List::Permissions,
        ("principal", "scopes") => List::Scopes,
        ("principal", "groups") => List::Groups,
        _ => return None,
    })
}
