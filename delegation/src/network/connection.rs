//! An HTTP/1.1 connection for one request, which shows the server's certificate before the request
//! is written: a ticket that is bound to the TLS channel needs it (RFC 5929).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use krb_client::ResolveError;
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS12;
use rustls::{ALL_VERSIONS, ClientConfig};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use super::unique::{self, Finished};
use super::{Network, Stream, authorities};

/// How long one address may take to connect and to finish TLS; a host may have further ones.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Of an answer's head.
const MAX_HEAD: usize = 128 << 10;
const MAX_HEAD_FIELDS: usize = 100;

/// No connection came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The host has no address.
    #[error("{0}")]
    Unresolved(#[from] ResolveError),
    /// No address answers.
    #[error("{0}")]
    Unreachable(std::io::Error),
    /// The server's certificate is not believed, or is another host's.
    #[error("{0}")]
    Untrusted(rustls::Error),
}

/// A connection for one request. It closes with its value.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    certificate: Option<Vec<u8>>,
    driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Network {
    /// Connects to the host of a URL; with TLS if it is an `https` one.
    pub(crate) async fn connect(&self, url: &Url) -> Result<Connection, ConnectError> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let tls = url.scheme() == "https";
        self.race(host, port, |address| self.open(address, host, tls)).await
    }

    /// A stream to a host that speaks another protocol; with TLS if so said.
    pub(crate) async fn stream(
        &self,
        host: &str,
        port: u16,
        tls: bool,
    ) -> Result<Box<dyn Stream>, ConnectError> {
        let connect = |address| async move {
            self.connect.connect(address).await.map_err(ConnectError::Unreachable)
        };
        let socket = self.race(host, port, connect).await?;
        if !tls {
            return Ok(socket);
        }
        Ok(Box::new(self.handshake(host, socket, self.tls.clone()).await?))
    }

    /// TLS over a stream that began with something else, for a protocol that has a name in TLS (ALPN),
    /// with a certificate of ours if the server asks for one.
    pub(crate) async fn secure(
        &self,
        host: &str,
        stream: Box<dyn Stream>,
        protocol: &[u8],
        own: Option<Arc<CertifiedKey>>,
    ) -> Result<TlsStream<Box<dyn Stream>>, ConnectError> {
        let mut config = ClientConfig::clone(&self.tls);
        config.alpn_protocols = vec![protocol.to_vec()];
        if let Some(own) = own {
            config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(own));
        }
        self.handshake(host, stream, Arc::new(config)).await
    }

    /// TLS over a stream, and what binds a login to it (`tls-unique`), which there is of TLS 1.2 alone:
    /// no other version is spoken where the protocol has no name in TLS.
    pub(crate) async fn overheard<S: Stream>(
        &self,
        host: &str,
        stream: S,
        protocol: Option<&[u8]>,
    ) -> Result<(TlsStream<S>, Option<Finished>), ConnectError> {
        let versions = if protocol.is_some() { ALL_VERSIONS } else { &[&TLS12] };
        let config = authorities::config(self.verifier.clone(), unique::provider(), versions);
        let other = |error| ConnectError::Unreachable(std::io::Error::other(error));
        let mut config = config.map_err(other)?;
        config.alpn_protocols = protocol.map(<[u8]>::to_vec).into_iter().collect();
        let handshake = self.handshake(host, stream, Arc::new(config));
        let (tls, finished) = unique::overhear(timeout(CONNECT_TIME, handshake)).await;
        let tls =
            tls.map_err(|_| ConnectError::Unreachable(std::io::ErrorKind::TimedOut.into()))?;
        Ok((tls?, finished))
    }

    async fn open(
        &self,
        address: SocketAddr,
        host: &str,
        tls: bool,
    ) -> Result<Connection, ConnectError> {
        let socket = self.connect.connect(address).await.map_err(ConnectError::Unreachable)?;
        if !tls {
            return connection(socket, None).await;
        }
        let stream = self.handshake(host, socket, self.tls.clone()).await?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = certificates.first().map(|certificate| certificate.to_vec());
        connection(stream, certificate).await
    }
}

impl Network {
    /// TLS over a stream, with a server whose certificate is this host's by a CA that is believed now:
    /// all of it but the HTTP client's begins here.
    async fn handshake<S: Stream>(
        &self,
        host: &str,
        stream: S,
        config: Arc<ClientConfig>,
    ) -> Result<TlsStream<S>, ConnectError> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| ConnectError::Unreachable(std::io::Error::other(error)))?;
        if let Some(file) = &self.ca_file {
            file.look().await;
        }
        TlsConnector::from(config).connect(name, stream).await.map_err(untrusted)
    }
}

/// What it means that TLS did not come about.
fn untrusted(error: std::io::Error) -> ConnectError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(error @ rustls::Error::InvalidCertificate(_)) => {
            ConnectError::Untrusted(error.clone())
        }
        _ => ConnectError::Unreachable(error),
    }
}

async fn connection(
    stream: impl Stream + 'static,
    certificate: Option<Vec<u8>>,
) -> Result<Connection, ConnectError> {
    let (sender, driver) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEAD_FIELDS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| ConnectError::Unreachable(std::io::Error::other(error)))?;
    // How it ends is what the request's answer or error says.
    let driver = tokio::spawn(async move {
        let _ = driver.await;
    });
    Ok(Connection { sender, certificate, driver: driver.abort_handle() })
}

impl Connection {
    /// The server's certificate, DER; `None` without TLS.
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Sends the one request. Its answer's body comes over the connection, which must live as long.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request).await
    }
}
