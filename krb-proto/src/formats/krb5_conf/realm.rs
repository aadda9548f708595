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
    /// The lines of these four that name no server that can be asked, and why. Whoever finds a list
    /// empty looks here before DNS: the administrator meant something else.
    pub unusable: Vec<ConfError>,
    /// Refuse to send an encrypted timestamp, which lets whoever sees it guess passwords? Default
    /// false.
    pub disable_encrypted_timestamp: bool,
    /// Who may vouch for the certificates of `https://` proxies: `FILE:`, `DIR:` or `ENV:`.
    pub http_anchors: Vec<String>,
}

impl Krb5Conf {
    /// The settings of a realm. A server that cannot be read spoils none of the others, see
    /// [`RealmSettings::unusable`].
    ///
    /// # Errors
    /// [`ConfError`] for another value that cannot be read.
    pub fn realm(&self, realm: &str) -> Result<RealmSettings, ConfError> {
        let mut unusable = Vec::new();
        let mut servers = |name, port| self.servers(&["realms", realm, name], port, &mut unusable);
        let kdc = servers("kdc", KDC_PORT);
        let has_primary = self.value(&["realms", realm, "primary_kdc"]).is_some();
        let primary = if has_primary { "primary_kdc" } else { "master_kdc" };
        let primary_kdc = servers(primary, KDC_PORT);
        let kpasswd_server = servers("kpasswd_server", KPASSWD_PORT);
        let admin_server = servers("admin_server", KADMIN_PORT);
        let disable = ["realms", realm, "disable_encrypted_timestamp"];
        let anchors = self.values(&["realms", realm, "http_anchors"]);
        Ok(RealmSettings {
            kdc,
            primary_kdc,
            kpasswd_server,
            admin_server,
            unusable,
            disable_encrypted_timestamp: self.boolean(self.located(&disable).next(), false)?,
            http_anchors: anchors.map(String::from).collect(),
        })
    }

    fn servers(
        &self,
        path: &[&str],
        port: u16,
        unusable: &mut Vec<ConfError>,
    ) -> Vec<ServerAddress> {
        let mut servers = Vec::new();
        for value in self.located(path) {
            match ServerAddress::parse(&value.text, port) {
                Ok(server) => servers.push(server),
                Err(error) => unusable.push(self.error(value, ConfErrorKind::Server(error))),
            }
        }
        servers
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
