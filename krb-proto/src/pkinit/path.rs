//! Is there a path from a certificate to an anchor (RFC 5280 section 6)?

use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;

use super::certificate::{Certificate, CertificateError};
use crate::KerberosTime;

/// The most CAs between a KDC's certificate and an anchor.
pub const MAX_INTERMEDIATES: usize = 6;

/// The most signatures that are verified in search of a path: a peer may send certificates that all
/// bear one name.
const MAX_SIGNATURES: usize = 32;

/// The CAs that the caller trusts to say who is a KDC. A KDC's own certificate may stand here too:
/// then it is trusted as it is.
#[derive(Debug, Default)]
pub struct TrustAnchors(Vec<Certificate>);

impl TrustAnchors {
    /// Reads certificates, each its DER.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_der<C: AsRef<[u8]>>(
        certificates: impl IntoIterator<Item = C>,
    ) -> Result<Self, CertificateError> {
        certificates
            .into_iter()
            .map(|der| Certificate::from_der(der.as_ref()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter()
    }
}

/// Why a certificate is not trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PathError {
    /// It is not valid at this time.
    Validity,
    /// No valid path of at most [`MAX_INTERMEDIATES`] CAs leads to an anchor.
    NoPath,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Validity => "the certificate has expired or is not valid yet",
            Self::NoPath => "no certificate path leads to a trusted CA",
        })
    }
}

impl core::error::Error for PathError {}

struct Search<'a> {
    pool: &'a [Certificate],
    anchors: &'a TrustAnchors,
    now: KerberosTime,
    signatures: Cell<usize>,
}

/// Looks for a path from `leaf` over certificates of the pool to an anchor. What was revoked is not
/// known here.
pub(super) fn verify(
    leaf: &Certificate,
    pool: &[Certificate],
    anchors: &TrustAnchors,
    now: KerberosTime,
) -> Result<(), PathError> {
    if !leaf.valid_at(now) {
        return Err(PathError::Validity);
    }
    let pinned = anchors.0.iter().any(|anchor| anchor.der() == leaf.der());
    let search = Search { pool, anchors, now, signatures: Cell::new(MAX_SIGNATURES) };
    if pinned || search.leads_to_anchor(leaf, 0, 0) { Ok(()) } else { Err(PathError::NoPath) }
}

impl Search<'_> {
    /// `depth` counts the CAs so far, `below` those that a path length constraint counts.
    fn leads_to_anchor(&self, child: &Certificate, depth: usize, below: usize) -> bool {
        if self.anchors.0.iter().any(|anchor| self.issued(anchor, child, below)) {
            return true;
        }
        depth < MAX_INTERMEDIATES
            && self.pool.iter().any(|issuer| {
                let counted = below + usize::from(!issuer.is_self_issued());
                self.issued(issuer, child, below)
                    && self.leads_to_anchor(issuer, depth + 1, counted)
            })
    }

    fn issued(&self, issuer: &Certificate, child: &Certificate, below: usize) -> bool {
        issuer.subject() == child.issuer()
            && issuer.valid_at(self.now)
            && issuer.may_certify(below)
            && self.may_verify_another()
            && child.is_signed_by(issuer)
    }

    fn may_verify_another(&self) -> bool {
        let left = self.signatures.get();
        self.signatures.set(left.saturating_sub(1));
        left > 0
    }
}
