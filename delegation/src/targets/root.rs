//! Where the addresses of a target begin.

use super::{Endpoint, Target, fold, web};

/// One share of a file server, or one web application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    // How the paths in it begin for policy, the shortest last.
    starts: Vec<String>,
    addresses: Vec<String>,
}

impl Root {
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

impl Target {
    /// Its shares, or its web application.
    #[must_use]
    pub fn roots(&self) -> Vec<Root> {
        match &self.endpoint {
            Endpoint::Smb { shares, .. } => shares
                .iter()
                .map(|share| Root {
                    starts: vec![format!("/{}/", fold(share))],
                    addresses: self.names.iter().map(|h| format!("//{h}/{share}/")).collect(),
                })
                .collect(),
            Endpoint::Http { base, .. } => {
                // It passed when the configuration was read.
                let path = web::fold_path(base.path()).unwrap_or_default();
                let path = path.trim_end_matches('/');
                let mut starts = vec![format!("{path}/")];
                if !path.is_empty() {
                    starts.push(path.to_owned());
                }
                let own = base.host_str().unwrap_or_default();
                let others = self.names.iter().map(|name| &**name);
                let others = others.filter(|name| !name.eq_ignore_ascii_case(own));
                let hosts = std::iter::once(own).chain(others);
                let addresses = hosts.map(|host| web::address(base, host)).collect();
                vec![Root { starts, addresses }]
            }
        }
    }
}
