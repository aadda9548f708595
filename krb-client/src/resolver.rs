//! Names to addresses and services.

mod hosts;
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

use crate::flight::Flights;
use crate::together::both;
use srv::Weighted;

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
/// RFC 7553.
const URI: RecordType = RecordType::Unknown(256);
/// No more TXT records of a name are looked at.
const MAX_TEXTS: usize = 16;

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
        let fail = |reason: &str| ResolveError { name: name.into(), reason: reason.into() };
        let found = self.records(name, RecordType::SRV).await?;
        let services = found.iter().filter_map(|data| match data {
            RData::SRV(srv) => {
                // Without the dot at its end, so that it is empty where the record says ".".
                let host = srv.target.to_ascii().trim_end_matches('.').to_owned();
                let target = (host, srv.port);
                Some(Weighted { priority: srv.priority, weight: srv.weight, target })
            }
            _ => None,
        });
        let mut services: Vec<_> = services.collect();
        if services.is_empty() {
            return Err(fail("it has no SRV record"));
        }
        services.retain(|service| !service.target.0.is_empty());
        if services.is_empty() {
            return Err(fail("its SRV record says that there is no such service (\".\")"));
        }
        Ok(srv::in_order(services, rand::random_range::<u32, _>))
    }

    /// The targets of a URI name (RFC 7553), in an order drawn as that of
    /// [`services`](Self::services). Those that are not UTF-8 are none.
    ///
    /// # Errors
    /// If there are none.
    pub async fn uris(&self, name: &str) -> Result<Vec<String>, ResolveError> {
        let found = self.records(name, URI).await?;
        let uris = found.iter().filter_map(|data| match data {
            RData::Unknown { rdata, .. } => {
                let (priority, rest) = rdata.anything.split_first_chunk()?;
                let (weight, target) = rest.split_first_chunk()?;
                Some(Weighted {
                    priority: u16::from_be_bytes(*priority),
                    weight: u16::from_be_bytes(*weight),
                    target: std::str::from_utf8(target).ok()?.to_owned(),
                })
            }
            _ => None,
        });
        let uris = srv::in_order(uris.collect(), rand::random_range::<u32, _>);
        if uris.is_empty() {
            return Err(ResolveError { name: name.into(), reason: "it has no URI record".into() });
        }
        Ok(uris)
    }

    /// The texts under a name (TXT), those that are UTF-8.
    ///
    /// # Errors
    /// If there are none.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, ResolveError> {
        let found = self.records(name, RecordType::TXT).await?;
        let texts = found.iter().take(MAX_TEXTS).filter_map(|data| match data {
            RData::TXT(text) => String::from_utf8(text.txt_data.concat()).ok(),
            _ => None,
        });
        Ok(texts.collect())
    }

    async fn records(&self, name: &str, kind: RecordType) -> Result<Arc<[RData]>, ResolveError> {
        let found = self.dns.records(name.trim_end_matches('.'), kind).await;
        found.map_err(|reason| ResolveError { name: name.into(), reason })
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
        let of = |kind| async move {
            let records = self.records(name, kind).await?;
            let addresses = records.iter().filter_map(RData::ip_addr);
            Ok::<_, String>(addresses.take(MAX_ADDRESSES).collect::<Vec<_>>())
        };
        // The one that is late goes on being asked for, for whoever comes next.
        let enough = |addresses: &Vec<_>| !addresses.is_empty();
        let kinds = both(of(RecordType::AAAA), of(RecordType::A), OTHER_KIND, enough).await;
        let (mut found, mut reason) = (Vec::new(), None);
        for answer in kinds.into_iter().flatten() {
            match answer {
                Ok(addresses) => found.extend(addresses), // IPv6 first, and else as DNS gives them
                Err(error) => reason = Some(error),
            }
        }
        if found.is_empty() {
            return Err(reason.unwrap_or_else(|| "it has no address".into()));
        }
        Ok(found)
    }
}

/// Why there are no records of this type.
fn explain(error: &NetError, kind: RecordType) -> String {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => "DNS says that there is no such name".into(),
            _ if kind == URI => "DNS has no URI record of it".into(),
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
