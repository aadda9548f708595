//! Names to addresses and services.

mod srv;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::time::timeout;

use crate::flight::Flights;
use crate::together::Together;
use srv::Service;

/// What DNS says is known again after this time at the latest, whatever it says itself: addresses
/// move.
const MAX_POSITIVE: Duration = Duration::from_secs(3600);
/// That a name is not there is believed no longer than this: somebody is just adding it.
const MAX_NEGATIVE: Duration = Duration::from_secs(60);
/// And that long where the zone does not say how long (RFC 2308 section 5), so that a name that is
/// asked for again and again does not go to the server each time.
const MIN_NEGATIVE: Duration = Duration::from_secs(5);
/// Once there are addresses of one kind, those of the other are waited for so long (RFC 8305
/// section 3): some servers do not answer questions for AAAA.
const OTHER_KIND: Duration = Duration::from_millis(50);
/// No more of a host's addresses of one kind are used.
const MAX_ADDRESSES: usize = 8;

/// A name could not be resolved.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot resolve {name}: {reason}")]
pub struct ResolveError {
    /// The name asked for.
    pub name: String,
    /// Why not.
    pub reason: String,
}

/// Names to addresses, without the C library's resolver: fixed names first, then DNS. What DNS says
/// is kept as long as it allows: found names an hour at most, names that are not there between 5
/// seconds and a minute.
#[derive(Clone)]
pub struct Resolver {
    hosts: Arc<HashMap<String, Vec<IpAddr>>>,
    dns: Dns,
}

#[derive(Clone)]
enum Dns {
    Servers {
        resolver: Arc<TokioResolver>,
        flights: Arc<Flights<(String, RecordType), Found>>,
    },
    /// There is none, for this reason.
    None(Arc<str>),
}

type Found = Result<Arc<[RData]>, String>;

impl Resolver {
    /// A resolver that asks these name servers. None means: only `hosts` and literal addresses.
    ///
    /// # Errors
    /// If the resolver cannot be built.
    pub fn new(
        nameservers: &[SocketAddr],
        hosts: HashMap<String, Vec<IpAddr>>,
    ) -> Result<Self, ResolveError> {
        let servers = nameservers.iter().map(|server| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            let connections = connections.into_iter().map(|mut connection| {
                connection.port = server.port();
                connection
            });
            NameServerConfig::new(server.ip(), true, connections.collect())
        });
        let dns = match nameservers {
            [] => Dns::None("no name server is configured".into()),
            _ => Dns::build(ResolverConfig::from_name_servers(servers.collect()))
                .map_err(|error| ResolveError { name: "DNS".into(), reason: error.to_string() })?,
        };
        Ok(Self::with(dns, hosts))
    }

    /// A resolver that asks the machine's name servers (`/etc/resolv.conf`); `hosts` go first.
    /// Where there are none it says so when a name has to be asked for, since literal addresses
    /// need none.
    #[must_use]
    pub fn from_system(hosts: HashMap<String, Vec<IpAddr>>) -> Self {
        let read = hickory_resolver::system_conf::read_system_conf();
        let dns = read.and_then(|(config, _)| Dns::build(config)).unwrap_or_else(|error| {
            tracing::warn!(%error, "/etc/resolv.conf names no server: only addresses can be used");
            Dns::None(format!("there is no name server (/etc/resolv.conf: {error})").into())
        });
        Self::with(dns, hosts)
    }

    fn with(dns: Dns, hosts: HashMap<String, Vec<IpAddr>>) -> Self {
        let hosts = hosts.into_iter().map(|(name, ips)| (name.to_ascii_lowercase(), ips)).collect();
        Self { hosts: Arc::new(hosts), dns }
    }

    /// The address that a host is, if it is one.
    pub(crate) fn literal(host: &str) -> Option<IpAddr> {
        host.trim_matches(['[', ']']).parse().ok()
    }

    /// The addresses of a host: itself if it is one, else from the fixed names, else from DNS.
    ///
    /// # Errors
    /// If there are none.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        if let Some(address) = Self::literal(host) {
            return Ok(vec![address]);
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(addresses) = self.hosts.get(&name) {
            return Ok(addresses.clone());
        }
        let found = self.dns.addresses(&name).await;
        found.map_err(|reason| ResolveError { name: host.into(), reason })
    }

    /// The targets of an SRV name in the order to try them in: by priority, and within one drawn by
    /// weight, so that another call gives another order (RFC 2782).
    ///
    /// # Errors
    /// If there are none, be it because DNS says that the service is not offered (target ".").
    pub async fn services(&self, name: &str) -> Result<Vec<(String, u16)>, ResolveError> {
        let fail = |reason: String| ResolveError { name: name.into(), reason };
        let name = name.trim_end_matches('.');
        let found = self.dns.records(name, RecordType::SRV).await.map_err(fail)?;
        let services = found.iter().filter_map(|data| match data {
            RData::SRV(srv) => Some(Service {
                priority: srv.priority,
                weight: srv.weight,
                host: srv.target.to_ascii().trim_end_matches('.').to_owned(),
                port: srv.port,
            }),
            _ => None,
        });
        let services: Vec<_> = services.collect();
        if services.is_empty() {
            return Err(fail("it has no SRV record".into()));
        }
        let targets = srv::in_order(services, rand::random_range::<u32, _>);
        if targets.is_empty() {
            return Err(fail("its SRV record says that there is no such service (\".\")".into()));
        }
        Ok(targets)
    }
}

