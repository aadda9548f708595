//! Which certificates are believed: those that the CAs of `network.caFile` signed, or the system's.
//! The file is looked at again while the server runs, so that a CA that is replaced is believed from
//! then on, and one that is withdrawn no more.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_client::files::read_text;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::time::Instant;

use crate::ConfigError;

/// How old what was read of the file may be when a connection is made.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Some ten times what browsers believe.
const MAX_FILE: u64 = 4 << 20;

/// How TLS is spoken with whomever this network reaches: HTTP/1.1 inside, no session taken up again,
/// since with one the certificate is not looked at.
pub(super) fn tls_config(ca_file: Option<&Path>) -> Result<ClientConfig, ConfigError> {
    let unusable = |problem: String| ConfigError::new("network.caFile", problem);
    let provider = Arc::new(default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match ca_file {
        Some(file) => Arc::new(CaFile::open(file, provider.clone()).map_err(unusable)?),
        None => Arc::new(
            rustls_platform_verifier::Verifier::new(provider.clone())
                .map_err(|error| unusable(format!("the system has no CAs to believe: {error}")))?,
        ),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The CAs of a file, as they stand in it now.
#[derive(Debug)]
struct CaFile {
    path: PathBuf,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

/// What was read last.
#[derive(Debug)]
struct Seen {
    at: Instant,
    /// The last look found nothing to read, and it was said.
    is_missed: bool,
    content: Vec<u8>,
    /// Of the last content that could be used.
    verifier: Arc<WebPkiServerVerifier>,
}

impl CaFile {
    fn open(path: &Path, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let problem = |problem: String| format!("{}: {problem}", path.display());
        let content = read(path).map_err(problem)?;
        let verifier = verifier(&content, &provider).map_err(problem)?;
        let seen = Mutex::new(Seen { at: Instant::now(), is_missed: false, content, verifier });
        Ok(Self { path: path.to_owned(), provider, seen })
    }

    fn current(&self) -> Arc<WebPkiServerVerifier> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() >= LOOK_AGAIN {
            self.look(&mut seen);
        }
        seen.verifier.clone()
    }

    /// What is half written or cannot be read changes nothing until it can be used.
    fn look(&self, seen: &mut Seen) {
        seen.at = Instant::now();
        let file = self.path.display();
        let content = match is_file(&self.path).and_then(|()| read(&self.path)) {
            Ok(content) => content,
            Err(problem) => {
                if !std::mem::replace(&mut seen.is_missed, true) {
                    tracing::warn!(
                        %file, problem, "the CA file cannot be read; what stood in it is believed"
                    );
                }
                return;
            }
        };
        seen.is_missed = false;
        if content == seen.content {
            return;
        }
        match verifier(&content, &self.provider) {
            Ok(verifier) => {
                seen.verifier = verifier;
                tracing::info!(%file, "the CA file has changed and is used");
            }
            Err(problem) => {
                tracing::warn!(%file, problem, "the CA file is no good; what stood in it is believed");
            }
        }
        seen.content = content;
    }
}

/// PEM as Windows' editors write it, too: behind a byte order mark the first certificate would not
/// be found. What is between the certificates may be in any other encoding.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    match read_text(path, MAX_FILE) {
        Ok(text) => return Ok(text.as_bytes().to_vec()),
        Err(error) if error.kind() == ErrorKind::InvalidData => {}
        Err(error) => return Err(error.to_string()),
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if content.len() as u64 > MAX_FILE {
        return Err(format!("it is larger than {MAX_FILE} bytes"));
    }
    Ok(content)
}

/// Reading a pipe would wait for its writer, and every connection for that.
fn is_file(path: &Path) -> Result<(), String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_file() { Ok(()) } else { Err("it is no file".into()) }
}

fn verifier(
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
        self.current().verify_server_cert(
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
