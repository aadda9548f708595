//! What can be asked of a resource, and what comes back.

use serde::Serialize;

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

/// What a resource gave.
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
}

impl Outcome {
    /// How many bytes of content it holds, as encoded; for the audit log.
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        match self {
            Self::File(file) => file.size,
            Self::Directory { entries, .. } => entries.len() as u64,
            Self::Http(response) => response.body.len() as u64,
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
