use std::fmt;

use url::Url;

/// What a request proves its caller with: an access token, and what shows that it is the caller's.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    pub(super) token: &'a str,
    pub(super) proof: Option<SignedRequest<'a>>,
    pub(super) certificate: Option<&'a [u8]>,
}

/// A proof of possession (RFC 9449), and the request that it came with.
#[derive(Clone, Copy)]
pub(super) struct SignedRequest<'a> {
    pub(super) proof: &'a str,
    pub(super) method: &'a str,
    pub(super) url: &'a Url,
}

impl<'a> Presented<'a> {
    /// A token that came with the scheme `Bearer` (RFC 6750).
    #[must_use]
    pub const fn bearer(token: &'a str) -> Self {
        Self { token, proof: None, certificate: None }
    }

    /// A token that came with the scheme `DPoP`, and the proof that came with it (RFC 9449 section
    /// 7.1), in a request with this method to this URL, as the client knows it.
    #[must_use]
    pub const fn dpop(token: &'a str, proof: &'a str, method: &'a str, url: &'a Url) -> Self {
        let proof = Some(SignedRequest { proof, method, url });
        Self { token, proof, certificate: None }
    }

    /// With the certificate (DER) by which the client is known to whoever ended its TLS (RFC 8705).
    #[must_use]
    pub const fn with_certificate(self, certificate: Option<&'a [u8]>) -> Self {
        Self { certificate, ..self }
    }

    /// The token's text.
    #[must_use]
    pub const fn token(&self) -> &'a str {
        self.token
    }
}

/// Shows neither token nor proof.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proof = self.proof.map(|request| format!("{} {}", request.method, request.url));
        let mut shown = f.debug_struct("Presented");
        shown.field("proof", &proof).field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
