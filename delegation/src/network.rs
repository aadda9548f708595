//! How names are resolved and which certificates are believed: the same for every stage.

mod authorities;
mod connect;
mod connection;
mod fetch;
mod race;
mod unique;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use krb_client::Resolver;
use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use schemars::JsonSchema;
use serde::Deserialize;

use authorities::CaFile;
pub use connect::{Connect, Stream, Tcp};
pub(crate) use connection::{ConnectError, Connection};
pub use fetch::{Fetch, HttpClient};

use crate::ConfigError;

/// The `network` section of the configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkConfig {
    /// DNS servers, `address` or `address:port`. Empty: those of `/etc/resolv.conf`.
    #[serde(default)]
    pub nameservers: Vec<String>,
    /// PEM file with the CAs to believe; one that is replaced is used from then on. Left out: the
    /// system's.
    pub ca_file: Option<PathBuf>,
    /// Fixed addresses, which go before DNS.
    #[serde(default)]
    pub hosts: HashMap<String, IpAddr>,
}

/// Name resolution, connections and HTTP clients that keep to the configuration.
#[derive(Clone)]
pub struct Network {
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    verifier: Arc<dyn ServerCertVerifier>,
    ca_file: Option<Arc<CaFile>>,
    connect: Arc<dyn Connect>,
}

impl Network {
    /// Reads what the configuration names. Resources are reached by `connect`.
    ///
    /// # Errors
    /// If a name server is no address, or the CA file cannot be used.
    pub fn new(config: &NetworkConfig, connect: Arc<dyn Connect>) -> Result<Self, ConfigError> {
        let servers = config.nameservers.iter().map(|text| {
            let with_port = text.parse::<SocketAddr>();
            with_port.or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53))).map_err(
                |_| {
                    let problem = format!("{text:?} is neither an address nor address:port");
                    ConfigError::new("network.nameservers", problem)
                },
            )
        });
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        let (verifier, ca_file) = authorities::verifier(config.ca_file.as_deref())?;
        let hosts = config.hosts.iter().map(|(name, ip)| (name.clone(), vec![*ip])).collect();
        let resolver = match servers.as_slice() {
            [] => Ok(Resolver::from_system(hosts)),
            servers => Resolver::new(servers, hosts),
        };
        Ok(Self {
            resolver: resolver
                .map_err(|error| ConfigError::new("network.nameservers", error.to_string()))?,
            tls: Arc::new(authorities::tls_config(verifier.clone())?),
            verifier,
            ca_file,
            connect,
        })
    }

    /// The setting, and what is wrong with what stands in the CA file now, if that is not what is
    /// believed; nothing, where there is no such file.
    pub(crate) async fn trouble(&self) -> Option<(String, Option<String>)> {
        match &self.ca_file {
            Some(file) => Some(file.trouble().await),
            None => None,
        }
    }

    /// The resolver.
    #[must_use]
    pub const fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// An HTTP client that resolves names by this network's resolver, believes its CAs, follows no
    /// redirect, asks no proxy and keeps no cookie.
    ///
    /// # Errors
    /// If the TLS library does not do as it is configured.
    pub fn http_client(&self) -> Result<HttpClient, ConfigError> {
        let client = ClientBuilder::new()
            .dns_resolver(Arc::new(Dns(self.resolver.clone())))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .http1_only()
            .referer(false)
            .no_proxy()
            .tls_backend_preconfigured(ClientConfig::clone(&self.tls));
        let client = client.build().map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let problem = format!("no HTTP client: {}", cause.unwrap_or(error.to_string()));
            ConfigError::new("network.caFile", problem)
        })?;
        Ok(HttpClient { client, ca_file: self.ca_file.clone() })
    }
}

struct Dns(Resolver);

impl Resolve for Dns {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.0.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str()).await?;
            // The port is not DNS's business: the client puts its own in the place of 0.
            let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn config(json: &str) -> Result<NetworkConfig, serde_json::Error> {
        serde_json::from_str(json)
    }

    fn network(json: &str) -> Result<Network, ConfigError> {
        Network::new(&config(json).unwrap(), Arc::new(Tcp))
    }

    #[test]
    fn settings_are_checked_when_they_are_read() {
        assert!(config("{}").is_ok());
        assert!(config(r#"{"nameserver": []}"#).is_err(), "an unknown name");
        assert!(config(r#"{"hosts": {"a": "b"}}"#).is_err(), "a host that is no address");
        for servers in [r#"["192.0.2.1"]"#, r#"["192.0.2.1:5353"]"#, r#"["[2001:db8::1]:53"]"#] {
            let config = config(&format!(r#"{{"nameservers": {servers}}}"#)).unwrap();
            assert!(Network::new(&config, Arc::new(Tcp)).is_ok(), "{servers}");
        }
        let error = |json| network(json).err().unwrap();
        let named = error(r#"{"nameservers": ["dns.example.com"]}"#);
        assert_eq!(named.setting, "network.nameservers");
        assert!(named.problem.contains("dns.example.com"), "{named}");
        let missing = error(r#"{"nameservers": ["192.0.2.1"], "caFile": "/no/such/file.pem"}"#);
        assert_eq!(missing.setting, "network.caFile");
        assert!(missing.problem.contains("/no/such/file.pem"), "{missing}");
    }

    /// Answers each request on each connection with the connection's number, in a redirect.
    fn serve() -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    while stream.read(&mut [0; 1024]).is_ok_and(|length| length > 0) {
                        let head = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 1";
                        stream.write_all(format!("{head}\r\n\r\n{number}").as_bytes()).unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn http_clients_resolve_by_the_configuration_and_follow_no_redirect() {
        // The name server is never asked: nobody answers there.
        let json = r#"{"nameservers": ["192.0.2.1"], "hosts": {"Web.Example": "127.0.0.1"}}"#;
        let network = network(json).unwrap();
        let url = format!("http://web.example:{}/", serve().port());
        let request = hyper::Request::get(url).body(hyper::body::Bytes::new()).unwrap();
        let answer = network.http_client().unwrap().fetch(request, 100).await.unwrap();
        assert_eq!(answer.status(), 302);
    }

    #[tokio::test]
    async fn a_connection_of_its_own_for_every_request() {
        let network = network(r#"{"nameservers": ["192.0.2.1"]}"#).unwrap();
        let url: url::Url = format!("http://{}/", serve()).parse().unwrap();
        for number in ["0", "1", "2"] {
            let mut connection = network.connect(&url).await.unwrap();
            assert_eq!(connection.certificate(), None);
            let answer = connection.send(hyper::Request::default()).await.unwrap();
            let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap();
            assert_eq!(body.to_bytes(), number);
        }
    }
}