impl Dns {
    fn build(config: ResolverConfig) -> Result<Self, NetError> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        let options = builder.options_mut();
        options.use_hosts_file = ResolveHosts::Never;
        options.positive_max_ttl = Some(MAX_POSITIVE);
        options.negative_min_ttl = Some(MIN_NEGATIVE);
        options.negative_max_ttl = Some(MAX_NEGATIVE);
        let resolver = Arc::new(builder.build()?);
        Ok(Self::Servers { resolver, flights: Arc::default() })
    }

    /// The records of one type under a full name; the error says why there are none.
    async fn records(&self, name: &str, kind: RecordType) -> Found {
        let (resolver, flights) = match self {
            Self::Servers { resolver, flights } => (resolver, flights),
            Self::None(reason) => return Err(reason.as_ref().into()),
        };
        let (resolver, full_name) = (resolver.clone(), format!("{name}."));
        let look_up = || async move {
            match resolver.lookup(full_name, kind).await {
                Ok(found) => Ok(found.answers().iter().map(|record| record.data.clone()).collect()),
                Err(error) => Err(explain(&error, kind)),
            }
        };
        let found = flights.join((name.to_owned(), kind), look_up).await;
        found.unwrap_or_else(|| Err("looking it up was abandoned".into()))
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let mut kinds = Together::default();
        for kind in [RecordType::AAAA, RecordType::A] {
            kinds.start(async move {
                let records = self.records(name, kind).await?;
                let addresses = records.iter().filter_map(RData::ip_addr);
                Ok(addresses.take(MAX_ADDRESSES).collect::<Vec<_>>())
            });
        }
        let one: Result<_, String> = kinds.next().await;
        let other = match &one {
            // The one that is late goes on being asked for, for whoever comes next.
            Ok(addresses) if !addresses.is_empty() => timeout(OTHER_KIND, kinds.next()).await.ok(),
            _ => Some(kinds.next().await),
        };
        let (mut found, mut reason) = (Vec::new(), None);
        for answer in [Some(one), other].into_iter().flatten() {
            match answer {
                Ok(addresses) => found.extend(addresses),
                Err(error) => reason = Some(error),
            }
        }
        if found.is_empty() {
            return Err(reason.unwrap_or_else(|| "it has no address".into()));
        }
        found.sort_by_key(IpAddr::is_ipv4); // IPv6 first, and else as DNS gives them
        Ok(found)
    }
}

/// Why there are no records of this type.
fn explain(error: &NetError, kind: RecordType) -> String {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => "DNS says that there is no such name".into(),
            _ => format!("DNS has no {kind} record of it"),
        },
        NetError::Timeout | NetError::NoConnections => "no name server answered in time".into(),
        error => error.to_string(),
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
