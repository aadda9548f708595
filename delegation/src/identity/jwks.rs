//! Where an issuer's key set is found.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{AGE, CACHE_CONTROL, HeaderMap};
use serde::Deserialize;

use super::address::is_https_or_loopback;
use super::config::TrustedIdp;
use super::key_set::KeySet;
use super::keys::{Listed, Source};
use crate::network::Fetch;

/// For each document.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_DOCUMENT: usize = 256 * 1024;

/// An issuer's key set, found as the configuration says.
pub(super) struct Jwks {
    idp: Arc<dyn Fetch>,
    issuer: String,
    discovery_url: String,
    jwks_uri: Option<String>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Jwks {
    pub(super) fn new(config: &TrustedIdp, idp: Arc<dyn Fetch>) -> Self {
        let well_known = "/.well-known/openid-configuration";
        let default = || format!("{}{well_known}", config.issuer.trim_end_matches('/'));
        Self {
            idp,
            issuer: config.issuer.clone(),
            discovery_url: config.discovery_url.clone().unwrap_or_else(default),
            jwks_uri: config.jwks_uri.clone(),
        }
    }

    /// The discovery document, whatever it says.
    pub(super) async fn discovery(&self) -> Result<serde_json::Value, String> {
        let (document, _) = self.get(&self.discovery_url).await?;
        Ok(document)
    }

    /// The key set that a discovery document names, or the configuration in its place.
    pub(super) async fn listed_by(&self, document: &serde_json::Value) -> Result<Listed, String> {
        let uri = match &self.jwks_uri {
            Some(uri) => uri.clone(),
            None => self.uri_of(document)?,
        };
        let (document, fresh) = self.get(&uri).await?;
        Ok(Listed { set: KeySet::new(document), fresh })
    }

    fn uri_of(&self, document: &serde_json::Value) -> Result<String, String> {
        let document = Discovery::deserialize(document)
            .map_err(|error| format!("{}: {error}", self.discovery_url))?;
        // RFC 8414 section 3.3: or somebody's document could name keys for another issuer.
        if document.issuer != self.issuer {
            return Err(format!("{} speaks for another issuer", self.discovery_url));
        }
        if !is_https_or_loopback(&document.jwks_uri) {
            return Err(format!("jwks_uri {} is not https", document.jwks_uri));
        }
        Ok(document.jwks_uri)
    }

    /// A document, and how long it is good for.
    async fn get<T: for<'a> Deserialize<'a>>(
        &self,
        url: &str,
    ) -> Result<(T, Option<Duration>), String> {
        let get = async {
            let request = Request::get(url).body(Bytes::new());
            let request = request.map_err(|error| format!("{url}: {error}"))?;
            let response = self.idp.fetch(request, MAX_DOCUMENT).await?;
            if !response.status().is_success() {
                return Err(format!("{url} answered {}", response.status()));
            }
            let document = serde_json::from_slice(response.body());
            let document = document.map_err(|error| format!("{url}: {error}"))?;
            Ok((document, fresh(response.headers())))
        };
        let in_time = tokio::time::timeout(TIMEOUT, get).await;
        in_time.unwrap_or_else(|_| Err(format!("{url} did not answer in time")))
    }
}

#[async_trait]
impl Source for Jwks {
    async fn fetch(&self) -> Result<Listed, String> {
        let document = match self.jwks_uri {
            Some(_) => serde_json::Value::Null,
            None => self.discovery().await?,
        };
        self.listed_by(&document).await
    }
}

/// How long an answer is good for (RFC 9111 sections 4.2.1 and 5.2.2), if it says so in words that we
/// know.
fn fresh(headers: &HeaderMap) -> Option<Duration> {
    let seconds = |text: &str| text.trim_matches('"').parse::<u64>().ok().map(Duration::from_secs);
    let fields = headers.get_all(CACHE_CONTROL).iter().filter_map(|field| field.to_str().ok());
    let mut fresh = None;
    for directive in fields.flat_map(|field| field.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let this = match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(Duration::ZERO),
            "max-age" => seconds(value.trim()),
            _ => None,
        };
        // Of two, what is safer.
        fresh = this.map(|this| fresh.map_or(this, |fresh: Duration| fresh.min(this))).or(fresh);
    }
    let age = headers.get(AGE).and_then(|age| seconds(age.to_str().ok()?.trim()));
    fresh.map(|fresh| fresh.saturating_sub(age.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_how_long_they_are_good_for() {
        for (fields, age, expected) in [
            (&[][..], None, None),
            (&["public"], None, None),
            (&["max-age=300"], None, Some(300)),
            (&["public, MAX-AGE=300 , must-revalidate"], None, Some(300)),
            (&["max-age=\"300\""], None, Some(300)),
            (&["max-age=300", "max-age=60"], None, Some(60)),
            (&["max-age=300, no-store"], None, Some(0)),
            (&["no-cache"], None, Some(0)),
            (&["s-maxage=300"], None, None),
            (&["max-age=-1"], None, None),
            (&["max-age=99999999999999999999"], None, None),
            (&["max-age=18446744073709551615"], None, Some(u64::MAX)),
            (&["max-age=soon"], None, None),
            (&["max-age=300"], Some("100"), Some(200)),
            (&["max-age=300"], Some("400"), Some(0)),
            (&["max-age=300"], Some("x"), Some(300)),
        ] {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(CACHE_CONTROL, field.parse().unwrap());
            }
            if let Some(age) = age {
                headers.insert(AGE, age.parse().unwrap());
            }
            assert_eq!(fresh(&headers).map(|time| time.as_secs()), expected, "{fields:?} {age:?}");
        }
    }
}
