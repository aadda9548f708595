//! Where the addresses of a target begin.

/// One share of a file server, or one web application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    // How the paths in it begin for policy, the shortest last.
    starts: Vec<String>,
    addresses: Vec<String>,
}

impl Root {
    pub(crate) const fn new(starts: Vec<String>, addresses: Vec<String>) -> Self {
        Self { starts, addresses }
    }

    /// How the paths in it begin for policy.
    #[must_use]
    pub fn starts(&self) -> &[String] {
        &self.starts
    }

    /// Whether a path, as policy sees it, lies in it.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.starts.iter().any(|start| match start.ends_with('/') {
            true => path.starts_with(&**start),
            false => path == start,
        })
    }

    /// How users may write it: `//host/share/` or `https://host/base/`, for each of the target's
    /// names. Forward slashes, because they need no escapes in JSON.
    #[must_use]
    pub fn into_addresses(self) -> Vec<String> {
        self.addresses
    }
}
