//! What can be asked, and what this server answers itself.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use crate::identity::{ClaimValues, Subject};
use crate::policy::{Usable, listed};
use crate::resources::Operation;

/// What a call asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Request {
    /// Something that this server answers itself, without any resource.
    Question(Question),
    /// Something to do at a resource.
    Operation(Operation),
}

impl Request {
    /// The action's name in policy and audit: `user:info`, `file:read`, `http:get`, ….
    #[must_use]
    pub fn action(&self) -> Cow<'static, str> {
        match self {
            Self::Question(question) => question.action().into(),
            Self::Operation(operation) => operation.action(),
        }
    }

    /// The address as the user wrote it; empty for what needs none.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::Question(_) => "",
            Self::Operation(operation) => operation.address(),
        }
    }
}

/// What this server is asked itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Question {
    /// Who is the caller to the resources?
    UserInfo,
    /// Which resources may the caller use?
    ListTargets,
}

impl Question {
    /// The action's name in policy and audit. One for all: who may know who they are may know what
    /// they may use.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::UserInfo | Self::ListTargets => "user:info",
        }
    }
}

/// What this server answers itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Answer {
    /// Who the caller is.
    User(UserInfo),
    /// What the caller may use.
    Targets {
        /// In the order of the configuration.
        #[serde(serialize_with = "listed")]
        targets: Arc<[Usable]>,
    },
}

/// Who a caller is to the resources, and to policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// Issuer of the token.
    pub issuer: String,
    /// The token's `sub`.
    pub subject: String,
    /// The client that the token was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The account's sAMAccountName, as the identity provider maps it.
    pub legacy_name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Permissions.
    pub permissions: Vec<String>,
    /// What else the token says for policy.
    #[serde(skip_serializing_if = "ClaimValues::is_empty")]
    pub claims: ClaimValues,
    /// What policy lets the caller use.
    #[serde(serialize_with = "listed")]
    pub targets: Arc<[Usable]>,
}

impl UserInfo {
    pub(crate) fn new(subject: &Subject, targets: Arc<[Usable]>) -> Self {
        Self {
            issuer: subject.issuer().into(),
            subject: subject.subject().into(),
            client_id: subject.client_id().map(Into::into),
            legacy_name: subject.legacy_name().as_str().into(),
            roles: subject.roles().to_vec(),
            scopes: subject.scopes().to_vec(),
            permissions: subject.permissions().to_vec(),
            claims: subject.claims().clone(),
            targets,
        }
    }
}
