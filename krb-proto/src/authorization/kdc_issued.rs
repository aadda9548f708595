use super::AuthorizationError;
use crate::asn1::{AdKdcIssued, AuthorizationData};
use crate::crypto::{CryptoError, Key};
use crate::der;
use crate::iana::KeyUsage;

/// The elements of AD-KDCIssued (RFC 4120 section 5.2.6.2), if their checksum holds with the
/// session key of the ticket that they stand in. That proves nothing about an element outside of a
/// ticket: the client has the session key too.
///
/// # Errors
/// [`AuthorizationError`].
pub fn verify_kdc_issued<'a>(
    issued: &AdKdcIssued<'a>,
    session_key: &Key,
) -> Result<AuthorizationData<'a>, AuthorizationError> {
    let checksum = issued.ad_checksum;
    let verified = if checksum.cksumtype == session_key.checksum_type() {
        session_key.verify_checksum(
            KeyUsage::KDC_ISSUED,
            checksum.cksumtype,
            &der::encode(&issued.elements),
            checksum.checksum,
        )
    } else {
        Err(CryptoError::ChecksumTypeNotAllowed(checksum.cksumtype))
    };
    verified.map(|()| issued.elements).map_err(AuthorizationError::Crypto)
}
