use axum::http::{HeaderMap, HeaderName};
use base64ct::{Base64, Encoding};

use super::Unusable;
use crate::config::{AddressRange, ClientCertificateHeader};
use crate::serve::Peer;

/// Where a reverse proxy shows the certificate that its client proved to it: as RFC 9440 has it, or as
/// nginx can write it (`$ssl_client_escaped_cert`).
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
        let certificate = field.to_str().ok().and_then(|field| {
            let field = field.trim_ascii();
            sequence(field).or_else(|| escaped_pem(field)).filter(|found| !found.is_empty())
        });
        let problem = "the client certificate is neither :BASE64: nor PEM with percent-escapes";
        certificate.map(Some).ok_or(Unusable::Malformed(problem))
    }

    /// Nobody else needs it.
    pub(super) fn remove_from(&self, headers: &mut HeaderMap) {
        headers.remove(&self.name);
    }
}

/// A byte sequence of structured fields (RFC 8941 section 3.3.5).
fn sequence(field: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(field.strip_prefix(':')?.strip_suffix(':')?).ok()
}

/// One certificate in PEM, with percent-escapes for what no field holds.
fn escaped_pem(field: &str) -> Option<Vec<u8>> {
    let mut text = String::with_capacity(field.len());
    let mut parts = field.split('%');
    text.push_str(parts.next()?);
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let octet =
            u8::from_str_radix(digits, 16).ok().filter(|octet| is_hex && octet.is_ascii())?;
        text.push(octet.into());
        text.push_str(rest);
    }
    let inner = text.trim_ascii().strip_prefix("-----BEGIN CERTIFICATE-----")?;
    let inner = inner.strip_suffix("-----END CERTIFICATE-----")?;
    Base64::decode_vec(&inner.split_ascii_whitespace().collect::<String>()).ok()
}
