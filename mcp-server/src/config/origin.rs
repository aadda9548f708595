//! Origins of web pages (RFC 6454), as browsers send them.

use std::str::FromStr;

use axum::http::HeaderValue;
use axum::http::uri::Authority;
use serde::Deserialize;
use url::{Host, Url};

/// An http or https origin. The port may be left out where it is the scheme's own, as browsers
/// leave it out: `https://app.example.com` and `https://app.example.com:443` are one.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// A text that is no http or https origin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not scheme://host or scheme://host:port, for example https://app.example.com")]
pub struct NoOrigin(String);

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let origin = || {
            let (scheme, rest) = text.split_once("://")?;
            let scheme = scheme.to_ascii_lowercase();
            let own = match scheme.as_str() {
                "http" => 80,
                "https" => 443,
                _ => return None,
            };
            if !is_authority(rest) {
                return None;
            }
            let authority = rest.parse::<Authority>().ok()?;
            let host = authority.host().to_ascii_lowercase();
            // A colon without a number behind it, or with more than a port has.
            let port = match rest.get(host.len()..) {
                Some("") => own,
                _ => authority.port_u16()?,
            };
            Some(Self { scheme, host, port })
        };
        origin().ok_or_else(|| NoOrigin(text.to_owned()))
    }
}

impl TryFrom<String> for Origin {
    type Error = NoOrigin;

    fn try_from(text: String) -> Result<Self, NoOrigin> {
        text.parse()
    }
}

impl Origin {
    /// Whether its page came from this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host.parse::<std::net::IpAddr>()
            .map_or_else(|_| is_local_name(host), |address| address.is_loopback())
    }
}

/// Whether a URL's host is this machine, whichever machine it is read on.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_local_name(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

// RFC 6761 section 6.3.
fn is_local_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

pub(super) fn is_authority(text: &str) -> bool {
    !text.contains('@') && HeaderValue::from_str(text).is_ok() && text.parse::<Authority>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn a_port_may_be_left_out_where_it_is_the_schemes_own() {
        assert_eq!(origin("https://app.example.com"), origin("HTTPS://App.example.com:443"));
        assert_eq!(origin("http://app.example.com"), origin("http://app.example.com:80"));
        for other in ["http://app.example.com", "https://app.example.com:444", "https://b:443"] {
            assert_ne!(origin("https://app.example.com"), origin(other));
        }
        for bad in [
            "",
            "null",
            "app.example.com",
            "ftp://a:1",
            "https://",
            "https://a:1/x",
            "https://a/",
            "https://u@a",
            "https://a:",
            "https://a:65536",
            "https://a b",
            "https://a?x",
            "file://",
            "https://a, https://b",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn pages_of_this_machine_are_known() {
        for text in [
            "http://localhost",
            "http://localhost:6274",
            "https://app.localhost:1",
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:8080",
        ] {
            assert!(origin(text).is_loopback(), "{text}");
        }
        for text in [
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "http://notlocalhost",
            "http://[::2]",
            "http://0.0.0.0",
        ] {
            assert!(!origin(text).is_loopback(), "{text}");
        }
    }
}
