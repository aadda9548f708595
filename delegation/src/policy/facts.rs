//! What is known of a question before Cedar is asked.

use std::sync::Arc;

use super::Principal;
use crate::identity::ClaimValue;
use crate::targets::{Resolved, Target};

/// One question to the policy: who wants to do what, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) who: Principal<'a>,
    /// The id of the user's entity.
    pub(super) user: &'a str,
    pub(super) action: &'a str,
    /// None for what this server answers itself.
    pub(super) target: Option<&'a Target>,
    /// None where there is none, or any is meant.
    pub(super) path: Option<&'a str>,
    /// None where there is none, or any is meant.
    pub(super) tool: Option<&'static str>,
    /// None as long as no KDC has said in which groups the account is.
    pub(super) groups: Option<&'a [String]>,
}

/// The id of a user's entity.
pub(super) fn user_id(who: Principal<'_>) -> String {
    format!("{}|{}", who.issuer, who.subject)
}

impl<'a> Facts<'a> {
    pub(super) fn new(
        who: Principal<'a>,
        user: &'a str,
        action: &'a str,
        on: Option<&'a Resolved>,
    ) -> Self {
        let (target, path) = (on.map(Resolved::target), on.map(Resolved::policy_path));
        let tool = on.and_then(Resolved::tool);
        Self { who, user, action, target, path, tool, groups: None }
    }

    /// The text that a field has; none if it has none, or it is not known.
    pub(super) fn text(&self, field: &Field) -> Option<&'a str> {
        match field {
            Field::User => Some(self.user),
            Field::Action => Some(self.action),
            Field::Target => self.target.map(Target::name),
            Field::Path => self.path,
            Field::ClientId => self.who.client_id,
            Field::Tool => self.tool,
            Field::Issuer => Some(self.who.issuer),
            Field::Subject => Some(self.who.subject),
            Field::LegacyName => Some(self.who.legacy_name),
            Field::Kind => self.target.map(Target::kind),
            Field::Spn => self.target.map(Target::spn),
            Field::Host => self.target.map(Target::host),
            Field::Claim(name) => match self.claim(name)? {
                ClaimValue::Text(text) => Some(text),
                _ => None,
            },
        }
    }

    /// What a token says for policy under this name; none if it says nothing.
    pub(super) fn claim(&self, name: &str) -> Option<&'a ClaimValue> {
        self.who.claims.get(name)
    }

    /// What is in a list; none if that is not known.
    pub(super) fn list(&self, list: &List) -> Option<&'a [String]> {
        match list {
            List::Roles => Some(self.who.roles),
            List::Permissions => Some(self.who.permissions),
            List::Scopes => Some(self.who.scopes),
            List::Groups => self.groups,
            List::Claim(name) => match self.claim(name)? {
                ClaimValue::Texts(texts) => Some(texts),
                _ => None,
            },
        }
    }
}

/// What is one text.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Field {
    User,
    Action,
    Target,
    Path,
    ClientId,
    Tool,
    Issuer,
    Subject,
    LegacyName,
    Kind,
    Spn,
    Host,
    /// A claim that the configuration lists.
    Claim(Arc<str>),
}

/// What is a set of texts.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum List {
    Roles,
    Permissions,
    Scopes,
    Groups,
    /// A claim that the configuration lists.
    Claim(Arc<str>),
}
