//! The resources that the operator configured, and the only way from an address to one of them.
//!
//! Nothing that a user writes becomes a host, a port or an SPN: the address is compared with the
//! names listed for each target, and what is used afterwards is what the configuration says. No
//! DNS alias, UNC text or redirect takes part.

mod config;
mod fold;
mod headers;
mod root;
mod task;
mod unc;
mod web;

use std::sync::Arc;

use url::Url;

pub use config::TargetConfig;
pub(crate) use fold::fold;
pub use root::Root;
pub use task::{FileTask, FileVerb, Task, WebTask};
pub(crate) use unc::{is_plain_component, is_short_alias};
pub(crate) use web::policy_text as web_policy_text;

use crate::{Code, ConfigError, Failure, Operation};

/// A resource as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    name: String,
    spn: String,
    endpoint: Endpoint,
    // Lower case; the hosts by which users may call it.
    names: Vec<String>,
}

/// How a target is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Endpoint {
    /// An SMB server.
    Smb {
        /// Host to connect to.
        host: String,
        /// TCP port, 445 unless configured.
        port: u16,
        /// Shares that may be used, as the operator spells them.
        shares: Vec<String>,
    },
    /// An HTTP server that speaks Negotiate.
    Http {
        /// Its origin and the path under which requests stay; no query, no fragment.
        base: Url,
        /// Header fields that callers may set here beside the common ones.
        allow_headers: Vec<String>,
    },
}

impl Target {
    /// Its name in the configuration, in policy and in the audit log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SPN that a service ticket is asked for, `service/host`.
    #[must_use]
    pub fn spn(&self) -> &str {
        &self.spn
    }

    /// How it is reached.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// `smb` or `http`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Smb { .. } => "smb",
            Endpoint::Http { .. } => "http",
        }
    }

    /// The host that is connected to.
    #[must_use]
    pub fn host(&self) -> &str {
        match &self.endpoint {
            Endpoint::Smb { host, .. } => host,
            Endpoint::Http { base, .. } => base.host_str().unwrap_or_default(),
        }
    }

    /// The TCP port that is connected to.
    #[must_use]
    pub fn port(&self) -> u16 {
        match &self.endpoint {
            Endpoint::Smb { port, .. } => *port,
            // Only http and https URLs pass the configuration, and both have a default.
            Endpoint::Http { base, .. } => base.port_or_known_default().unwrap_or_default(),
        }
    }

    /// Whether a caller may send a header field of this name: one that speaks of content, or that
    /// the operator allowed for this target. Nothing that says who came is ever among them.
    #[must_use]
    pub fn takes_header(&self, name: &str) -> bool {
        match &self.endpoint {
            Endpoint::Smb { .. } => false,
            Endpoint::Http { allow_headers, .. } => {
                headers::is_known(name)
                    || allow_headers.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
            }
        }
    }

    /// What can be done at it, as policy names it.
    #[must_use]
    pub fn actions(&self) -> &'static [&'static str] {
        match self.endpoint {
            Endpoint::Smb { .. } => &["file:list", "file:read"],
            Endpoint::Http { .. } => {
                &["http:get", "http:head", "http:post", "http:put", "http:patch", "http:delete"]
            }
        }
    }

    fn answers_to(&self, host: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

/// An operation, resolved: which target, what to do there, and the names that policy has for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    target: Arc<Target>,
    task: Task,
    action: String,
    policy_path: String,
}

impl Resolved {
    /// The target.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What to do there.
    #[must_use]
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The action's name in policy and audit: `file:read`, `http:get`, ….
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The place as policy sees it (`context.path`): one spelling for all that a server may take
    /// for the same file or page.
    ///
    /// A file is `/share/dir/file`, a directory to be listed `/share/dir/`, so that what is said of
    /// everything below a directory is said of its listing. A web path is escaped where a URL must
    /// be, and has neither query nor `;` parameters. All are folded: in small letters, composed.
    #[must_use]
    pub fn policy_path(&self) -> &str {
        &self.policy_path
    }
}

