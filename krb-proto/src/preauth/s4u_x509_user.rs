use alloc::vec::Vec;
use core::fmt;

use crate::asn1::{Checksum, PaS4uX509User, S4uUserId};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, DecodeError, Encoded, KerberosString, UInt32};
use crate::iana::{KeyUsage, S4uOptions};
use crate::{Name, Principal};

/// PA-S4U-X509-USER by name (MS-SFU 2.2.2), bound to the request by its nonce and signed with the
/// authenticator's subkey (the key that the reply will be encrypted in).
///
/// # Errors
/// None for a name that encodes; the error type is that of re-reading our own DER.
pub fn s4u_x509_user(user: &Principal, nonce: u32, key: &Key) -> Result<Vec<u8>, DecodeError> {
    signed(Some(&user.name), &user.realm, None, nonce, key)
}

/// The same by certificate (its DER): the KDC of that realm looks who it is for.
///
/// # Errors
/// As [`s4u_x509_user`].
pub fn s4u_x509_certificate(
    certificate: &[u8],
    realm: &[u8],
    nonce: u32,
    key: &Key,
) -> Result<Vec<u8>, DecodeError> {
    signed(None, realm, Some(certificate), nonce, key)
}

fn signed(
    name: Option<&Name>,
    realm: &[u8],
    certificate: Option<&[u8]>,
    nonce: u32,
    key: &Key,
) -> Result<Vec<u8>, DecodeError> {
    let user_id = der::encode(&S4uUserId {
        nonce: UInt32::new(nonce),
        cname: name.map(Into::into),
        crealm: KerberosString(realm),
        subject_certificate: certificate,
        options: Some(S4uOptions::SIGN_REPLY.0.into()),
    });
    let checksum = key.checksum(KeyUsage::PA_S4U_X509_USER_REQUEST, &user_id);
    Ok(der::encode(&PaS4uX509User {
        user_id: Encoded::from_der(&user_id)?,
        checksum: Checksum { cksumtype: key.checksum_type(), checksum: &checksum },
    }))
}

/// Why the KDC's copy of PA-S4U-X509-USER was refused.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum S4uReplyError {
    /// Not a PA-S4U-X509-USER.
    Malformed(DecodeError),
    /// Its checksum does not verify.
    Checksum(CryptoError),
    /// It repeats another nonce than the request's.
    Nonce,
    /// It names another user, or none.
    User,
    /// There is none, where nothing else says whom the KDC found.
    Missing,
}

impl fmt::Display for S4uReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "malformed: {error}"),
            Self::Checksum(error) => write!(f, "its signature is wrong: {error}"),
            Self::Nonce => f.write_str("it answers another request"),
            Self::User => f.write_str("it names another user, or none"),
            Self::Missing => f.write_str("the KDC does not say whose the certificate is"),
        }
    }
}

/// Verifies the copy that a KDC sends back (MS-SFU 3.1.5.1.1.2). Usage 27 signs it if the copy
/// repeats the option that asked for that; a copy without the option is signed with 26, so our own
/// request, reflected, never verifies.
///
/// # Errors
/// [`S4uReplyError`].
pub fn verify_s4u_x509_user_reply(
    value: &[u8],
    user: &Principal,
    nonce: u32,
    key: &Key,
) -> Result<(), S4uReplyError> {
    let named = named_in_reply(value, nonce, key)?;
    if named.is_same(user) { Ok(()) } else { Err(S4uReplyError::User) }
}

/// Whom the copy names that a KDC sends back, verified as above: the user that it found by a certificate.
///
/// # Errors
/// [`S4uReplyError`].
pub fn named_in_reply(value: &[u8], nonce: u32, key: &Key) -> Result<Principal, S4uReplyError> {
    let reply: PaS4uX509User<'_> = der::decode(value).map_err(S4uReplyError::Malformed)?;
    let options = S4uOptions(reply.user_id.options.map_or(0, |options| options.bits()));
    let usage = if options.contains(S4uOptions::SIGN_REPLY) {
        KeyUsage::PA_S4U_X509_USER_REPLY
    } else {
        KeyUsage::PA_S4U_X509_USER_REQUEST
    };
    let Checksum { cksumtype, checksum } = reply.checksum;
    key.verify_checksum(usage, cksumtype, reply.user_id.der(), checksum)
        .map_err(S4uReplyError::Checksum)?;
    if reply.user_id.nonce.get() != nonce {
        return Err(S4uReplyError::Nonce);
    }
    let named = reply.user_id.cname.map(|cname| cname.in_realm(reply.user_id.crealm));
    let named = named.filter(|named| !named.name.components.iter().all(Vec::is_empty));
    named.ok_or(S4uReplyError::User)
}
