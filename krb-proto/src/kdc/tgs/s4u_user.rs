//! Whom a service names in S4U2Self (MS-SFU 2.2.1, 2.2.2), and that it is the service that names
//! them.

use alloc::vec::Vec;

use super::header::Header;
use super::{Request, refuse};
use crate::asn1::{PaForUser, PaS4uX509User, PrincipalName, S4uUserId};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, Encoded, KerberosString};
use crate::iana::{ChecksumType, ErrorCode, KeyUsage, PaType, S4uOptions};
use crate::kdc::refusal::{Padata, Refusal};
use crate::preauth::for_user_octets;
use crate::{Name, Principal};

/// The user that a service names.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The name, as sent; `None` if only a certificate was.
    pub(super) name: Option<Name>,
    /// The realm, as sent.
    pub(super) realm: Vec<u8>,
    /// The certificate, DER.
    pub(super) certificate: Option<Vec<u8>>,
    /// PA-S4U-X509-USER's nonce and options, where there is one.
    pub(super) id: Option<(u32, S4uOptions)>,
}

impl Named {
    /// Is a user named at all?
    pub(super) fn is_in(request: &Request<'_>) -> bool {
        [PaType::FOR_USER, PaType::S4U_X509_USER].iter().any(|kind| request.find(*kind).is_some())
    }

    /// Reads and verifies what there is. Where there are both, they must name the same user: KDCs
    /// that look at one of them look at different ones.
    pub(super) fn read(request: &Request<'_>, header: &Header<'_>) -> Result<Self, Refusal> {
        let old = request.find(PaType::FOR_USER).map(|value| for_user(value, header)).transpose();
        let new = request.find(PaType::S4U_X509_USER);
        let new = new.map(|value| x509_user(value, request, header)).transpose();
        let (old, new) = if request.realm.policy.compat.wants_one_user() {
            (old?, new?)
        } else {
            match new? {
                Some(new) => (None, Some(new)),
                None => (old?, None),
            }
        };
        match (old, new) {
            (Some(old), Some(new)) => {
                let named = new.name.as_ref().zip(old.name.as_ref());
                let same = named.is_none_or(|(new, old)| new.same_components(old));
                if !same || new.realm != old.realm {
                    let text = "PA-FOR-USER and PA-S4U-X509-USER name two users";
                    return refuse(ErrorCode::MODIFIED, text);
                }
                Ok(Self { name: new.name.or(old.name), ..new })
            }
            (Some(one), None) | (None, Some(one)) => Ok(one),
            (None, None) => refuse(ErrorCode::BADOPTION, "the request names no user"),
        }
    }

    /// The reply's PA-S4U-X509-USER (MS-SFU 3.2.5.1.2), if the request had one: signed with the key
    /// that the reply is encrypted in. With an RC4 key its signature would have none, so that it is
    /// left out there.
    pub(super) fn reply(&self, user: &Principal, key: &Key) -> Result<Padata, Refusal> {
        let Some((nonce, options)) = self.id else { return Ok(Padata::new()) };
        if key.checksum_type() == ChecksumType::HMAC_MD5 {
            return Ok(Padata::new());
        }
        let kept = S4uOptions(options.0 & S4uOptions::SIGN_REPLY.0);
        let usage = if kept == S4uOptions::NONE {
            KeyUsage::PA_S4U_X509_USER_REQUEST
        } else {
            KeyUsage::PA_S4U_X509_USER_REPLY
        };
        let user_id = der::encode(&S4uUserId {
            nonce: der::UInt32::new(nonce),
            cname: Some((&user.name).into()),
            crealm: KerberosString(&user.realm),
            subject_certificate: None,
            options: Some(kept.0.into()),
        });
        let checksum = key.checksum(usage, &user_id);
        let value = der::encode(&PaS4uX509User {
            user_id: Encoded::from_der(&user_id).map_err(|_| malformed())?,
            checksum: crate::asn1::Checksum { cksumtype: key.checksum_type(), checksum: &checksum },
        });
        Ok(Padata::from([(PaType::S4U_X509_USER, value)]))
    }
}

fn malformed() -> Refusal {
    Refusal::new(ErrorCode::GENERIC, "the user's name in the request cannot be read")
}

fn checksum_refusal(error: CryptoError) -> Refusal {
    match error {
        CryptoError::ChecksumTypeNotAllowed(_) => {
            let text = "the checksum over the user's name is of a type without a key";
            Refusal::new(ErrorCode::INAPP_CKSUM, text)
        }
        _ => Refusal::new(ErrorCode::MODIFIED, "the checksum over the user's name is wrong"),
    }
}

fn for_user(value: &[u8], header: &Header<'_>) -> Result<Named, Refusal> {
    let pa: PaForUser<'_> = der::decode(value).map_err(|_| malformed())?;
    let user = pa.user_name.in_realm(pa.user_realm);
    let octets = for_user_octets(&user, pa.auth_package.0);
    header
        .tgt
        .session_key
        .verify_checksum(
            KeyUsage::NON_KERB_CHECKSUM,
            pa.cksum.cksumtype,
            &octets,
            pa.cksum.checksum,
        )
        .map_err(checksum_refusal)?;
    Ok(Named { name: Some(user.name), realm: user.realm, certificate: None, id: None })
}

fn x509_user(value: &[u8], request: &Request<'_>, header: &Header<'_>) -> Result<Named, Refusal> {
    let pa: PaS4uX509User<'_> = der::decode(value).map_err(|_| malformed())?;
    let (key, _) = header.reply_key();
    key.verify_checksum(
        KeyUsage::PA_S4U_X509_USER_REQUEST,
        pa.checksum.cksumtype,
        pa.user_id.der(),
        pa.checksum.checksum,
    )
    .map_err(checksum_refusal)?;
    let nonce = pa.user_id.nonce.get();
    if nonce != request.body.nonce.get() {
        return refuse(ErrorCode::MODIFIED, "PA-S4U-X509-USER is of another request");
    }
    // By certificate alone the name is absent, or an empty one.
    let name = pa.user_id.cname.as_ref().map(PrincipalName::to_name);
    let name = name.filter(|name| !name.components.iter().all(Vec::is_empty));
    let certificate = pa.user_id.subject_certificate.map(<[u8]>::to_vec);
    if name.is_none() && certificate.is_none() {
        return refuse(ErrorCode::C_PRINCIPAL_UNKNOWN, "the request names no user");
    }
    let options = S4uOptions(pa.user_id.options.map_or(0, |options| options.bits()));
    Ok(Named { name, realm: pa.user_id.crealm.0.to_vec(), certificate, id: Some((nonce, options)) })
}
