//! The configuration: one file, JSON with comments, TOML or YAML, read once at start.
//!
//! Each section's type lives with the code that it configures; here they come together. Relative
//! paths are relative to the configuration file.

mod address_range;
mod exposed;
mod jsonc;
mod malformed;
mod named_files;
mod origin;
mod public_url;
#[cfg(test)]
mod reference;
mod server;
#[cfg(test)]
mod tests;
mod toml;
mod unique;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use krb_client::files;
use krb_delegation::ConfigError;
use krb_delegation::audit::AuditConfig;
use krb_delegation::credential::kerberos::{KerberosConfig, Mode, NegotiateConfig};
use krb_delegation::identity::TrustedIdp;
use krb_delegation::network::NetworkConfig;
use krb_delegation::secret::{Secret, with_secrets};
use krb_delegation::state::StateConfig;
use krb_delegation::targets::TargetConfig;
use krb_delegation::token_exchange::{ModuleConfig, TokenExchangeConfig};
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use address_range::{AddressRange, NoAddressRange};
pub(crate) use origin::is_loopback;
pub use origin::{NoOrigin, Origin};
pub use public_url::PublicUrl;
pub use server::{ClientCertificateHeader, MetricsConfig, ServerConfig};

use malformed::Malformed;

/// Many times what any configuration or policy needs.
const MAX_FILE: u64 = 16 << 20;

/// The whole configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where its JSON Schema is, for editors (`krb-mcp config schema` prints it).
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Where and for whom HTTP is served.
    pub server: ServerConfig,
    /// Whose tokens are believed.
    pub auth: AuthConfig,
    /// How a caller's token becomes one that names an account.
    pub delegation: DelegationConfig,
    /// The service account and its realm.
    pub kerberos: KerberosConfig,
    /// How names are resolved and which certificates are believed.
    #[serde(default)]
    pub network: NetworkConfig,
    /// Who may do what.
    pub policy: PolicyConfig,
    /// What can be reached.
    pub targets: Vec<TargetConfig>,
    /// Where the audit log goes.
    pub audit: AuditConfig,
    /// What outlives a restart.
    #[serde(default)]
    pub state: StateConfig,
    /// All that stand in it.
    #[serde(skip)]
    secrets: Vec<Secret>,
}

/// The `auth` section.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthConfig {
    /// The identity providers whose tokens are believed; at least one.
    #[serde(rename = "trustedIDPs")]
    pub trusted_idps: Vec<TrustedIdp>,
    /// Asks for a nonce of this server's in each proof of possession (RFC 9449 section 9), so that a
    /// proof that was made in advance is good for nothing. Replicas know each other's where they share
    /// `state.redis`; without it a client's requests must stay with one.
    #[serde(default)]
    pub dpop_nonces: bool,
    /// Lets callers come with their own Kerberos ticket (`Authorization: Negotiate`, RFC 4559) in place
    /// of a token. Policy sees no roles and scopes of theirs then.
    pub negotiate: Option<NegotiateConfig>,
}

/// The `delegation` section.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DelegationConfig {
    /// The exchange of callers' tokens (RFC 8693), unless every entry of `auth.trustedIDPs` has its own.
    pub token_exchange: Option<TokenExchangeConfig>,
    /// What is asked for differently, by kind of resource (`smb`, `http`) or name of a target, which
    /// goes before its kind.
    #[serde(default)]
    pub modules: BTreeMap<String, ModuleConfig>,
}

/// The `policy` section.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyConfig {
    /// File with Cedar policies, followed while the server runs. `krb-mcp policy init` prints some to
    /// begin with, `krb-mcp policy schema` what they may speak of; `krb-mcp policy check` says what
    /// they decide, and why.
    pub file: PathBuf,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// It is not what its suffix says, or not of the right shape.
    #[error("{}:{line}:{column}: {problem}", file.display())]
    Malformed {
        /// The configuration file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// The setting and what is wrong with it.
        problem: String,
    },
    /// A policy is wrong.
    #[error("{}{}: {problem}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Policy {
        /// The policy file.
        file: PathBuf,
        /// From 1, where it is known.
        line: Option<usize>,
        /// What is wrong with it.
        problem: String,
    },
    /// A setting's value is wrong.
    #[error("{}: {cause}", file.display())]
    Setting {
        /// The configuration file.
        file: PathBuf,
        /// The setting and what is wrong with it.
        cause: ConfigError,
    },
}

