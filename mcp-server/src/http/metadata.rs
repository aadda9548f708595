//! The protected resource's metadata (RFC 9728), which every challenge points to.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use krb_delegation::identity::DPOP_ALGORITHMS;
use serde::Serialize;
use url::Url;

use super::MCP_PATH;
use crate::config::ServerConfig;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document (RFC 9728 section 2), the same for everybody.
#[derive(Serialize)]
pub(super) struct Metadata {
    resource: String,
    #[serde(skip)]
    url: Url,
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    dpop_signing_alg_values_supported: [&'static str; DPOP_ALGORITHMS.len()],
    /// Where nobody shows us certificates, a token that is bound to one is refused.
    tls_client_certificate_bound_access_tokens: bool,
    resource_name: &'static str,
}

impl Metadata {
    pub(super) fn new(config: &ServerConfig, issuers: Vec<String>) -> Self {
        Self {
            resource: config.public_url.as_str().to_owned(),
            url: config.public_url.url().clone(),
            authorization_servers: issuers,
            scopes_supported: config.scopes.clone(),
            bearer_methods_supported: ["header"],
            dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
            tls_client_certificate_bound_access_tokens: config.client_certificate_header.is_some(),
            resource_name: "krb-mcp: file shares and web applications as the calling user",
        }
    }

    /// The document's public URL: the well-known part stands between host and path (RFC 9728
    /// section 3.1).
    pub(super) fn url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path(&well_known(self.url.path()));
        url
    }

    /// Where it is served: at its public path, at the one for `/mcp`, and at the root, where some
    /// clients look.
    pub(super) fn paths(&self) -> BTreeSet<String> {
        [self.url.path(), MCP_PATH, "/"].into_iter().map(well_known).collect()
    }

    /// `scope` for a challenge: what a client should ask for.
    pub(super) fn scope(&self) -> Option<String> {
        (!self.scopes_supported.is_empty()).then(|| self.scopes_supported.join(" "))
    }

    /// The answer, made once: whoever asks for it costs next to nothing. Open to scripts of any
    /// origin: it holds nothing secret, and browsers' clients need it.
    pub(super) fn answer(&self) -> impl Fn() -> Response + Clone + Send + Sync + 'static {
        // Strings and lists of strings are always JSON.
        let body = Bytes::from(serde_json::to_vec(self).unwrap_or_default());
        move || {
            let headers = [
                (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
                (CACHE_CONTROL, "public, max-age=3600"),
                (CONTENT_TYPE, "application/json"),
            ];
            (headers, body.clone()).into_response()
        }
    }
}

fn well_known(path: &str) -> String {
    format!("{WELL_KNOWN}{}", path.trim_end_matches('/'))
}
