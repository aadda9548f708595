//! Where the servers of realms are, whoever says so: the caller, krb5.conf, DNS.

mod conf;
mod files;
mod host;

use std::collections::HashMap;
use std::sync::Arc;

use krb_proto::Name;
use krb_proto::crypto::SUPPORTED;
use krb_proto::formats::krb5_conf::{ConfError, Krb5Conf};
use krb_proto::iana::EncType;

pub use files::{Krb5ConfError, krb5_conf_from_environment, read_krb5_conf};

use crate::kdc::Service;
use crate::{KdcSource, Listed, Origin, ResolveError, Resolver, Transport};
use conf::Configured;

/// Where the servers of realms are, and which realm a host is in. What was named to
/// [`with`](Self::with) counts first, then krb5.conf, then whatever [others](Self::with_others) were
/// said to be. A realm of which none of them says anything has no servers: nobody is asked because a
/// referral says so.
///
/// A list of realms and their [`KdcSource`]s is one as well.
#[derive(Clone, Default)]
pub struct Realms {
    /// By the realm's name in lower case: KDCs answer to a name in any case, and say their own.
    named: HashMap<String, Named>,
    conf: Option<Arc<Configured>>,
    others: Option<Arc<KdcSource>>,
}

#[derive(Clone, Default)]
struct Named {
    kdcs: Option<Arc<KdcSource>>,
    kpasswd: Option<Arc<KdcSource>>,
}

impl<I: IntoIterator<Item = (Vec<u8>, KdcSource)>> From<I> for Realms {
    fn from(realms: I) -> Self {
        let add = |known: Self, (realm, kdcs): (Vec<u8>, _)| {
            known.with(&String::from_utf8_lossy(&realm), kdcs)
        };
        realms.into_iter().fold(Self::default(), add)
    }
}

impl Realms {
    /// With this realm's KDCs. Where passwords are changed is asked of the same source: by DNS, or at
    /// the same hosts.
    #[must_use]
    pub fn with(mut self, realm: &str, kdcs: KdcSource) -> Self {
        self.named.entry(realm.to_ascii_lowercase()).or_default().kdcs = Some(Arc::new(kdcs));
        self
    }

    /// With the servers where this realm's passwords are changed (RFC 3244), port 464 mostly.
    #[must_use]
    pub fn with_kpasswd(mut self, realm: &str, servers: KdcSource) -> Self {
        self.named.entry(realm.to_ascii_lowercase()).or_default().kpasswd = Some(Arc::new(servers));
        self
    }

    /// With a source for all realms of which nothing else is said: those that referrals lead to
    /// among them.
    #[must_use]
    pub fn with_others(mut self, source: KdcSource) -> Self {
        self.others = Some(Arc::new(source));
        self
    }

    /// With what krb5.conf says: the servers in `[realms]`; DNS for all realms that are not there,
    /// unless `dns_lookup_kdc` is off; `[domain_realm]`, `dns_lookup_realm` and `[capaths]`.
    ///
    /// # Errors
    /// [`ConfError`] for a value in `[libdefaults]` that cannot be read.
    pub fn with_conf(self, conf: Krb5Conf, resolver: Resolver) -> Result<Self, ConfError> {
        Ok(Self { conf: Some(Arc::new(Configured::new(conf, resolver)?)), ..self })
    }

    /// What the machine is configured to, as for MIT's programs: `KRB5_CONFIG`, or else
    /// `/etc/krb5.conf` if there is one, `/etc/hosts` and the name servers of `/etc/resolv.conf`.
    ///
    /// # Errors
    /// [`Krb5ConfError`].
    pub async fn from_environment() -> Result<Self, Krb5ConfError> {
        let conf = krb5_conf_from_environment().await?;
        let resolver = Resolver::from_system(Resolver::hosts_of_machine());
        Ok(Self::default().with_conf(conf, resolver)?)
    }

    /// What krb5.conf says, if there is one.
    #[must_use]
    pub fn conf(&self) -> Option<&Krb5Conf> {
        self.conf.as_deref().map(Configured::conf)
    }

    /// The realm of names that have none, as krb5.conf says (`default_realm`).
    #[must_use]
    pub fn default_realm(&self) -> Option<&str> {
        self.conf.as_deref()?.default_realm()
    }

    /// The enctypes that krb5.conf wants logins to be with (`permitted_enctypes`, and of those
    /// `default_tkt_enctypes`), or else the strong ones. RC4 is among them where a list names it and
    /// `allow_rc4` is set.
    #[must_use]
    pub fn login_enctypes(&self) -> &[EncType] {
        self.conf.as_deref().map_or(SUPPORTED, Configured::login_enctypes)
    }

