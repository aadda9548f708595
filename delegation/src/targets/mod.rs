//! The resources that the operator configured, and the only way from an address to one of them.
//!
//! Nothing that a user writes becomes a host, a port or an SPN: the address is compared with the
//! names listed for each target, and what is used afterwards is what the configuration says. No
//! DNS alias, UNC text or redirect takes part.

mod config;
mod failure;
mod fold;
mod remarks;
mod root;

use std::sync::Arc;

use crate::credential::Route;
use crate::credential::kerberos::KerberosConfig;
pub use crate::resources::TargetConfig;
use crate::resources::{Action, Endpoint, Impersonator, Task};
use crate::{ConfigError, Operation};
pub(crate) use config::{Names, is_host};
pub use failure::Unresolved;
pub(crate) use fold::fold;
pub use root::Root;

/// A resource as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    name: String,
    spn: String,
    endpoint: Endpoint,
    names: Names,
    account: Option<String>,
    served: Served,
}

/// What the service account of a target is to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Served {
    /// The account, `name@REALM`.
    pub(crate) identity: String,
    /// How calls get a credential by it.
    pub(crate) route: Route,
    /// Whether that one logs in by Kerberos, as everybody does but who has a name at a database alone.
    pub(crate) by_kerberos: bool,
}

impl Default for Served {
    fn default() -> Self {
        Self { identity: String::new(), route: Route::ProtocolTransition, by_kerberos: true }
    }
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

    /// The service account that asks for tickets to it, as the configuration names it; none: the
    /// one of `kerberos` itself. Targets of one SPN under several accounts are one to whoever holds
    /// that SPN's key.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// That account, `name@REALM`; where somebody else logs in to impersonate users, who that is.
    pub(crate) fn served_by(&self) -> &str {
        &self.served.identity
    }

    /// Whether whoever logs in at it does so with a ticket.
    pub(crate) const fn is_logged_in_by_kerberos(&self) -> bool {
        self.served.by_kerberos
    }

    /// How calls get a credential for it.
    #[must_use]
    pub const fn route(&self) -> Route {
        self.served.route
    }

    /// How it is reached.
    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The hosts by which users may call it.
    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    /// What kind of resource it is, as the configuration names it: `smb`, `http`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.endpoint.kind()
    }

    /// The host that is connected to.
    #[must_use]
    pub fn host(&self) -> &str {
        self.endpoint.host()
    }

    /// The TCP port that is connected to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.endpoint.port()
    }

    /// What can be done at it.
    #[must_use]
    pub const fn actions(&self) -> &'static [Action] {
        self.endpoint.actions()
    }

    /// Where its addresses begin: its shares, its web application.
    #[must_use]
    pub fn roots(&self) -> Vec<Root> {
        self.endpoint.roots(&self.names)
    }
}

/// An operation, resolved: which target, what to do there, and the names that policy has for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    target: Arc<Target>,
    task: Task,
    action: String,
    policy_path: String,
    tool: Option<&'static str>,
}

impl Resolved {
    /// The same, asked for through this tool.
    #[must_use]
    pub fn by(self, tool: &'static str) -> Self {
        Self { tool: Some(tool), ..self }
    }

    /// The tool that it was asked for through, if through one.
    #[must_use]
    pub const fn tool(&self) -> Option<&'static str> {
        self.tool
    }

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

    /// Finds for each target the service account that it names.
    ///
    /// # Errors
    /// The first target that names one which is not configured.
    pub(crate) fn served(mut self, by: &KerberosConfig) -> Result<Self, ConfigError> {
        for (index, target) in self.0.iter_mut().enumerate() {
            let target = Arc::make_mut(target);
            target.served = by.serves(target.account()).ok_or_else(|| {
                let names: Vec<_> = by.accounts.keys().map(String::as_str).collect();
                let problem = match names.as_slice() {
                    [] => "names a service account, and kerberos.accounts has none".to_owned(),
                    names => format!("must be one of kerberos.accounts: {}", names.join(", ")),
                };
                ConfigError::new(format!("targets[{index}].account"), problem)
            })?;
            if target.served.route == Route::ServiceAccount && !target.endpoint.takes_services() {
                let problem = "is used as a service account, and this kind of resource is used as \
                               the user, whoever logs in";
                return Err(ConfigError::new(format!("targets[{index}].account"), problem));
            }
            match target.endpoint.impersonator() {
                None => {}
                Some(Impersonator::ServiceAccount) => {
                    target.served.route = Route::DatabaseImpersonation;
                }
                Some(Impersonator::Named(name)) => {
                    let route = Route::DatabaseImpersonation;
                    target.served = Served { identity: name, route, by_kerberos: false };
                }
            }
        }
        Ok(self)
    }

    /// Every target, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Target> {
        self.0.iter().map(|target| &**target)
    }

    /// Finds the target that an operation's address names, and the place within it.
    ///
    /// # Errors
    /// The address or method is malformed, or no target lists it.
    pub fn resolve(&self, operation: &Operation) -> Result<Resolved, Unresolved> {
        let (target, found) = operation.find(&self.0)?;
        Ok(Resolved {
            target: Arc::clone(target),
            task: found.task,
            action: found.action.into_owned(),
            policy_path: found.policy_path,
            tool: None,
        })
    }
}

#[cfg(test)]
mod tests;
