//! Certificates and keys for PKINIT, as OpenSSL writes them.

use std::io::{Error, ErrorKind};
use std::path::Path;

use krb_proto::formats::read_pem;
use krb_proto::pkinit::{SoftwareSigner, TrustAnchors};
use zeroize::Zeroizing;

use super::{failed, read_text};
use crate::ClientError;

/// Neither a certificate with its chain, nor a bundle of CAs, is longer.
const MAX_FILE: u64 = 1 << 20;

/// A certificate with those that lead to its CA, in PEM, and its private key (PKCS #8 in PEM, not
/// encrypted): of a user, for [`ClientSecret::Certificate`](krb_proto::exchange::ClientSecret). Both may
/// be one file.
///
/// # Errors
/// [`ClientError::File`] that says what is wrong with which.
pub async fn read_signer(certificates: &Path, key: &Path) -> Result<SoftwareSigner, ClientError> {
    let chain = blocks(certificates, &["CERTIFICATE"]).await?;
    let chain: Vec<Vec<u8>> = chain.iter().map(|certificate| certificate.to_vec()).collect();
    if chain.is_empty() {
        return Err(invalid(certificates, "it has no certificate in PEM"));
    }
    let keys = blocks(key, &["PRIVATE KEY"]).await?;
    let Some(pkcs8) = keys.first() else {
        let text = "it has no private key in PKCS #8, not encrypted; `openssl pkcs8 -topk8 -nocrypt` \
                    makes one of it";
        return Err(invalid(key, text));
    };
    SoftwareSigner::from_pkcs8(chain, pkcs8).map_err(|error| invalid(key, &error.to_string()))
}

/// CAs in PEM, who say who is a KDC: those in all of these files.
///
/// # Errors
/// [`ClientError::File`].
pub async fn read_anchors<P: AsRef<Path>>(paths: &[P]) -> Result<TrustAnchors, ClientError> {
    let (mut all, mut anchors) = (Vec::new(), TrustAnchors::default());
    for path in paths.iter().map(AsRef::as_ref) {
        let found = blocks(path, &["CERTIFICATE", "TRUSTED CERTIFICATE"]).await?;
        if found.is_empty() {
            return Err(invalid(path, "it has no certificate in PEM"));
        }
        all.extend(found);
        // Here, so that the file is named in which one is wrong.
        let read = TrustAnchors::from_der(all.iter().map(|certificate| certificate.as_slice()));
        anchors = read.map_err(|error| invalid(path, &error.to_string()))?;
    }
    Ok(anchors)
}

async fn blocks(
    path: &Path,
    labels: &'static [&'static str],
) -> Result<Vec<Zeroizing<Vec<u8>>>, ClientError> {
    let file = path.to_owned();
    let read = move || {
        let text = read_text(&file, MAX_FILE)?;
        let malformed = || Error::new(ErrorKind::InvalidData, "it is no PEM");
        read_pem(&text, labels).ok_or_else(malformed)
    };
    let read = tokio::task::spawn_blocking(read).await.map_err(|_| ClientError::Abandoned)?;
    read.map_err(failed(path))
}

fn invalid(path: &Path, text: &str) -> ClientError {
    failed(path)(Error::new(ErrorKind::InvalidData, text))
}
