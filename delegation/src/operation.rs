//! What can be asked, and what comes back.

use std::borrow::Cow;

use serde::Serialize;

use crate::identity::Subject;
use crate::policy::Usable;

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
            Self::Operation(operation) => operation.action().into(),
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

/// What this server answers itself.
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

/// One thing to do at a resource, with the address as the user wrote it. The target it belongs to
/// is found by [`crate::targets::Targets`], never taken from the text itself.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Read a whole file. `path` is a UNC path.
    ReadFile {
        /// `\\host\share\dir\file`; `/` is taken as `\`.
        path: String,
    },
    /// List a directory. `path` is a UNC path.
    ListDirectory {
        /// `\\host\share\dir`.
        path: String,
    },
    /// Make one HTTP request. Redirects are returned, not followed.
    HttpRequest {
        /// GET, HEAD, POST, PUT, PATCH or DELETE.
        method: String,
        /// Absolute `http` or `https` URL.
        url: String,
        /// Header fields to send; `Authorization`, `Cookie`, `Host` and hop-by-hop ones are refused.
        headers: Vec<(String, String)>,
        /// Body to send.
        body: Option<String>,
    },
}

impl Operation {
    /// The action's name in policy and audit: `file:read`, `file:list`, `http:get`, ….
    #[must_use]
    pub fn action(&self) -> String {
        match self {
            Self::ReadFile { .. } => "file:read".into(),
            Self::ListDirectory { .. } => "file:list".into(),
            Self::HttpRequest { method, .. } => format!("http:{}", method.to_ascii_lowercase()),
        }
    }

    /// The address as the user wrote it.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::ReadFile { path } | Self::ListDirectory { path } => path,
            Self::HttpRequest { url, .. } => url,
        }
    }
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Outcome {
    /// A file's bytes.
    File(FileContent),
    /// A directory's entries.
    Directory {
        /// The path asked for.
        path: String,
        /// Its entries, without `.` and `..`, sorted by name.
        entries: Vec<DirectoryEntry>,
    },
    /// An HTTP response.
    Http(HttpResponse),
    /// Who the caller is.
    User(UserInfo),
    /// What the caller may use.
    Targets {
        /// In the order of the configuration.
        targets: Vec<Usable>,
    },
}

impl Outcome {
    /// How many bytes of a resource's content it holds, as encoded; for the audit log.
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        match self {
            Self::File(file) => file.size,
            Self::Directory { entries, .. } => entries.len() as u64,
            Self::Http(response) => response.body.len() as u64,
            Self::User(_) | Self::Targets { .. } => 0,
        }
    }
}

/// A file as the tool returns it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FileContent {
    /// The path asked for.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// `utf-8` or `base64`.
    pub encoding: &'static str,
    /// The content in that encoding.
    pub content: String,
}

/// One entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryEntry {
    /// Its name, without the path.
    pub name: String,
    /// File or directory.
    pub kind: EntryKind,
    /// Size in bytes; 0 for directories.
    pub size: u64,
    /// Last change, RFC 3339, if the server said.
    pub modified: Option<String>,
    /// False for what cannot be read or listed by this name: the file server made it up for a file
    /// whose own name no path can have, or that policy would know by another name.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub readable: bool,
}

/// The kind of a directory entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A reparse point (link, junction, DFS link).
    Link,
}

/// An HTTP response as the tool returns it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Header fields, without authentication and cookie fields.
    pub headers: Vec<(String, String)>,
    /// `utf-8` or `base64`.
    pub encoding: &'static str,
    /// The body in that encoding.
    pub body: String,
}

/// Who a caller is to the resources.
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
    /// What policy lets the caller use.
    pub targets: Vec<Usable>,
}

impl UserInfo {
    pub(crate) fn new(subject: &Subject, targets: Vec<Usable>) -> Self {
        Self {
            issuer: subject.issuer().into(),
            subject: subject.subject().into(),
            client_id: subject.client_id().map(Into::into),
            legacy_name: subject.legacy_name().as_str().into(),
            roles: subject.roles().to_vec(),
            scopes: subject.scopes().to_vec(),
            targets,
        }
    }
}
