//! The `server` section.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::http::{HeaderValue, uri::Authority};
use krb_delegation::ConfigError;
use serde::Deserialize;
use url::{Host, Url};

/// The `server` section of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes a free one. Loopback unless configured: TLS and
    /// the outside world are a reverse proxy's work.
    #[serde(default = "loopback")]
    pub listen: SocketAddr,
    /// The URL that clients use, `https://mcp.example.com/mcp`: the resource identifier (RFC 9728)
    /// and where challenges point to.
    pub public_url: Url,
    /// Values of `Host` to accept, `host` or `host:port`, beside the host of `publicUrl` and the
    /// loopback names.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin` to accept, `https://app.example.com:443`. Requests without `Origin`
    /// (from programs, not web pages) pass.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// Scopes that clients are told to ask for, in challenges and metadata. They grant nothing by
    /// themselves: the policy decides.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Time for one tool call, in seconds, 1 to 600.
    #[serde(default = "half_a_minute")]
    pub call_timeout_seconds: u64,
}

const fn loopback() -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080)
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
        let public = self.public_url.host_str().map(str::to_owned);
        loopback.into_iter().chain(public).chain(self.allowed_hosts.iter().cloned()).collect()
    }

    /// Whether tokens would travel in the clear beyond this machine.
    pub(crate) fn is_plain_beyond_loopback(&self) -> bool {
        let loopback = match self.public_url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.public_url.scheme() == "http" && !loopback
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let error = |setting: &str, problem: String| {
            Err(ConfigError::new(format!("server.{setting}"), problem))
        };
        let url = &self.public_url;
        if !matches!(url.scheme(), "http" | "https")
            || !url.has_host()
            || !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
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
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            return error(
                "allowedOrigins",
                format!(
                    "{origin:?} is not scheme://host:port, for example https://app.example.com:443"
                ),
            );
        }
        if let Some(scope) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return error(
                "scopes",
                format!("{scope:?} is no scope: printable ASCII without space, quote, backslash"),
            );
        }
        if !(1..=600).contains(&self.call_timeout_seconds) {
            return error("callTimeoutSeconds", "must be 1 to 600".into());
        }
        Ok(())
    }
}

fn is_authority(text: &str) -> bool {
    !text.contains('@') && HeaderValue::from_str(text).is_ok() && text.parse::<Authority>().is_ok()
}

// The port is asked for because rmcp takes an entry without one for any port.
fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    matches!(scheme, "http" | "https")
        && is_authority(rest)
        && rest.parse::<Authority>().is_ok_and(|authority| authority.port_u16().is_some())
}

// RFC 6749 section 3.3: scope-token.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
}
