//! The `server` section.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::http::HeaderName;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use krb_delegation::ConfigError;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::origin::{is_authority, is_loopback};
use super::{AddressRange, Origin, PublicUrl};

/// The `server` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes a free one. Loopback unless configured: TLS and
    /// the outside world are a reverse proxy's work.
    #[serde(default = "loopback", deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The URL that clients use, `https://mcp.example.com/mcp`: the resource identifier (RFC 9728)
    /// and where challenges point to.
    #[schemars(with = "String")]
    pub public_url: PublicUrl,
    /// Values of `Host` to accept, `host` or `host:port`, beside the host of `publicUrl` and the
    /// loopback names.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call, `https://app.example.com`. Requests without `Origin`
    /// (from programs, not web pages) pass; so do pages of this machine where `listen` and
    /// `publicUrl` are loopback.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("default" = []))]
    pub allowed_origins: Vec<Origin>,
    /// Scopes that clients are told to ask for, in challenges and metadata. They grant nothing by
    /// themselves: the policy decides.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Time for one tool call, in seconds, 1 to 600.
    #[serde(default = "half_a_minute")]
    pub call_timeout_seconds: u64,
    /// Where a reverse proxy puts the certificate that a client proved to it (RFC 9440): for tokens
    /// that are bound to one (RFC 8705). Left out, such tokens are refused.
    pub client_certificate_header: Option<ClientCertificateHeader>,
    /// Figures for Prometheus; without this section there are none.
    pub metrics: Option<MetricsConfig>,
}

/// The `clientCertificateHeader` section of `server`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientCertificateHeader {
    /// The field; its value is `:BASE64:`, the certificate in DER (RFC 9440), or the certificate in PEM
    /// with percent-escapes, as nginx has it in `$ssl_client_escaped_cert`.
    #[serde(default = "client_cert")]
    pub name: String,
    /// From which addresses it is believed: those of the reverse proxies, `10.0.0.5` or `10.0.0.0/24`.
    /// They must take away any such field that a client sends.
    #[schemars(with = "Vec<String>")]
    pub from: Vec<AddressRange>,
}

fn client_cert() -> String {
    "Client-Cert".into()
}

/// The `metrics` section of `server`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricsConfig {
    /// Address and port for `GET /metrics` and nothing else. Whoever reaches it may read it: the
    /// figures name no user and no resource, but say how much is done.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
}

const fn loopback() -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080)
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(|_| {
        D::Error::custom("must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")
    })
}

const fn half_a_minute() -> u64 {
    30
}

impl ServerConfig {
    /// Time for one tool call.
    #[must_use]
    pub const fn call_timeout(&self) -> Duration {
        Duration::from_secs(self.call_timeout_seconds)
    }

    /// Values of `Host` that are accepted.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let public = self.public_url.url().host_str().map(str::to_owned);
        loopback.into_iter().chain(public).chain(self.allowed_hosts.iter().cloned()).collect()
    }

    /// Whether tokens would travel in the clear beyond this machine.
    pub(crate) fn is_plain_beyond_loopback(&self) -> bool {
        let url = self.public_url.url();
        url.scheme() == "http" && !is_loopback(url)
    }

    /// Whether this server is for clients on this machine only. One behind a reverse proxy listens
    /// on loopback as well, but its clients know it by another name.
    pub(crate) fn is_loopback(&self) -> bool {
        self.listen.ip().is_loopback() && is_loopback(self.public_url.url())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let error = |setting: &str, problem: String| {
            Err(ConfigError::new(format!("server.{setting}"), problem))
        };
        if !self.public_url.is_sound() {
            return error(
                "publicUrl",
                "must be an http or https URL without user, query and fragment, for example \
                 https://mcp.example.com/mcp"
                    .into(),
            );
        }
        if let Some(host) = self.allowed_hosts.iter().find(|host| !is_authority(host)) {
            return error(
                "allowedHosts",
                format!("{host:?} is not host or host:port, for example mcp.example.com"),
            );
        }
        if let Some(scope) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return error(
                "scopes",
                format!("{scope:?} is no scope: printable ASCII without space, quote, backslash"),
            );
        }
        if let Some(header) = &self.client_certificate_header {
            // What means something else already is no certificate.
            let name = HeaderName::from_bytes(header.name.as_bytes());
            let taken = [AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN];
            if name.is_ok_and(|name| !taken.contains(&name)) {
                if header.from.is_empty() {
                    let problem = "must list the reverse proxies, or nobody would be believed";
                    return error("clientCertificateHeader.from", problem.into());
                }
                if header.from.iter().any(AddressRange::is_everywhere) {
                    let problem = "must list the reverse proxies and no more than their networks (/8 of \
                                   IPv4, /7 of IPv6): any client could say that it has any certificate";
                    return error("clientCertificateHeader.from", problem.into());
                }
            } else {
                let problem = "must be the name of a header field, such as Client-Cert";
                return error("clientCertificateHeader.name", problem.into());
            }
        }
        if !(1..=600).contains(&self.call_timeout_seconds) {
            return error("callTimeoutSeconds", "must be 1 to 600".into());
        }
        let taken =
            |metrics: MetricsConfig| metrics.listen == self.listen && self.listen.port() != 0;
        if self.metrics.is_some_and(taken) {
            return error("metrics.listen", "must be another address than server.listen".into());
        }
        Ok(())
    }
}

// RFC 6749 section 3.3: scope-token.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
}
