use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use krb_client::{KdcSource, Resolver};
use krb_proto::formats::krb5_conf::ServerAddress;
use schemars::JsonSchema;
use serde::Deserialize;

use super::delivered::DeliveredTicketsConfig;
use crate::ConfigError;
use crate::secret::Secret;

/// The `kerberos` section of the configuration: the service account of all targets that name none,
/// and further ones.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KerberosConfig {
    /// The SPN registered on the service account, `HTTP/mcp-server.w25ad.net`. Without an SPN on
    /// the account a KDC refuses S4U2Self; which one it is matters to nobody but whoever registers
    /// it, so it is read for `check`'s report and for the advice when there is none.
    pub service_principal_name: String,
    /// The realm, in the KDC's spelling (upper case in AD).
    pub realm: String,
    /// The account that S4U is done with.
    pub service_account: ServiceAccount,
    /// KDCs, `host` or `host:port`, in order. Empty: those that DNS lists for the realm.
    #[serde(default)]
    pub kdcs: Vec<String>,
    /// Other realms that targets may be of, and those between, each with its KDCs as in `kdcs`.
    /// Nobody else's KDC is asked, whatever a referral says.
    #[serde(default)]
    pub other_realms: BTreeMap<String, Vec<String>>,
    /// Whom resources see.
    #[serde(default)]
    pub delegation: DelegationMode,
    /// Further service accounts, of this realm or of others, by the names that targets have for
    /// them (`targets[].account`). What one may delegate to is no other one's.
    #[serde(default)]
    pub accounts: BTreeMap<String, AccountConfig>,
    /// Takes users' tickets from exchanged tokens (`claimMappings.kerberosTicket`), in place of S4U2Self.
    pub delivered_tickets: Option<DeliveredTicketsConfig>,
    /// Accounts that are never impersonated, beside those that never are anywhere, whichever
    /// service account asks.
    #[serde(default)]
    pub never_impersonate: NeverImpersonateConfig,
    /// SIDs of groups. Where there are any, only their members are impersonated.
    #[serde(default)]
    pub only_members_of: Vec<String>,
    /// How old what evidence says of a user may be, in seconds: 60 to 900. For so long it is used, and
    /// the service tickets and sessions that were got with it; then a KDC is asked anew whether the
    /// account may still log in and be delegated, and which groups it is in.
    #[serde(default = "default_max_age")]
    pub max_identity_age_seconds: u64,
}

impl KerberosConfig {
    /// The realms of the service accounts, in which users' accounts are looked up.
    pub(crate) fn realms(&self) -> Vec<&str> {
        let further = self.accounts.values().map(|account| account.realm.as_str());
        std::iter::once(self.realm.as_str()).chain(further).collect()
    }

    /// Every KDC that is named, of whatever realm: `host` or `host:port`.
    pub(crate) fn all_kdcs(&self) -> Vec<&str> {
        let further = self.accounts.values();
        let own = self.kdcs.iter().chain(self.other_realms.values().flatten());
        let theirs =
            further.flat_map(|one| one.kdcs.iter().chain(one.other_realms.values().flatten()));
        own.chain(theirs).map(String::as_str).collect()
    }
}

/// The largest `maxIdentityAgeSeconds`, and what it is unless said otherwise: KDCs do not take back what
/// they said.
const MAX_AGE: u64 = 900;

const fn default_max_age() -> u64 {
    MAX_AGE
}

/// A further service account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountConfig {
    /// The SPN registered on it.
    pub service_principal_name: String,
    /// Its realm, in the KDC's spelling (upper case in AD).
    pub realm: String,
    /// Its name and its secret.
    pub service_account: ServiceAccount,
    /// KDCs, `host` or `host:port`, in order. Empty: those that DNS lists for the realm.
    #[serde(default)]
    pub kdcs: Vec<String>,
    /// Other realms that its targets may be of, and those between, each with its KDCs.
    #[serde(default)]
    pub other_realms: BTreeMap<String, Vec<String>>,
    /// Whom resources see.
    #[serde(default)]
    pub delegation: DelegationMode,
}

/// Whom the resources of a service account see.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DelegationMode {
    /// `impersonation`: the user. `service-account`: the service account itself, whoever calls; its
    /// targets then do what that account may do, and nothing but this server's policy tells users
    /// apart, which therefore has to name paths.
    #[schemars(with = "String", extend("default" = "impersonation"))]
    pub mode: Mode,
    /// With `service-account`: whether each use is a warning in the server's log. Records and answers
    /// say it in any case.
    pub warn_on_access: bool,
    /// With `service-account`: that records name the user. Only `true` is taken.
    pub audit_user_context: bool,
}

impl Default for DelegationMode {
    fn default() -> Self {
        Self { mode: Mode::Impersonation, warn_on_access: true, audit_user_context: true }
    }
}