impl Config {
    /// Reads and checks a configuration file, without opening what it names.
    ///
    /// # Errors
    /// The first thing wrong with it, and where.
    pub fn load(file: &Path) -> Result<Self, LoadError> {
        let mut config = Self::parse(&read_text(file)?, file)?;
        config.check().map_err(|cause| LoadError::Setting { file: file.into(), cause })?;
        let base = file.parent().unwrap_or(Path::new(""));
        config.each_file(&mut |_, _, path| *path = base.join(&*path));
        config.audit.resolve_paths(base);
        Ok(config)
    }

    /// Does any service account come itself, in the place of users?
    pub(crate) fn serves_as_itself(&self) -> bool {
        let accounts = self.kerberos.accounts.values().map(|account| account.delegation);
        let mut all = std::iter::once(self.kerberos.delegation).chain(accounts);
        all.any(|delegation| delegation.mode == Mode::ServiceAccount)
    }

    fn parse(text: &str, file: &Path) -> Result<Self, LoadError> {
        let suffix = file.extension().map(|suffix| suffix.to_string_lossy().to_ascii_lowercase());
        let (read, secrets) = with_secrets(|| match suffix.as_deref() {
            Some("toml") => toml::read::<Self>(text),
            Some("yaml" | "yml") => yaml::read(text),
            _ => jsonc::read(text),
        });
        let config = read.map_err(|Malformed { line, column, problem }| LoadError::Malformed {
            file: file.into(),
            line,
            column,
            problem,
        })?;
        Ok(Self { secrets, ..config })
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.server.check()?;
        if self.auth.trusted_idps.is_empty() {
            return Err(ConfigError::new(
                "auth.trustedIDPs",
                "must hold at least one identity provider, or no token could be accepted",
            ));
        }
        Ok(())
    }

    /// The issuer that an operator means: the named one, or the only one there is.
    pub(crate) fn issuer(&self, named: Option<&str>) -> Result<String, String> {
        let all = self.issuers();
        match (named, &*all) {
            (Some(named), all) if all.iter().any(|issuer| issuer == named) => Ok(named.to_owned()),
            (None, [only]) => Ok(only.clone()),
            (Some(named), all) => {
                Err(format!("--issuer: {named} is none of the configuration's: {}", all.join(", ")))
            }
            (None, all) => Err(format!("--issuer is needed, one of {}", all.join(", "))),
        }
    }

    /// Refuses what is no subject of an issuer's tokens, so that nothing is said of nobody.
    pub(crate) fn check_subject(&self, issuer: &str, subject: &str) -> Result<(), String> {
        let blank = |c: char| c.is_whitespace() || c.is_control();
        if subject.is_empty() || subject.starts_with(blank) || subject.ends_with(blank) {
            return Err(format!(
                "{subject:?}: a subject is not empty, and has no blank at its ends"
            ));
        }
        let idp = self.auth.trusted_idps.iter().find(|idp| idp.issuer == issuer);
        let claims = idp.map_or(&[][..], |idp| &idp.claim_mappings.user_id.0);
        let parts = || subject.split('/');
        if claims.len() > 1 && (parts().count() != claims.len() || parts().any(str::is_empty)) {
            let form = claims.join("/");
            return Err(format!("{subject:?}: a subject of {issuer} is {form} (userId)"));
        }
        Ok(())
    }

    /// The realms that accounts are of.
    pub(crate) fn realms(&self) -> impl Iterator<Item = &str> {
        let further = self.kerberos.accounts.values().map(|account| &*account.realm);
        std::iter::once(&*self.kerberos.realm).chain(further)
    }

    /// The issuers of the tokens that are believed.
    #[must_use]
    pub fn issuers(&self) -> Vec<String> {
        self.auth.trusted_idps.iter().map(|idp| idp.issuer.clone()).collect()
    }
}

/// Reads a text file that the configuration names, or the configuration itself, as Windows' editors
/// write it, too.
pub(crate) fn read_text(file: &Path) -> Result<Zeroizing<String>, LoadError> {
    files::read_text(file, MAX_FILE)
        .map_err(|cause| LoadError::Unreadable { file: file.into(), cause })
}
