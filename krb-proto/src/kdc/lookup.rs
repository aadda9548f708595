//! Which account a name means (MS-KILE 3.3.5.6.1), by the rules that Samba's KDC was seen to follow;
//! by the text where it is more generous: an enterprise name without an `@` is a sAMAccountName too,
//! as MIT's `kvno -U alice` sends it.

use alloc::string::String;

use super::account::{Account, AccountKind};
use super::realm::{Realm, fold};
use super::trust::Trust;
use crate::Name;
use crate::iana::NameType;

/// What a service's name leads to.
pub(super) enum Service<'r> {
    /// This realm's ticket-granting service.
    Krbtgt,
    /// The ticket-granting service of another realm that is trusted.
    Referral(&'r Trust),
    /// The service for changing passwords, which has krbtgt's keys as in AD.
    ChangePassword,
    /// An account.
    Account(&'r Account),
    /// An account without SPNs: only user-to-user tickets are made for it.
    WithoutSpn(&'r Account),
    /// Nothing.
    Unknown,
}

/// Service classes that an SPN of class `host` stands for (AD's sPNMappings).
const HOST_CLASSES: &[&str] = &[
    "alerter",
    "appmgmt",
    "cisvc",
    "clipsrv",
    "browser",
    "dhcp",
    "dnscache",
    "replicator",
    "eventlog",
    "eventsystem",
    "policyagent",
    "oakley",
    "dmserver",
    "dns",
    "mcsvc",
    "fax",
    "msiserver",
    "ias",
    "messenger",
    "netlogon",
    "netman",
    "netdde",
    "netddedsm",
    "nmagent",
    "plugplay",
    "protectedstorage",
    "rasman",
    "rpclocator",
    "rpc",
    "rpcss",
    "remoteaccess",
    "rsvp",
    "samss",
    "scardsvr",
    "scesrv",
    "seclogon",
    "scm",
    "dcom",
    "cifs",
    "spooler",
    "snmp",
    "schedule",
    "tapisrv",
    "trksvr",
    "trkwks",
    "ups",
    "time",
    "wins",
    "www",
    "http",
    "w3svc",
    "iisadmin",
    "msdtc",
];

impl Realm {
    /// Is this the realm's name? AD does not tell cases apart.
    pub(super) fn is_named(&self, realm: &[u8]) -> bool {
        core::str::from_utf8(realm).is_ok_and(|realm| fold(realm) == self.domain())
    }

    /// The account of a client's name, or of a user's in S4U2Self.
    ///
    /// Without an `@`, a name is first a UPN of the realm, then a sAMAccountName, then one without its
    /// `$`. With the realm's name behind an `@` it is only a sAMAccountName; as an enterprise name it
    /// is a UPN first.
    pub(super) fn client<'r>(&'r self, name: &Name) -> Option<&'r Account> {
        let [name_string] = name.components.as_slice() else { return None };
        let text = core::str::from_utf8(name_string).ok()?;
        let at_realm = |name: &str| [name, "@", self.domain()].concat();
        let of_realm = text.rsplit_once('@').filter(|(_, suffix)| self.is_named(suffix.as_bytes()));
        let dollar = |name: &str| {
            let policy = self.policy.implicit_dollar;
            policy.then(|| self.account(&[name, "$"].concat())).flatten()
        };
        // A UPN that two accounts claim ends the search.
        let upn_or = |upn: &str, otherwise: &dyn Fn() -> Option<&'r Account>| {
            self.by_upn(upn).unwrap_or_else(otherwise)
        };
        if !text.contains('@') {
            return upn_or(&at_realm(text), &|| self.account(text).or_else(|| dollar(text)));
        }
        let by_account_name = || of_realm.and_then(|(name, _)| self.account(name));
        match name.name_type {
            NameType::ENTERPRISE => upn_or(text, &by_account_name),
            _ => by_account_name(),
        }
    }

    /// What a service's name leads to.
    pub(super) fn service(&self, name: &Name) -> Service<'_> {
        match name.components.as_slice() {
            [first, realm] if first == b"krbtgt" => {
                if self.is_named(realm) {
                    return Service::Krbtgt;
                }
                let trust = core::str::from_utf8(realm).ok().and_then(|realm| self.trust(realm));
                trust.map_or(Service::Unknown, Service::Referral)
            }
            [first, second] if first == b"kadmin" && second == b"changepw" => {
                Service::ChangePassword
            }
            [_] => match self.client(name) {
                Some(account) if account.spns.is_empty() => Service::WithoutSpn(account),
                Some(account) => Service::Account(account),
                None => Service::Unknown,
            },
            _ => self.spn(name).map_or(Service::Unknown, Service::Account),
        }
    }

    fn spn(&self, name: &Name) -> Option<&Account> {
        let spn = spn_text(name)?;
        let account = self.by_spn(&spn).or_else(|| {
            let (class, host) = spn.split_once('/')?;
            HOST_CLASSES.contains(&class).then(|| self.by_spn(&["host/", host].concat())).flatten()
        })?;
        // Three parts that end in the domain are for its controllers alone.
        let is_domain = |part: &str| part == self.domain();
        let of_domain = spn.splitn(3, '/').nth(2).is_some_and(is_domain);
        (!of_domain || account.kind == AccountKind::DomainController).then_some(account)
    }

    /// The trusted realm that a service's host name belongs to.
    pub(super) fn realm_of_host(&self, name: &Name) -> Option<&Trust> {
        let spn = spn_text(name)?;
        let host = spn.split('/').nth(1)?;
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        self.trusts().find(|trust| trust.has_domain(host))
    }

    /// The trusted realm behind which that realm is said to be.
    pub(super) fn trust_towards(&self, realm: &str) -> Option<&Trust> {
        let realm = fold(realm);
        self.trusts().find(|trust| trust.transitive && trust.has_domain(&realm))
    }

    /// The trusted realm that the suffix of an enterprise name belongs to.
    pub(super) fn realm_of_upn(&self, name: &Name) -> Option<&Trust> {
        let [upn] = name.components.as_slice() else { return None };
        if name.name_type != NameType::ENTERPRISE {
            return None;
        }
        let (_, suffix) = core::str::from_utf8(upn).ok()?.rsplit_once('@')?;
        let suffix = fold(suffix);
        self.trusts().find(|trust| trust.has_domain(&suffix))
    }
}

/// A name of several components as SPNs are compared.
pub(super) fn spn_text(name: &Name) -> Option<String> {
    if name.components.len() < 2 {
        return None;
    }
    let mut text = String::new();
    for (index, component) in name.components.iter().enumerate() {
        if index > 0 {
            text.push('/');
        }
        text.push_str(core::str::from_utf8(component).ok()?);
    }
    Some(fold(&text))
}
