use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

/// A name could not be resolved.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot resolve {name}: {reason}")]
pub struct ResolveError {
    /// The name asked for.
    pub name: String,
    /// Why not.
    pub reason: String,
}

/// Names to addresses, without the C library's resolver: fixed names first, then DNS.
#[derive(Clone)]
pub struct Resolver {
    hosts: Arc<HashMap<String, Vec<IpAddr>>>,
    dns: Option<Arc<TokioResolver>>,
}

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
            [] => None,
            _ => Some(build(ResolverConfig::from_name_servers(servers.collect()))?),
        };
        let hosts = hosts.into_iter().map(|(name, ips)| (name.to_ascii_lowercase(), ips)).collect();
        Ok(Self { hosts: Arc::new(hosts), dns })
    }

    /// A resolver that asks the machine's name servers (`/etc/resolv.conf`); `hosts` go first.
    ///
    /// # Errors
    /// If the machine's configuration cannot be read.
    pub fn from_system(hosts: HashMap<String, Vec<IpAddr>>) -> Result<Self, ResolveError> {
        let (config, _) = hickory_resolver::system_conf::read_system_conf().map_err(|error| {
            ResolveError { name: "/etc/resolv.conf".into(), reason: error.to_string() }
        })?;
        let mut resolver = Self::new(&[], hosts)?;
        resolver.dns = Some(build(config)?);
        Ok(resolver)
    }

    /// The addresses of a host: itself if it is one, else from the fixed names, else from DNS.
    ///
    /// # Errors
    /// If there are none.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(addresses) = self.hosts.get(&name) {
            return Ok(addresses.clone());
        }
        let fail = |reason: String| ResolveError { name: host.into(), reason };
        let dns = self.dns.as_ref().ok_or_else(|| {
            fail("it is not among the configured hosts, and no name server is configured".into())
        })?;
        let found =
            dns.lookup_ip(format!("{name}.")).await.map_err(|error| fail(error.to_string()))?;
        match found.iter().collect::<Vec<_>>() {
            addresses if addresses.is_empty() => Err(fail("it has no address".into())),
            addresses => Ok(addresses),
        }
    }

    /// The targets of an SRV name, by priority and, within one, by weight (RFC 2782).
    ///
    /// # Errors
    /// If there are none.
    pub async fn services(&self, name: &str) -> Result<Vec<(String, u16)>, ResolveError> {
        let fail = |reason: String| ResolveError { name: name.into(), reason };
        let dns = self.dns.as_ref().ok_or_else(|| fail("no name server is configured".into()))?;
        let found =
            dns.srv_lookup(format!("{name}.")).await.map_err(|error| fail(error.to_string()))?;
        let mut records: Vec<_> = found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(srv) => Some(srv.clone()),
                _ => None,
            })
            .collect();
        records.sort_by_key(|srv| (srv.priority, std::cmp::Reverse(srv.weight)));
        let targets = records
            .iter()
            .map(|srv| (srv.target.to_ascii().trim_end_matches('.').to_owned(), srv.port))
            .filter(|(host, _)| !host.is_empty()) // "." means: not offered here
            .collect::<Vec<_>>();
        if targets.is_empty() { Err(fail("it has no SRV record".into())) } else { Ok(targets) }
    }
}

fn build(config: ResolverConfig) -> Result<Arc<TokioResolver>, ResolveError> {
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder.options_mut().use_hosts_file = ResolveHosts::Never;
    builder
        .build()
        .map(Arc::new)
        .map_err(|error| ResolveError { name: "DNS".into(), reason: error.to_string() })
}
