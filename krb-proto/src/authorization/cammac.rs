use alloc::vec::Vec;

use super::AuthorizationError;
use crate::asn1::{
    AdCammac, AuthorizationData, AuthorizationDataElement, Checksum, EncTicketPart, VerifierMac,
};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, List, UInt32};
use crate::iana::{AdType, KeyUsage};

/// The DER of a CAMMAC around `elements` with a verifier each for the KDC and for the service
/// (RFC 7751 section 3), wrapped in an AD-IF-RELEVANT element's contents. `krbtgt` is the local
/// TGS's key and its version.
///
/// The KDC's verifier is a MAC over `ticket` with `elements` for its authorization data, so the
/// elements cannot be moved to another ticket; `ticket`'s own authorization data do not matter.
#[must_use]
pub fn make_cammac(
    elements: AuthorizationData<'_>,
    ticket: &EncTicketPart<'_>,
    krbtgt: (&Key, u32),
    service: &Key,
) -> Vec<u8> {
    let (krbtgt, kvno) = krbtgt;
    let kdc_mac = krbtgt.checksum(KeyUsage::CAMMAC, &kdc_input(&elements, ticket));
    let service_mac = service.checksum(KeyUsage::CAMMAC, &der::encode(&elements));
    let verifier = |key: &Key, kvno, checksum| VerifierMac {
        identifier: None,
        kvno,
        enctype: None,
        mac: Checksum { cksumtype: key.checksum_type(), checksum },
    };
    let cammac = der::encode(&AdCammac {
        elements,
        kdc_verifier: Some(verifier(krbtgt, Some(UInt32::new(kvno)), &kdc_mac)),
        svc_verifier: Some(verifier(service, None, &service_mac)),
        other_verifiers: None,
    });
    der::encode(&List::of(&[AuthorizationDataElement {
        ad_type: AdType::CAMMAC,
        ad_data: &cammac,
    }]))
}

/// The elements, if the verifier for the service holds with its key.
///
/// # Errors
/// [`AuthorizationError`].
pub fn verify_cammac_as_service<'a>(
    cammac: &AdCammac<'a>,
    service: &Key,
) -> Result<AuthorizationData<'a>, AuthorizationError> {
    let verifier = cammac.svc_verifier.ok_or(AuthorizationError::NoVerifier)?;
    verify(&verifier, service, &der::encode(&cammac.elements))?;
    Ok(cammac.elements)
}

/// The elements, if the verifier for the KDC holds with the local TGS's key, whose version is
/// `cammac.kdc_verifier`'s `kvno`, and `ticket` is the one that they were put into.
///
/// # Errors
/// [`AuthorizationError`].
pub fn verify_cammac_as_kdc<'a>(
    cammac: &AdCammac<'a>,
    ticket: &EncTicketPart<'_>,
    krbtgt: &Key,
) -> Result<AuthorizationData<'a>, AuthorizationError> {
    let verifier = cammac.kdc_verifier.ok_or(AuthorizationError::NoVerifier)?;
    verify(&verifier, krbtgt, &kdc_input(&cammac.elements, ticket))?;
    Ok(cammac.elements)
}

fn kdc_input(
    elements: &AuthorizationData<'_>,
    ticket: &EncTicketPart<'_>,
) -> zeroize::Zeroizing<Vec<u8>> {
    let authorization_data = Some(*elements);
    der::encode_secret(&EncTicketPart { authorization_data, ..*ticket })
}

/// The checksum's type must be the key's own, and so must the enctype, where one is named.
fn verify(verifier: &VerifierMac<'_>, key: &Key, data: &[u8]) -> Result<(), AuthorizationError> {
    let Checksum { cksumtype, checksum } = verifier.mac;
    if cksumtype != key.checksum_type()
        || verifier.enctype.is_some_and(|enctype| enctype != key.enctype())
    {
        return Err(AuthorizationError::Crypto(CryptoError::ChecksumTypeNotAllowed(cksumtype)));
    }
    key.verify_checksum(KeyUsage::CAMMAC, cksumtype, data, checksum)
        .map_err(AuthorizationError::Crypto)
}
