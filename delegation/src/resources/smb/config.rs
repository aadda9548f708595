use schemars::JsonSchema;
use serde::Deserialize;

use crate::resources::Wrong;
use crate::targets::{Names, Root, fold, is_host};

/// `{"kind": "smb", …}`: shares of one file server.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Unique name: letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Host to connect to.
    pub host: String,
    /// TCP port.
    #[serde(default = "port")]
    pub port: u16,
    /// SPN of the service, normally `cifs/HOST`.
    pub spn: String,
    /// The service account that asks for tickets to it, one of `kerberos.accounts`; left out: the one
    /// of `kerberos` itself.
    pub account: Option<String>,
    /// Hosts by which users may call it in a UNC path.
    pub names: Vec<String>,
    /// Shares that may be used.
    pub shares: Vec<String>,
}

const fn port() -> u16 {
    445
}

/// A file server, and which of its shares may be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
    /// As the operator spells them.
    pub(super) shares: Vec<String>,
}

impl Config {
    pub(super) fn check(self, names: &Names) -> Result<Endpoint, Wrong> {
        let Self { host, port, shares, .. } = self;
        let wrong = |field, problem: &str| Err((field, problem.to_owned()));
        if !is_host(&host) {
            return wrong("host", "must be a host name or an IPv4 address");
        }
        if port == 0 {
            return wrong("port", "must be 1 to 65535");
        }
        if names.is_empty() {
            return wrong("names", "must list the hosts by which users may call it");
        }
        if shares.is_empty() {
            return wrong("shares", "must list the shares that may be used");
        }
        if !shares.iter().all(|share| is_share(share)) {
            return wrong(
                "shares",
                "must be share names of 1 to 80 characters without \\ / [ ] : | < > + = ; \
                 , ? * \" or control characters; IPC$ is no file share",
            );
        }
        Ok(Endpoint { host, port, shares })
    }
}

impl Endpoint {
    pub(super) fn check_apart(&self, old: &Self, of: &str) -> Result<(), Wrong> {
        match self.shares.iter().find(|share| old.share(share).is_some()) {
            Some(share) => Err((
                "shares",
                format!("{share} already belongs to target {of} under the same host"),
            )),
            None => Ok(()),
        }
    }

    /// The share of that name, as the operator spells it.
    pub(super) fn share(&self, name: &str) -> Option<&String> {
        let asked = fold(name);
        self.shares.iter().find(|share| fold(share) == asked)
    }

    pub(super) fn roots(&self, names: &Names) -> Vec<Root> {
        let root = |share: &String| {
            let addresses = names.iter().map(|host| format!("//{host}/{share}/")).collect();
            Root::new(vec![format!("/{}/", fold(share))], addresses)
        };
        self.shares.iter().map(root).collect()
    }
}

// MS-FSCC section 2.1.6 gives the characters that a share name may not have.
fn is_share(text: &str) -> bool {
    (1..=80).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_control() || "\\/[]:|<>+=;,?*\"".contains(c))
        && !matches!(text, "." | "..")
        && !text.eq_ignore_ascii_case("IPC$")
}
