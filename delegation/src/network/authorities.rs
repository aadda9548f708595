//! Which certificates are believed: those that the CAs of `network.caFile` signed, or the system's.
//! The file is looked at again while the server runs, so that a CA that is replaced is believed from
//! then on, and one that is withdrawn no more.

use std::env;
use std::path::{Path, PathBuf};
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
use crate::followed::{Followed, Place, is_file};

/// Some ten times what browsers believe.
const MAX_FILE: u64 = 4 << 20;

/// What believes certificates; and the file behind it, if there is one.
type Believes = (Arc<dyn ServerCertVerifier>, Option<Arc<CaFile>>);

/// What believes certificates.
pub(super) fn verifier(ca_file: Option<&Path>) -> Result<Believes, ConfigError> {
    let unusable = |problem: String| ConfigError::new("network.caFile", problem);
    let provider = Arc::new(default_provider());
    let followed = match (ca_file, system_bundle()) {
        (Some(file), _) => Some(CaFile::open(file, Reading::Strict, provider.clone())),
        (None, Some(file)) => Some(CaFile::open(&file, Reading::Lenient, provider.clone())),
        (None, None) => None,
    };
    let followed = followed.transpose().map_err(unusable)?.map(Arc::new);
    let verifier: Arc<dyn ServerCertVerifier> = match &followed {
        Some(file) => file.clone(),
        None => Arc::new(
            rustls_platform_verifier::Verifier::new(provider)
                .map_err(|error| unusable(format!("the system has no CAs to believe: {error}")))?,
        ),
    };
    Ok((verifier, followed))
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

/// The file with all CAs of the system, where it has one: it is what `SSL_CERT_FILE` says, or where the
/// common distributions have it. Libraries that look for both read the folder beside it as well, where
/// each stands twice more, and which is what the file is made of.
fn system_bundle() -> Option<PathBuf> {
    const BUNDLES: [&str; 4] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    if cfg!(not(target_os = "linux")) {
        return None;
    }
    let said = |name| env::var_os(name).filter(|value| !value.is_empty());
    let file = match said("SSL_CERT_FILE") {
        Some(file) => PathBuf::from(file),
        None => BUNDLES.iter().map(PathBuf::from).find(|file| is_file(file).is_ok())?,
    };
    // Another folder than the one beside it holds others.
    let folder = said("SSL_CERT_DIR");
    folder.is_none_or(|folder| file.parent() == Some(Path::new(&folder))).then_some(file)
}

/// Whether a certificate that cannot be used spoils a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    /// It does: somebody meant it.
    Strict,
    /// It is passed over: a system has many.
    Lenient,
}

/// The CAs of a file, as they stand in it now.
#[derive(Debug)]
pub(super) struct CaFile {
    file: Followed<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl CaFile {
    fn open(path: &Path, reading: Reading, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let by = provider.clone();
        let read = move |pem: &str| verifier_of(pem.as_bytes(), reading, &by);
        let place = Place::Certificates(path.to_owned(), MAX_FILE);
        let file = Followed::open("network.caFile".into(), place, read)?;
        Ok(Self { file, provider })
    }

    /// Looks at the file, if it is time: TLS itself cannot wait for that.
    pub(super) async fn look(&self) {
        self.file.current().await;
    }

    /// The setting, and what is wrong with what stands there now, if that is not what is believed.
    pub(super) async fn trouble(&self) -> (String, Option<String>) {
        self.file.trouble().await
    }
}

fn verifier_of(
    pem: &[u8],
    reading: Reading,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        if reading == Reading::Strict {
            added?;
        }
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
        self.file.latest().verify_server_cert(
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