/// What a service account is used as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As somebody who may ask for tickets in users' names.
    Impersonation,
    /// As the one who comes to the resource.
    ServiceAccount,
}

/// One service account, and where its settings stand.
pub(super) struct Configured<'a> {
    /// The name that targets have for it; the one of `kerberos` itself has none.
    pub(super) name: Option<&'a str>,
    pub(super) spn: &'a str,
    pub(super) realm: &'a str,
    pub(super) account: &'a ServiceAccount,
    pub(super) kdcs: &'a [String],
    pub(super) other_realms: &'a BTreeMap<String, Vec<String>>,
    pub(super) delegation: DelegationMode,
    /// How long evidence is used.
    pub(super) max_age: Duration,
}

impl Configured<'_> {
    /// Where in the configuration a setting of it stands.
    pub(super) fn setting(&self, of: &str) -> String {
        format!("{}.{of}", section(self.name))
    }

    /// Is it the very account that the other one is? No directory knows two of them by case.
    fn is_same(&self, other: &Configured<'_>) -> bool {
        self.realm.eq_ignore_ascii_case(other.realm)
            && self.account.username.to_lowercase() == other.account.username.to_lowercase()
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !self.delegation.audit_user_context {
            let problem = "records always name the user; set it to true";
            return Err(ConfigError::new(self.setting("delegation.auditUserContext"), problem));
        }
        Ok(())
    }

    /// Where the KDCs of its realm, or of another one, are.
    pub(super) fn kdcs(
        &self,
        setting: &str,
        kdcs: &[String],
        resolver: &Resolver,
    ) -> Result<KdcSource, ConfigError> {
        if kdcs.is_empty() {
            return Ok(KdcSource::Dns(resolver.clone()));
        }
        let server =
            |kdc: &String| host_and_port(kdc).map(|(host, port)| ServerAddress::direct(host, port));
        let hosts = kdcs.iter().map(server).collect::<Result<_, _>>();
        let hosts = hosts.map_err(|error| ConfigError::new(self.setting(setting), error))?;
        Ok(KdcSource::Hosts(hosts, resolver.clone()))
    }
}

/// Where the settings of a service account stand.
pub(super) fn section(name: Option<&str>) -> String {
    name.map_or_else(|| "kerberos".to_owned(), |name| format!("kerberos.accounts.{name}"))
}

impl KerberosConfig {
    /// Every service account, the one of `kerberos` itself first.
    ///
    /// # Errors
    /// If one is there twice: what two lists of targets say of it would be one list.
    pub(super) fn all(&self) -> Result<Vec<Configured<'_>>, ConfigError> {
        let seconds = self.max_identity_age_seconds;
        if !(60..=MAX_AGE).contains(&seconds) {
            let problem = "must be 60 to 900 seconds";
            return Err(ConfigError::new("kerberos.maxIdentityAgeSeconds", problem));
        }
        let max_age = Duration::from_secs(seconds);
        let mut all = vec![Configured {
            name: None,
            spn: &self.service_principal_name,
            realm: &self.realm,
            account: &self.service_account,
            kdcs: &self.kdcs,
            other_realms: &self.other_realms,
            delegation: self.delegation,
            max_age,
        }];
        for (name, config) in &self.accounts {
            let one = Configured {
                name: Some(name),
                spn: &config.service_principal_name,
                realm: &config.realm,
                account: &config.service_account,
                kdcs: &config.kdcs,
                other_realms: &config.other_realms,
                delegation: config.delegation,
                max_age,
            };
            if let Some(other) = all.iter().find(|other| other.is_same(&one)) {
                let problem = format!("is the account of {} already", section(other.name));
                return Err(ConfigError::new(one.setting("serviceAccount.username"), problem));
            }
            all.push(one);
        }
        all.iter().try_for_each(Configured::check)?;
        Ok(all)
    }
}

/// The account that S4U is done with: its name, and a keytab or a password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAccount {
    /// sAMAccountName.
    pub username: String,
    /// Keytab file with the account's keys.
    pub keytab: Option<PathBuf>,
    /// Its password, where there is no keytab.
    pub password: Option<Secret>,
}

/// What the operator adds to the accounts that are never impersonated.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NeverImpersonateConfig {
    /// sAMAccountNames, without domain and suffix, compared without regard to case.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// SIDs of accounts or of groups.
    #[serde(default)]
    pub sids: Vec<String>,
}

/// `host`, `host:port`, `[v6]:port` or a bare address.
fn host_and_port(text: &str) -> Result<(String, u16), String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((address.ip().to_string(), address.port()));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => {
            let port = port
                .parse()
                .map_err(|_| format!("{text}: must be HOST, HOST:PORT or [IPV6]:PORT"))?;
            Ok((host.to_owned(), port))
        }
        _ => Ok((text.to_owned(), 88)),
    }
}
