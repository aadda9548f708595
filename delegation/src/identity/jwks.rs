//! Where an issuer's key set is found.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::Request;
use hyper::body::Bytes;
use serde::Deserialize;

use super::config::{TrustedIdp, is_https_or_loopback};
use super::key_set::KeySet;
use super::keys::Source;
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

    async fn get<T: for<'a> Deserialize<'a>>(&self, url: &str) -> Result<T, String> {
        let get = async {
            let request = Request::get(url).body(Bytes::new());
            let request = request.map_err(|error| format!("{url}: {error}"))?;
            let response = self.idp.fetch(request, MAX_DOCUMENT).await?;
            if !response.status().is_success() {
                return Err(format!("{url} answered {}", response.status()));
            }
            serde_json::from_slice(response.body()).map_err(|error| format!("{url}: {error}"))
        };
        let in_time = tokio::time::timeout(TIMEOUT, get).await;
        in_time.unwrap_or_else(|_| Err(format!("{url} did not answer in time")))
    }
}

#[async_trait]
impl Source for Jwks {
    async fn fetch(&self) -> Result<KeySet, String> {
        let uri = match &self.jwks_uri {
            Some(uri) => uri.clone(),
            None => {
                let document: Discovery = self.get(&self.discovery_url).await?;
                // RFC 8414 section 3.3: or somebody's document could name keys for another issuer.
                if document.issuer != self.issuer {
                    return Err(format!("{} speaks for another issuer", self.discovery_url));
                }
                if !is_https_or_loopback(&document.jwks_uri) {
                    return Err(format!("jwks_uri {} is not https", document.jwks_uri));
                }
                document.jwks_uri
            }
        };
        self.get(&uri).await.map(KeySet::new)
    }
}