    /// The same for tickets that are got with a ticket-granting ticket (`default_tgs_enctypes`).
    #[must_use]
    pub fn ticket_enctypes(&self) -> &[EncType] {
        self.conf.as_deref().map_or(SUPPORTED, Configured::ticket_enctypes)
    }

    /// May a realm's KDCs be shown an encrypted timestamp outside of FAST? Not where krb5.conf says no
    /// (`disable_encrypted_timestamp`), or makes no sense.
    pub(crate) fn may_send_timestamp(&self, realm: &[u8]) -> bool {
        let Some(conf) = &self.conf else { return true };
        let settings = conf.settings(&String::from_utf8_lossy(realm));
        settings.is_ok_and(|settings| !settings.disable_encrypted_timestamp)
    }

    /// How krb5.conf wants servers to be spoken to (`udp_preference_limit`); over TCP alone where it does
    /// not say, which MIT's library takes for 1465.
    #[must_use]
    pub fn transport(&self) -> Transport {
        let limit = self.conf.as_deref().and_then(Configured::udp_preference_limit);
        limit.map_or_else(Transport::tcp, Transport::udp_up_to)
    }

    /// The realm of a host, where krb5.conf says it, or else DNS if that was asked for
    /// (`dns_lookup_realm`: nothing protects what it says). `None` means that the client's own KDC
    /// is to be asked, which may refer to another (RFC 6806).
    pub async fn host_realm(&self, host: &str) -> Option<String> {
        host::realm(self.conf.as_deref()?, host).await
    }

    /// The realms to go through from our own to that of a host's service, which is the last one, as
    /// [`host_realm`](Self::host_realm) and `[capaths]` say; none where it is our own realm's, or the
    /// KDCs are to say it.
    pub async fn way_to(&self, own: &[u8], service: &Name) -> Vec<Vec<u8>> {
        let (Some(conf), [kind, host, ..]) = (self.conf(), service.components.as_slice()) else {
            return Vec::new();
        };
        // Those of a realm itself are no host's.
        let (own, host) = (String::from_utf8_lossy(own), String::from_utf8_lossy(host));
        let of_realm = [&b"krbtgt"[..], b"kadmin"].contains(&kind.as_slice());
        let realm = if of_realm { None } else { self.host_realm(&host).await };
        let Some(realm) = realm.filter(|realm| *realm != own) else { return Vec::new() };
        let between = conf.capath(&own, &realm).unwrap_or_default();
        through(&between, realm.as_bytes())
    }

    /// The same to a realm itself, such as a user's, as `[capaths]` says; none where it is our own, or
    /// the KDCs are to say it.
    #[must_use]
    pub fn way_to_realm(&self, own: &[u8], realm: &[u8]) -> Vec<Vec<u8>> {
        let (Some(conf), false) = (self.conf(), own == realm) else { return Vec::new() };
        let [from, to] = [own, realm].map(String::from_utf8_lossy);
        conf.capath(&from, &to).map_or_else(Vec::new, |between| through(&between, realm))
    }

    /// The servers of a realm, best first, as they are listed, and who says so. Their names are not looked
    /// up.
    ///
    /// # Errors
    /// If nobody lists any.
    pub async fn listed(
        &self,
        realm: &str,
        service: Service,
    ) -> Result<(Origin, Vec<Listed>), ResolveError> {
        let source = self.source(realm, service);
        let source = source.map_err(|reason| ResolveError { name: realm.to_owned(), reason })?;
        let (origin, places) = source.listed(realm, service).await?;
        Ok((origin, places.into_iter().map(Into::into).collect()))
    }

    /// Where a realm's servers of one kind are; the error says why nobody knows.
    pub(crate) fn source(&self, realm: &str, service: Service) -> Result<Arc<KdcSource>, String> {
        let beside = |kdcs: &Arc<KdcSource>| match service {
            Service::Kdc => kdcs.clone(),
            other => Arc::new(kdcs.beside(other)),
        };
        let named = self.named.get(&realm.to_ascii_lowercase());
        let own = named.and_then(|named| match service {
            Service::Kpasswd if named.kpasswd.is_some() => named.kpasswd.clone(),
            _ => named.kdcs.as_ref().map(beside),
        });
        if let Some(own) = own {
            return Ok(own);
        }
        match (&self.conf, &self.others) {
            (Some(conf), others) => match (conf.source(realm, service), others) {
                (Err(reason), None) => Err(reason),
                (Err(_), Some(others)) => Ok(beside(others)),
                (found, _) => found,
            },
            (None, Some(others)) => Ok(beside(others)),
            (None, None) => Err("nothing says where its KDCs are".into()),
        }
    }
}

fn through(between: &[&str], realm: &[u8]) -> Vec<Vec<u8>> {
    let between = between.iter().map(|realm| realm.as_bytes());
    between.chain([realm]).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests;
