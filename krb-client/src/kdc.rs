//! Which servers a realm has, where DNS says that they are, and what was learnt of each.

mod dns;
mod endpoint;
mod memory;
mod sites;
mod uri;

use std::net::SocketAddr;
use std::sync::Arc;

use krb_proto::formats::krb5_conf::{ServerAddress, ServerTransport};

pub use endpoint::{Endpoint, KdcProxy, Service};
pub(crate) use endpoint::{Place, Way, any_port};
pub(crate) use memory::{Answered, Memory};
pub use sites::Sites;

use crate::{ResolveError, Resolver};

/// Who says where a realm's servers are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// The program, or krb5.conf.
    Configuration,
    /// URI records in DNS.
    Uri,
    /// SRV records in DNS.
    Srv,
}

/// A server of a realm as it is listed: its name is not looked up.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Listed {
    /// A host.
    Host {
        /// Its name, or its address.
        host: String,
        /// Its port.
        port: u16,
        /// It is not to be spoken to over TCP.
        udp_only: bool,
    },
    /// A KDC proxy.
    Proxy(KdcProxy),
}

impl From<Place> for Listed {
    fn from(place: Place) -> Self {
        match place {
            Place::Host { host, port, way } => Self::Host { host, port, udp_only: way == Way::Udp },
            Place::At(Endpoint::Proxy(proxy)) => Self::Proxy(KdcProxy::clone(&proxy)),
            Place::At(Endpoint::Direct(at) | Endpoint::Tcp(at)) => {
                Self::Host { host: at.ip().to_string(), port: at.port(), udp_only: false }
            }
            Place::At(Endpoint::Udp(at)) => {
                Self::Host { host: at.ip().to_string(), port: at.port(), udp_only: true }
            }
        }
    }
}

/// Where a realm's KDCs are found.
#[derive(Clone)]
pub enum KdcSource {
    /// These, in this order.
    Addresses(Vec<SocketAddr>),
    /// These hosts, or KDC proxies, in this order, through a resolver.
    Hosts(Vec<ServerAddress>, Resolver),
    /// Those that DNS lists: under `_kerberos.REALM` (URI), or else under `_kerberos._tcp.REALM` and
    /// `_kerberos._udp.REALM` (SRV, RFC 4120 section 7.2.3.2).
    Dns(Resolver),
    /// Those that DNS lists as SRV records, without a look at URI records.
    DnsSrv(Resolver),
    /// Those of Active Directory, the ones of our site first (see [`Sites`]).
    Sites(Sites),
    /// Those of the first of these that has any.
    FirstOf(Vec<KdcSource>),
}

impl KdcSource {
    /// The same servers for another service, where nobody says otherwise: the same machines, at its
    /// own port. So it is in Active Directory, and where a realm has one machine.
    pub(crate) fn beside(&self, service: Service) -> Self {
        let port = service.port();
        match self {
            Self::Addresses(addresses) => {
                let addresses = addresses.iter().map(|address| (address.ip(), port).into());
                Self::Addresses(addresses.collect())
            }
            Self::Hosts(hosts, resolver) => {
                let hosts = hosts.iter().map(|host| match host.transport {
                    ServerTransport::Direct => ServerAddress { port, ..host.clone() },
                    _ => host.clone(), // a proxy passes on all there is
                });
                Self::Hosts(hosts.collect(), resolver.clone())
            }
            Self::FirstOf(sources) => {
                Self::FirstOf(sources.iter().map(|source| source.beside(service)).collect())
            }
            dns => dns.clone(),
        }
    }

    /// The servers of a realm, in the order of preference; never an empty list. Only the list is
    /// looked up, not the names in it.
    pub(crate) async fn places(
        &self,
        realm: &str,
        service: Service,
    ) -> Result<Vec<Place>, ResolveError> {
        self.listed(realm, service).await.map(|(_, places)| places)
    }

    /// The same, and who says so.
    pub(crate) async fn listed(
        &self,
        realm: &str,
        service: Service,
    ) -> Result<(Origin, Vec<Place>), ResolveError> {
        let (origin, places): (_, Vec<_>) = match self {
            Self::Addresses(addresses) => {
                let addresses = addresses.iter();
                let places = addresses.map(|address| Place::At(Endpoint::Direct(*address)));
                (Origin::Configuration, places.collect())
            }
            Self::Hosts(hosts, _) => {
                let places = hosts.iter().map(|server| Place::configured(server, realm));
                (Origin::Configuration, places.collect())
            }
            Self::Dns(resolver) => dns::places(resolver, realm, service).await?,
            Self::DnsSrv(resolver) => (Origin::Srv, dns::by_srv(resolver, realm, service).await?),
            Self::Sites(sites) => (Origin::Srv, sites.places(realm, service).await?),
            Self::FirstOf(sources) => {
                let mut listed = Ok((Origin::Configuration, Vec::new()));
                for source in sources {
                    listed = Box::pin(source.listed(realm, service)).await;
                    if listed.as_ref().is_ok_and(|(_, places)| !places.is_empty()) {
                        break;
                    }
                }
                listed?
            }
        };
        if places.is_empty() {
            let reason = format!("no {service} is configured");
            return Err(ResolveError { name: realm.into(), reason });
        }
        Ok((origin, places))
    }

    fn resolver(&self) -> Option<&Resolver> {
        match self {
            Self::Hosts(_, resolver) | Self::Dns(resolver) | Self::DnsSrv(resolver) => {
                Some(resolver)
            }
            Self::Sites(sites) => Some(sites.resolver()),
            Self::FirstOf(sources) => sources.iter().find_map(Self::resolver),
            Self::Addresses(_) => None,
        }
    }

    /// The addresses of one of the hosts.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        port: u16,
        way: Way,
    ) -> Result<Vec<Endpoint>, ResolveError> {
        // There are no names among addresses.
        let Some(resolver) = self.resolver() else { return Ok(Vec::new()) };
        let addresses = resolver.addresses(host).await?;
        Ok(addresses.into_iter().map(|ip| way.to((ip, port).into())).collect())
    }
}

impl Place {
    fn configured(server: &ServerAddress, realm: &str) -> Self {
        let ServerAddress { host, port, transport } = server;
        match transport {
            ServerTransport::Https { path } => Self::At(Endpoint::Proxy(Arc::new(KdcProxy {
                host: host.clone(),
                port: *port,
                path: path.clone(),
                realm: realm.to_owned(),
            }))),
            _ => Self::of(host, *port, Way::Any),
        }
    }

    /// A host, or an address that is written as one.
    fn of(host: &str, port: u16, way: Way) -> Self {
        match Resolver::literal(host) {
            Some(ip) => Self::At(way.to((ip, port).into())),
            None => Self::Host { host: host.to_owned(), port, way },
        }
    }
}
