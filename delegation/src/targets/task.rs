use url::Url;

/// What is to be done, and where within a target: an operation that was resolved, in one spelling
/// only. Each kind of resource has its own.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Task {
    /// On a share of a file server.
    File(FileTask),
    /// At a web application.
    Web(WebTask),
}

impl Task {
    /// The place as the audit log names it: no query, which may hold what is secret.
    #[must_use]
    pub fn recorded_path(&self) -> String {
        match self {
            Self::File(FileTask { share, path, .. }) if path.is_empty() => share.clone(),
            Self::File(FileTask { share, path, .. }) => format!("{share}\\{path}"),
            Self::Web(WebTask { url, .. }) => url.path().to_owned(),
        }
    }
}

/// Something to do with a file or a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileTask {
    /// What.
    pub verb: FileVerb,
    /// The share as configured.
    pub share: String,
    /// Path below the share with `\` between components; empty for the share itself.
    pub path: String,
    /// The whole path as the user wrote it, for the answer.
    pub written: String,
}

/// What can be done with files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileVerb {
    /// Read the whole file.
    Read,
    /// List the directory.
    List,
}

/// One request to a web application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebTask {
    /// The method, in capital letters.
    pub method: String,
    /// A URL on the target's configured origin, under its configured path: the path normalised
    /// (RFC 3986 section 6.2.2), the query as written.
    pub url: Url,
    /// Header fields to send.
    pub headers: Vec<(String, String)>,
    /// Body to send.
    pub body: Option<String>,
}
