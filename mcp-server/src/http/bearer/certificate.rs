use axum::http::{HeaderMap, HeaderName};
use base64ct::{Base64, Encoding};

use super::Unusable;
use crate::config::{AddressRange, ClientCertificateHeader};
use crate::serve::Peer;

/// Where a reverse proxy shows the certificate that its client proved to it (RFC 9440).
pub(super) struct Certificates {
    name: HeaderName,
    from: Vec<AddressRange>,
}

impl Certificates {
    /// `None` if the name is none, which the configuration does not take.
    pub(super) fn new(config: &ClientCertificateHeader) -> Option<Self> {
        let name = HeaderName::from_bytes(config.name.as_bytes()).ok()?;
        Some(Self { name, from: config.from.clone() })
    }

    /// The certificate in DER, if the connection is a reverse proxy's. What comes from anybody else
    /// is not looked at.
    pub(super) fn read(
        &self,
        headers: &HeaderMap,
        peer: Option<Peer>,
    ) -> Result<Option<Vec<u8>>, Unusable> {
        if !peer.is_some_and(|peer| self.from.iter().any(|from| from.contains(peer.0))) {
            return Ok(None);
        }
        let mut fields = headers.get_all(&self.name).iter();
        let Some(field) = fields.next() else { return Ok(None) };
        if fields.next().is_some() {
            let problem =
                "more than one client certificate: does the proxy take away its clients'?";
            return Err(Unusable::Malformed(problem));
        }
        // A byte sequence of structured fields (RFC 8941 section 3.3.5).
        let inner = |field: &str| {
            let inner = field.trim_ascii().strip_prefix(':')?.strip_suffix(':')?;
            Base64::decode_vec(inner).ok().filter(|certificate| !certificate.is_empty())
        };
        let certificate = field.to_str().ok().and_then(inner);
        certificate.map(Some).ok_or(Unusable::Malformed("the client certificate is not :BASE64:"))
    }

    /// Nobody else needs it.
    pub(super) fn remove_from(&self, headers: &mut HeaderMap) {
        headers.remove(&self.name);
    }
}
