use std::net::SocketAddr;

use serde::Serialize;

/// Where everything is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Addresses {
    pub(super) realm: &'static str,
    pub(super) kdc: SocketAddr,
    pub(super) identity_provider: String,
    /// As its service knows it.
    pub(super) web_application: String,
    /// The page that tells the story.
    pub(super) page: String,
    pub(super) mcp: String,
    #[serde(skip)]
    pub(super) mcp_address: SocketAddr,
    #[serde(skip)]
    pub(super) web_port: u16,
}
