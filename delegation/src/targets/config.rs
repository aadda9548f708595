//! The `targets` section of the configuration, and what must be true of it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Endpoint, Target, fold, headers, web};
use crate::ConfigError;

/// One entry of `targets`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum TargetConfig {
    /// `{"kind": "smb", …}`: shares of one file server.
    #[serde(rename_all = "camelCase")]
    Smb {
        /// Unique name: letters, digits, `.`, `_`, `-`.
        name: String,
        /// Host to connect to.
        host: String,
        /// TCP port.
        #[serde(default = "smb_port")]
        port: u16,
        /// SPN of the service, normally `cifs/HOST`.
        spn: String,
        /// Hosts by which users may call it in a UNC path.
        names: Vec<String>,
        /// Shares that may be used.
        shares: Vec<String>,
    },
    /// `{"kind": "http", …}`: one web application.
    #[serde(rename_all = "camelCase")]
    Http {
        /// Unique name: letters, digits, `.`, `_`, `-`.
        name: String,
        /// Origin and base path; requests stay under it.
        url: String,
        /// SPN of the service, normally `HTTP/HOST`.
        spn: String,
        /// Other hosts by which users may call it; requests still go to the host of `url`.
        #[serde(default)]
        names: Vec<String>,
        /// `url` may be plain `http`: on the way everybody can read what is sent and said, and
        /// change the request line and the body that the user's ticket stands beside.
        #[serde(default)]
        danger_plain_http: bool,
        /// Header fields that callers may set beside the common ones that speak of content. None by
        /// which applications are told who came.
        #[serde(default)]
        allow_headers: Vec<String>,
    },
}

const MAX_ALLOWED_HEADERS: usize = 50;

const fn smb_port() -> u16 {
    445
}

impl TargetConfig {
    /// The target that it describes. `setting` says where it stands in the configuration.
    pub(super) fn check(self, setting: &str) -> Result<Target, ConfigError> {
        let error = |field: &str, problem: &str| {
            Err(ConfigError::new(format!("{setting}.{field}"), problem.to_owned()))
        };
        let (name, spn, mut names) = match &self {
            Self::Smb { name, spn, names, .. } | Self::Http { name, spn, names, .. } => {
                (name.clone(), spn.clone(), names.clone())
            }
        };
        if !is_plain_name(&name) {
            return error("name", "must be 1 to 64 letters, digits, '.', '_' or '-'");
        }
        if !is_spn(&spn) {
            return error(
                "spn",
                "must be service/host or service/host:port in ASCII, without a realm, \
                 for example cifs/files.example.com",
            );
        }
        if !names.iter().all(|host| is_host(host)) {
            return error("names", "must be host names: letters, digits, '.' and '-'");
        }
        let endpoint = match self {
            Self::Smb { host, port, shares, .. } => {
                if !is_host(&host) {
                    return error("host", "must be a host name or an IPv4 address");
                }
                if port == 0 {
                    return error("port", "must be 1 to 65535");
                }
                if names.is_empty() {
                    return error("names", "must list the hosts by which users may call it");
                }
                if shares.is_empty() {
                    return error("shares", "must list the shares that may be used");
                }
                if !shares.iter().all(|share| is_share(share)) {
                    return error(
                        "shares",
                        "must be share names of 1 to 80 characters without \\ / [ ] : | < > + = ; \
                         , ? * \" or control characters; IPC$ is no file share",
                    );
                }
                Endpoint::Smb { host, port, shares }
            }
            Self::Http { url, danger_plain_http, allow_headers, .. } => {
                let base = web::parse_base(&url)
                    .map_err(|problem| ConfigError::new(format!("{setting}.url"), problem))?;
                match (base.scheme(), danger_plain_http) {
                    ("http", false) => {
                        return error(
                            "url",
                            "is plain http: who is on the way can read and change requests and \
                             answers. Use https or, where nobody is, set dangerPlainHttp",
                        );
                    }
                    ("https", true) => {
                        return error(
                            "dangerPlainHttp",
                            "says nothing of an https url; leave it out",
                        );
                    }
                    _ => {}
                }
                if allow_headers.len() > MAX_ALLOWED_HEADERS {
                    return error("allowHeaders", "must be at most 50 names");
                }
                for header in &allow_headers {
                    if let Err(problem) = headers::check_allowed(header) {
                        return error("allowHeaders", &format!("{problem} ({header:?})"));
                    }
                }
                names.extend(base.host_str().map(str::to_owned));
                Endpoint::Http { base, allow_headers }
            }
        };
        Ok(Target { name, spn, endpoint, names })
    }
}

/// Refuses two targets of one name, or that the same address would name.
pub(super) fn check_distinct(setting: &str, new: &Target, old: &Target) -> Result<(), ConfigError> {
    let name = &old.name;
    if new.name.eq_ignore_ascii_case(name) {
        return Err(ConfigError::new(
            format!("{setting}.name"),
            format!("{name} is already the name of another target (letter case does not count)"),
        ));
    }
    if !new.names.iter().any(|host| old.answers_to(host)) {
        return Ok(());
    }
    match (&new.endpoint, &old.endpoint) {
        (Endpoint::Smb { shares: new, .. }, Endpoint::Smb { shares: old, .. }) => {
            let shared = |share: &&String| old.iter().any(|s| fold(s) == fold(share));
            match new.iter().find(shared) {
                Some(share) => Err(ConfigError::new(
                    format!("{setting}.shares"),
                    format!("{share} already belongs to target {name} under the same host"),
                )),
                None => Ok(()),
            }
        }
        (Endpoint::Http { base: new, .. }, Endpoint::Http { base: old, .. })
            if new.scheme() == old.scheme()
                && new.port_or_known_default() == old.port_or_known_default()
                && web::overlap(old, new) =>
        {
            Err(ConfigError::new(
                format!("{setting}.url"),
                format!("overlaps with target {name}: one base path lies within the other"),
            ))
        }
        _ => Ok(()),
    }
}

fn is_plain_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// A DNS name, a NetBIOS name or an IPv4 address.
pub(super) fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        })
}

// MS-FSCC section 2.1.6 gives the characters that a share name may not have.
fn is_share(text: &str) -> bool {
    (1..=80).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_control() || "\\/[]:|<>+=;,?*\"".contains(c))
        && !matches!(text, "." | "..")
        && !text.eq_ignore_ascii_case("IPC$")
}

fn is_spn(text: &str) -> bool {
    let Some((service, instance)) = text.split_once('/') else { return false };
    let (host, port) = match instance.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (instance, None),
    };
    is_plain_name(service)
        && is_host(host)
        && port.is_none_or(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p != 0)
        })
}
