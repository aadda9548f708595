//! Which certificates are believed: those that the CAs of `network.caFile` signed, or the system's.
//! The file is looked at again while the server runs, so that a CA that is replaced is believed from
//! then on, and one that is withdrawn no more.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ALL_VERSIONS, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::ConfigError;
use crate::watched_file::WatchedFile;

/// Some ten times what browsers believe.
const MAX_FILE: u64 = 4 << 20;

/// What believes certificates.
pub(super) fn verifier(ca_file: Option<&Path>) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
    let unusable = |problem: String| ConfigError::new("network.caFile", problem);
    let provider = Arc::new(default_provider());
    Ok(match ca_file {
        Some(file) => Arc::new(CaFile::open(file, provider).map_err(unusable)?),
        None => Arc::new(
            rustls_platform_verifier::Verifier::new(provider)
                .map_err(|error| unusable(format!("the system has no CAs to believe: {error}")))?,
        ),
    })
}

/// How TLS is spoken with whomever this network reaches: HTTP/1.1 inside, no session taken up again,
/// since with one the certificate is not looked at.
pub(super) fn tls_config(
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, ConfigError> {
    let config = config(verifier, Arc::new(default_provider()), ALL_VERSIONS);
    let mut config =
        config.map_err(|error| ConfigError::new("network.caFile", error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The same with other cryptography, and nothing that is said to be inside.
pub(super) fn config(
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The CAs of a file, as they stand in it now.
#[derive(Debug)]
struct CaFile {
    file: WatchedFile<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl CaFile {
    fn open(path: &Path, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let by = provider.clone();
        let read = move |pem: &[u8]| verifier_of(pem, &by);
        let file = WatchedFile::open(path.to_owned(), "network.caFile", MAX_FILE, read)?;
        Ok(Self { file, provider })
    }
}

fn verifier_of(
    pem: &[u8],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate in PEM".into());
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| error.to_string())
}

impl ServerCertVerifier for CaFile {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.file.current().verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
