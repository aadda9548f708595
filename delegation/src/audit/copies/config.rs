//! `audit.sinks`: where records are copied to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::ConfigError;
use crate::identity::is_https_or_loopback;
use crate::secret::Secret;

/// Where records are copied to: one entry of `audit.sinks`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum SinkConfig {
    /// A syslog daemon.
    Syslog(SyslogConfig),
    /// A collector of OpenTelemetry's, by OTLP over HTTP, in JSON.
    Otlp(OtlpConfig),
    /// Standard output.
    Stdout(StdoutConfig),
}

/// `{"kind": "syslog", …}`: a syslog daemon.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyslogConfig {
    /// `unix:/dev/log`, `udp:192.0.2.1:514` or `tcp:192.0.2.1:601`: a path or an address, no name.
    #[serde(default = "dev_log")]
    pub address: String,
    /// Whether a call goes on only when it has the record.
    #[serde(default)]
    pub required: bool,
}

/// `{"kind": "otlp", …}`: a collector of OpenTelemetry's.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OtlpConfig {
    /// Where it takes logs: `https://collector.example.com:4318/v1/logs`.
    pub url: String,
    /// Header fields to send, as `Authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// `url` may be plain `http` to another machine although there are `headers`: on the way everybody
    /// can read them, and the records.
    #[serde(default)]
    pub danger_plain_http: bool,
    /// Whether a call goes on only when it has the record.
    #[serde(default)]
    pub required: bool,
}

/// `{"kind": "stdout"}`: standard output.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StdoutConfig {
    /// Whether a call goes on only when it has the record.
    #[serde(default)]
    pub required: bool,
}

fn dev_log() -> String {
    "unix:/dev/log".into()
}

/// A syslog daemon's address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Address {
    Unix(PathBuf),
    Udp(SocketAddr),
    Tcp(SocketAddr),
}

impl SyslogConfig {
    pub(super) fn address(&self) -> Result<Address, ConfigError> {
        let problem = || {
            let problem = format!(
                "{:?} is none of unix:PATH, udp:ADDRESS:PORT and tcp:ADDRESS:PORT",
                self.address
            );
            ConfigError::new("audit.sinks.address", problem)
        };
        let (transport, rest) = self.address.split_once(':').ok_or_else(problem)?;
        let socket = || rest.parse().map_err(|_| problem());
        match transport {
            "unix" if rest.starts_with('/') => Ok(Address::Unix(rest.into())),
            "udp" => Ok(Address::Udp(socket()?)),
            "tcp" => Ok(Address::Tcp(socket()?)),
            _ => Err(problem()),
        }
    }
}

impl OtlpConfig {
    pub(super) fn url(&self) -> Result<Url, ConfigError> {
        let problem = |problem| ConfigError::new("audit.sinks.url", problem);
        let url = Url::parse(&self.url);
        let url = url.map_err(|error| problem(format!("{:?}: {error}", self.url)))?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_http || !url.username().is_empty() || url.password().is_some() {
            let text = "must be an http or https URL without user name and password";
            return Err(problem(text.into()));
        }
        let is_safe = is_https_or_loopback(url.as_str());
        if !is_safe && !self.headers.is_empty() && !self.danger_plain_http {
            let text = "is plain http: who is on the way can read the header fields and the records. \
                        Use https or, where nobody is, set dangerPlainHttp";
            return Err(problem(text.into()));
        }
        if is_safe && self.danger_plain_http {
            let text = "says nothing of an https url or one of this machine; leave it out";
            return Err(ConfigError::new("audit.sinks.dangerPlainHttp", text));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_paths_or_sockets() {
        let address = |text: &str| SyslogConfig { address: text.into(), required: false }.address();
        assert_eq!(address(&dev_log()), Ok(Address::Unix("/dev/log".into())));
        let socket: SocketAddr = "[::1]:514".parse().unwrap();
        assert_eq!(address("udp:[::1]:514"), Ok(Address::Udp(socket)));
        assert_eq!(address("tcp:[::1]:514"), Ok(Address::Tcp(socket)));
        for wrong in ["", "/dev/log", "unix:log", "udp:host:514", "tcp:127.0.0.1", "tls:[::1]:1"] {
            assert_eq!(address(wrong).unwrap_err().setting, "audit.sinks.address", "{wrong}");
        }
        let url = |url: &str| {
            let config: OtlpConfig = serde_json::from_value(json!({ "url": url })).unwrap();
            config.url()
        };
        for right in ["http://127.0.0.1:4318/v1/logs", "http://c:4318/v1/logs", "https://c/"] {
            assert!(url(right).is_ok(), "{right}");
        }
        for wrong in ["", "collector:4318", "grpc://c/", "http://u:p@c/", "http://u@c/"] {
            assert_eq!(url(wrong).unwrap_err().setting, "audit.sinks.url", "{wrong}");
        }
    }

    #[test]
    fn a_collectors_secrets_go_over_plain_http_to_this_machine_only_or_with_danger() {
        let check = |url: &str, danger: bool| {
            let config: OtlpConfig = serde_json::from_value(json!({
                "url": url,
                "headers": { "Authorization": "Bearer secret" },
                "dangerPlainHttp": danger
            }))
            .unwrap();
            config.url().map(drop).map_err(|error| error.to_string())
        };
        for safe in ["https://c/", "http://127.0.0.1:4318/", "http://[::1]/", "http://localhost/"] {
            assert_eq!(check(safe, false), Ok(()), "{safe}");
            let error = check(safe, true).unwrap_err();
            assert!(error.contains("audit.sinks.dangerPlainHttp"), "{error}");
        }
        for open in ["http://c:4318/v1/logs", "http://192.0.2.1/", "HTTP://localhost.example.com/"]
        {
            let error = check(open, false).unwrap_err();
            assert!(error.contains("dangerPlainHttp") && !error.contains("secret"), "{error}");
            assert_eq!(check(open, true), Ok(()), "{open}");
        }
    }
}
