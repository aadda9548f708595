use alloc::string::String;
use alloc::vec::Vec;

use super::{ConfError, ConfErrorKind, Krb5Conf, ServerAddress};

const KDC_PORT: u16 = 88;
const KPASSWD_PORT: u16 = 464;
const KADMIN_PORT: u16 = 749;

/// What `[realms]` says about one realm. A realm without an entry has empty lists: its servers are
/// for DNS to find.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RealmSettings {
    /// The KDCs, in the order in which they are tried. Port 88 unless given.
    pub kdc: Vec<ServerAddress>,
    /// The KDCs that know a changed password first (`primary_kdc`, or its older name `master_kdc`
    /// where there is none).
    pub primary_kdc: Vec<ServerAddress>,
    /// Where passwords are changed (RFC 3244). Port 464 unless given.
    pub kpasswd_server: Vec<ServerAddress>,
    /// Administration, port 749 unless given. Where there is no `kpasswd_server` and DNS knows
    /// none, passwords are changed at this host's port 464.
    pub admin_server: Vec<ServerAddress>,
    /// Refuse to send an encrypted timestamp, which lets whoever sees it guess passwords? Default
    /// false.
    pub disable_encrypted_timestamp: bool,
    /// Who may vouch for the certificates of `https://` proxies: `FILE:`, `DIR:` or `ENV:`.
    pub http_anchors: Vec<String>,
}

impl Krb5Conf {
    /// The settings of a realm.
    ///
    /// # Errors
    /// [`ConfError`] for a value that cannot be read.
    pub fn realm(&self, realm: &str) -> Result<RealmSettings, ConfError> {
        let servers = |name, port| self.servers(&["realms", realm, name], port);
        let primary = servers("primary_kdc", KDC_PORT)?;
        let primary = if primary.is_empty() { servers("master_kdc", KDC_PORT)? } else { primary };
        let disable = ["realms", realm, "disable_encrypted_timestamp"];
        let anchors = self.values(&["realms", realm, "http_anchors"]);
        Ok(RealmSettings {
            kdc: servers("kdc", KDC_PORT)?,
            primary_kdc: primary,
            kpasswd_server: servers("kpasswd_server", KPASSWD_PORT)?,
            admin_server: servers("admin_server", KADMIN_PORT)?,
            disable_encrypted_timestamp: self.boolean(self.located(&disable).next(), false)?,
            http_anchors: anchors.map(String::from).collect(),
        })
    }

    fn servers(&self, path: &[&str], port: u16) -> Result<Vec<ServerAddress>, ConfError> {
        let values = self.located(path);
        let server = |value: &super::profile::Value| {
            ServerAddress::parse(&value.text, port)
                .map_err(|error| self.error(value, ConfErrorKind::Server(error)))
        };
        values.map(server).collect()
    }

    /// The values of a `pkinit_…` relation: from the realm's own subsection of `[libdefaults]`,
    /// else from `[realms]`, else from `[libdefaults]` itself (MIT's order; one replaces another,
    /// nothing is added up).
    #[must_use]
    pub fn pkinit(&self, realm: &str, relation: &str) -> Vec<&str> {
        let places: [&[&str]; 3] = [
            &["libdefaults", realm, relation],
            &["realms", realm, relation],
            &["libdefaults", relation],
        ];
        places
            .into_iter()
            .map(|path| self.values(path).collect::<Vec<_>>())
            .find(|values| !values.is_empty())
            .unwrap_or_default()
    }
}
