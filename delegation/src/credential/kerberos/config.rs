use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::secret::Secret;

/// The `kerberos` section of the configuration.
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
    /// Accounts that are never impersonated, beside those that never are anywhere.
    #[serde(default)]
    pub never_impersonate: NeverImpersonateConfig,
    /// SIDs of groups. Where there are any, only their members are impersonated.
    #[serde(default)]
    pub only_members_of: Vec<String>,
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
    /// sAMAccountNames, compared without regard to case.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// SIDs of accounts or of groups.
    #[serde(default)]
    pub sids: Vec<String>,
}

/// `host`, `host:port`, `[v6]:port` or a bare address.
pub(super) fn host_and_port(text: &str) -> Result<(String, u16), String> {
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
