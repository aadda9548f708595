use std::sync::Arc;

use krb_proto::formats::krb5_conf::{ConfError, Krb5Conf, LibDefaults, RealmSettings};
use krb_proto::iana::EncType;

use crate::kdc::Service;
use crate::{KdcSource, Resolver};

/// krb5.conf, and what names in it are looked up with.
pub(super) struct Configured {
    conf: Krb5Conf,
    defaults: LibDefaults,
    resolver: Resolver,
    login_enctypes: Vec<EncType>,
    ticket_enctypes: Vec<EncType>,
}

impl Configured {
    pub(super) fn new(conf: Krb5Conf, resolver: Resolver) -> Result<Self, ConfError> {
        let (login_enctypes, ticket_enctypes) = (conf.login_enctypes()?, conf.ticket_enctypes()?);
        let defaults = conf.libdefaults(None)?;
        Ok(Self { conf, defaults, resolver, login_enctypes, ticket_enctypes })
    }

    pub(super) const fn conf(&self) -> &Krb5Conf {
        &self.conf
    }

    pub(super) fn default_realm(&self) -> Option<&str> {
        self.defaults.default_realm.as_deref()
    }

    pub(super) fn login_enctypes(&self) -> &[EncType] {
        &self.login_enctypes
    }

    pub(super) fn ticket_enctypes(&self) -> &[EncType] {
        &self.ticket_enctypes
    }

    /// The limit, where the file has one.
    pub(super) fn udp_preference_limit(&self) -> Option<u32> {
        let given = self.conf.value(&["libdefaults", "udp_preference_limit"]);
        given.map(|_| self.defaults.udp_preference_limit)
    }

    /// What asks DNS for the realm of a host, if that may be.
    pub(super) fn realms_in_dns(&self) -> Option<&Resolver> {
        self.defaults.dns_lookup_realm.then_some(&self.resolver)
    }

    /// Where a realm's servers are. The realm's name may be written in another case than in the file:
    /// KDCs answer to any.
    pub(super) fn source(&self, realm: &str, service: Service) -> Result<Arc<KdcSource>, String> {
        let settings = self.settings(realm).map_err(|error| error.to_string())?;
        let sources = match service {
            Service::Kdc => self.kdcs(&settings),
            Service::Kpasswd => self.kpasswd(&settings),
        };
        match <[KdcSource; 1]>::try_from(sources) {
            Ok([one]) => Ok(Arc::new(one)),
            Err(several) if several.is_empty() => Err(match settings.unusable.first() {
                Some(error) => error.to_string(),
                None => format!("[realms] names no {service} of it, and dns_lookup_kdc is off"),
            }),
            Err(several) => Ok(Arc::new(KdcSource::FirstOf(several))),
        }
    }

    /// What is said of a realm, in whatever case it is written.
    pub(super) fn settings(&self, realm: &str) -> Result<RealmSettings, ConfError> {
        let written = self.conf.section_names(&["realms"]);
        let written = written
            .iter()
            .find(|name| **name == realm)
            .or_else(|| written.iter().find(|name| name.eq_ignore_ascii_case(realm)));
        self.conf.realm(written.copied().unwrap_or(realm))
    }

    /// Where a line of the file meant something, DNS does not stand in for it.
    fn kdcs(&self, settings: &RealmSettings) -> Vec<KdcSource> {
        match settings.kdc.as_slice() {
            [] if settings.unusable.is_empty() => self.dns().into_iter().collect(),
            [] => Vec::new(),
            kdcs => vec![KdcSource::Hosts(kdcs.to_vec(), self.resolver.clone())],
        }
    }

    /// As MIT's library: those that are named, those in DNS, the host of `admin_server` at its port;
    /// and in the end, as Active Directory has it, the KDCs at that port.
    fn kpasswd(&self, settings: &RealmSettings) -> Vec<KdcSource> {
        let hosts = |servers: &[_]| {
            let some = !servers.is_empty();
            some.then(|| KdcSource::Hosts(servers.to_vec(), self.resolver.clone()))
        };
        if let Some(named) = hosts(&settings.kpasswd_server) {
            return vec![named];
        }
        let beside = |source: KdcSource| source.beside(Service::Kpasswd);
        let admin = hosts(&settings.admin_server).map(beside);
        let last = admin.or_else(|| hosts(&settings.kdc).map(beside));
        self.dns().into_iter().chain(last).collect()
    }

    fn dns(&self) -> Option<KdcSource> {
        let resolver = self.resolver.clone();
        let by_dns = if self.defaults.dns_uri_lookup { KdcSource::Dns } else { KdcSource::DnsSrv };
        self.defaults.dns_lookup_kdc.then(|| by_dns(resolver))
    }
}
