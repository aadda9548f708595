//! TLS, in front of TDS 8 or inside of TDS 7.

use std::io::Result;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use krb_client::proto::gss::ChannelBindings;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::packet::wrong;
use super::transcript::{Secrets, Transcript};
use super::wrapped::Wrapped;

const ALPN: &[u8] = b"tds/8.0";

pub(super) struct Server {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    strict: bool,
}

/// A connection, and what was agreed on.
pub(super) struct Secured {
    pub(super) stream: TlsStream<Wrapped<TcpStream>>,
    pub(super) protocol: String,
    pub(super) alpn: Option<String>,
    /// `tls-unique`, of TLS 1.2.
    pub(super) bindings: Option<ChannelBindings>,
}

impl Server {
    pub(super) fn new(certificate: &Path, key: &Path, strict: bool) -> Self {
        let certificates = CertificateDer::pem_file_iter(certificate).expect("certificates");
        let certificates = certificates.collect::<std::result::Result<_, _>>().expect("PEM");
        let key = PrivateKeyDer::from_pem_file(key).expect("a key");
        Self { certificates, key, strict }
    }

    pub(super) async fn accept(&self, socket: TcpStream) -> Result<Secured> {
        // SQL Server knows TLS 1.3 under TDS 8 alone.
        let versions = if self.strict { &[&TLS12, &TLS13][..] } else { &[&TLS12] };
        let secrets = Arc::new(Secrets::default());
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .and_then(|config| {
                let config = config.with_no_client_auth();
                config.with_single_cert(self.certificates.clone(), self.key.clone_key())
            })
            .expect("a certificate");
        config.key_log = secrets.clone();
        if self.strict {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        let bare = Arc::new(AtomicBool::new(self.strict));
        let transcript = Transcript::default();
        let stream = Wrapped::new(socket, bare.clone(), transcript.clone());
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
        bare.store(true, Ordering::SeqCst);
        let session = stream.get_ref().1;
        let alpn = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        if self.strict && alpn.is_none() {
            return Err(wrong("TDS 8 without ALPN tds/8.0"));
        }
        let protocol = format!("{:?}", session.protocol_version().expect("agreed"));
        let suite = session.negotiated_cipher_suite().expect("agreed");
        let bindings = transcript
            .tls_unique(&secrets, format!("{:?}", suite.suite()).ends_with("SHA384"))
            .map(|finished| ChannelBindings::tls_unique(&finished));
        Ok(Secured { stream, protocol, alpn, bindings })
    }
}
