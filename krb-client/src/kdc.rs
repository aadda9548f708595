//! Which KDCs a realm has, and what was learnt of each.

mod memory;

use std::net::SocketAddr;

pub(crate) use memory::{Answered, Memory};

use crate::{ResolveError, Resolver};

/// Where a realm's KDCs are found.
#[derive(Clone)]
pub enum KdcSource {
    /// These, in this order.
    Addresses(Vec<SocketAddr>),
    /// These hosts and ports, in this order, through a resolver.
    Hosts(Vec<(String, u16)>, Resolver),
    /// Those that DNS lists under `_kerberos._tcp.REALM` (RFC 4120 section 7.2.3.2).
    Dns(Resolver),
}

/// Where one KDC is, or several under one name.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Address(SocketAddr),
    /// A name to be resolved, and the port.
    Host(String, u16),
}

impl KdcSource {
    /// The KDCs of a realm, in the order of preference; never an empty list. Only the list is
    /// looked up, not the names in it.
    pub(crate) async fn places(&self, realm: &str) -> Result<Vec<Place>, ResolveError> {
        let place = |(host, port): (String, u16)| match Resolver::literal(&host) {
            Some(ip) => Place::Address(SocketAddr::new(ip, port)),
            None => Place::Host(host, port),
        };
        let places: Vec<_> = match self {
            Self::Addresses(addresses) => addresses.iter().copied().map(Place::Address).collect(),
            Self::Hosts(hosts, _) => hosts.iter().cloned().map(place).collect(),
            Self::Dns(resolver) => {
                let found = resolver.services(&format!("_kerberos._tcp.{realm}")).await?;
                found.into_iter().map(place).collect()
            }
        };
        if places.is_empty() {
            let reason = "no KDC is configured".into();
            return Err(ResolveError { name: realm.into(), reason });
        }
        Ok(places)
    }

    /// The addresses of one of the hosts.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        match self {
            Self::Hosts(_, resolver) | Self::Dns(resolver) => {
                let addresses = resolver.addresses(host).await?;
                Ok(addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
            }
            // There are no names among addresses.
            Self::Addresses(_) => Ok(Vec::new()),
        }
    }
}