/// All configured targets.
#[derive(Clone, Debug)]
pub struct Targets(Vec<Arc<Target>>);

impl Targets {
    /// Checks the configuration: every name, SPN and URL well formed, names unique, and no address
    /// that two targets would answer to.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn new(configs: Vec<TargetConfig>) -> Result<Self, ConfigError> {
        let mut targets: Vec<Arc<Target>> = Vec::with_capacity(configs.len());
        for (index, config) in configs.into_iter().enumerate() {
            let setting = format!("targets[{index}]");
            let target = config.check(&setting)?;
            for other in &targets {
                config::check_distinct(&setting, &target, other)?;
            }
            targets.push(Arc::new(target));
        }
        Ok(Self(targets))
    }

    /// Every target, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Target> {
        self.0.iter().map(|target| &**target)
    }

    /// Finds the target that an operation's address names, and the place within it.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`] if the address or method is malformed, [`Code::UnknownTarget`] if
    /// no target lists it. The latter is the same answer for every address and names no target.
    pub fn resolve(&self, operation: &Operation) -> Result<Resolved, Failure> {
        let action = operation.action();
        match operation {
            Operation::ReadFile { path } => self.resolve_file(action, FileVerb::Read, path),
            Operation::ListDirectory { path } => self.resolve_file(action, FileVerb::List, path),
            Operation::HttpRequest { method, url, headers, body } => {
                web::check_method(method)?;
                let (target, url, policy_path) = self.resolve_url(url)?;
                let task = Task::Web(WebTask {
                    method: method.to_ascii_uppercase(),
                    url,
                    headers: headers.clone(),
                    body: body.clone(),
                });
                Ok(Resolved { target, task, action, policy_path })
            }
        }
    }

    fn resolve_file(
        &self,
        action: String,
        verb: FileVerb,
        text: &str,
    ) -> Result<Resolved, Failure> {
        let unc = unc::parse(text)?;
        for target in &self.0 {
            let Endpoint::Smb { shares, .. } = &target.endpoint else { continue };
            if !target.answers_to(unc.host()) {
                continue;
            }
            let asked = fold(unc.share());
            if let Some(share) = shares.iter().find(|share| fold(share) == asked) {
                let path = unc.path();
                if verb == FileVerb::Read && path.is_empty() {
                    return Err(Failure::new(
                        Code::InvalidArgument,
                        "the path names a share, not a file",
                        "Add the file's path after the share, or list the share's directory.",
                    ));
                }
                let end = match verb {
                    FileVerb::Read => "",
                    FileVerb::List => "/",
                };
                let policy_path = format!("{}{end}", unc.policy_path());
                let (share, written) = (share.clone(), text.to_owned());
                let task = Task::File(FileTask { verb, share, path, written });
                return Ok(Resolved { target: Arc::clone(target), task, action, policy_path });
            }
        }
        Err(unknown("UNC path"))
    }

    fn resolve_url(&self, text: &str) -> Result<(Arc<Target>, Url, String), Failure> {
        let asked = web::parse(text)?;
        let policy_path = web::policy_path(&asked)?;
        for target in &self.0 {
            let Endpoint::Http { base, .. } = &target.endpoint else { continue };
            let same_origin = asked.scheme() == base.scheme()
                && asked.port_or_known_default() == base.port_or_known_default()
                && asked.host_str().is_some_and(|host| target.answers_to(host));
            if same_origin && web::is_under(base.path(), asked.path()) {
                let mut url = base.clone();
                url.set_path(asked.path());
                url.set_query(asked.query());
                return Ok((Arc::clone(target), url, policy_path));
            }
        }
        Err(unknown("URL"))
    }
}

fn unknown(what: &str) -> Failure {
    Failure::new(
        Code::UnknownTarget,
        format!("the {what} names no configured resource"),
        "Check the spelling of the host and of the share or base path. An address is reachable \
         only if the operator lists its host among a target's names in the server's configuration.",
    )
}

#[cfg(test)]
mod tests;
