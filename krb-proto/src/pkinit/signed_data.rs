//! CMS SignedData (RFC 5652 section 5): made with the client's key, opened only if signed by a
//! certificate that leads to an anchor.

use alloc::vec::Vec;
use core::fmt;

use super::certificate::Certificate;
use super::path::{self, PathError, TrustAnchors};
use super::signature::{Hash, SignatureAlgorithm};
use super::signer::{Signer, SigningError};
use crate::asn1::{
    Attribute, ContentInfo, EncapsulatedContentInfo, IssuerAndSerialNumber, SignedData,
    SignerIdentifier, SignerInfo,
};
use crate::crypto::constant_time_eq;
use crate::der::{self, Any, DecodeError, Oid, SetOf};
use crate::{KerberosTime, Random};

/// id-signedData (RFC 5652 section 5.1).
const SIGNED_DATA: Oid<'_> = Oid(b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02");
/// id-contentType and id-messageDigest (RFC 5652 sections 11.1 and 11.2).
const CONTENT_TYPE: Oid<'_> = Oid(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03");
const MESSAGE_DIGEST: Oid<'_> = Oid(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04");

/// The longest message that is read.
pub const MAX_SIGNED_DATA: usize = 64 * 1024;
/// The most certificates in it.
pub const MAX_CERTIFICATES: usize = 16;

/// Why a signed message is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SignedDataError {
    /// Not the DER of a SignedData.
    Malformed(DecodeError),
    /// More than 64 KiB, more than 16 certificates, or not exactly one signature.
    Limits,
    /// Its content is not what is expected here, or absent.
    ContentType,
    /// The signer's certificate is not in it, or of no use.
    NoSigner,
    /// Signed with an algorithm that is not taken, such as SHA-1.
    Algorithm,
    /// The signature is wrong, or over something else.
    Signature,
    /// The signer's certificate is not trusted.
    Path(PathError),
}

impl fmt::Display for SignedDataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "malformed: {error}"),
            Self::Limits => f.write_str("too long, too many certificates, or not one signature"),
            Self::ContentType => f.write_str("unexpected content"),
            Self::NoSigner => f.write_str(
                "the signer's certificate is missing, malformed, or has a critical extension that \
                 is not known",
            ),
            Self::Algorithm => {
                f.write_str("the signature algorithm is not accepted (SHA-256 or better is)")
            }
            Self::Signature => f.write_str("the signature is wrong"),
            Self::Path(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SignedDataError {}

impl From<DecodeError> for SignedDataError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

/// Signs `content`: the DER of a ContentInfo.
pub(super) fn sign(
    signer: &dyn Signer,
    content_type: Oid<'_>,
    content: &[u8],
    rng: &mut dyn Random,
) -> Result<Vec<u8>, SigningError> {
    let chain = signer.certificates();
    let leaf = chain.first().ok_or(SigningError::Certificate)?;
    let leaf = Certificate::from_der(leaf).map_err(|_| SigningError::Certificate)?;
    let algorithm = signer.algorithm();
    let hash = algorithm.hash;

    let (named, digest) = (der::encode(&content_type), hash.digest(content));
    let digest = der::encode(&&*digest);
    let (named, digest) = ([Any(&named)], [Any(&digest)]);
    let mut attributes = [
        Attribute { attr_type: CONTENT_TYPE, attr_values: SetOf::set_of(&named) },
        Attribute { attr_type: MESSAGE_DIGEST, attr_values: SetOf::set_of(&digest) },
    ];
    attributes.sort_by_cached_key(der::encode);
    let attributes = SetOf::set_of(&attributes);
    let signature = signer.sign(&der::encode(&attributes), rng)?;

    let mut certificates: Vec<Any<'_>> = chain.iter().map(|der| Any(der)).collect();
    certificates.sort_by_key(|certificate| certificate.0);
    let digests = [hash.identifier()];
    let signers = [SignerInfo {
        version: 1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: Any(leaf.issuer()),
            serial_number: Any(leaf.serial()),
        }),
        digest_algorithm: hash.identifier(),
        signed_attrs: Some(attributes),
        signature_algorithm: algorithm.identifier(),
        signature: &signature,
        unsigned_attrs: None,
    }];
    let signed = der::encode(&SignedData {
        version: 3,
        digest_algorithms: SetOf::set_of(&digests),
        encap_content_info: EncapsulatedContentInfo {
            e_content_type: content_type,
            e_content: Some(content),
        },
        certificates: Some(SetOf::set_of(&certificates)),
        crls: None,
        signer_infos: SetOf::set_of(&signers),
    });
    Ok(der::encode(&ContentInfo { content_type: SIGNED_DATA, content: Any(&signed) }))
}

/// The same without a signature: what a client sends whom nobody vouches for (RFC 8062 section 4.1). It
/// is never [opened](open) as one that somebody signed.
pub(super) fn unsigned(content_type: Oid<'_>, content: &[u8]) -> Vec<u8> {
    let signed = der::encode(&SignedData {
        version: 3,
        digest_algorithms: SetOf::set_of(&[]),
        encap_content_info: EncapsulatedContentInfo {
            e_content_type: content_type,
            e_content: Some(content),
        },
        certificates: None,
        crls: None,
        signer_infos: SetOf::set_of(&[]),
    });
    der::encode(&ContentInfo { content_type: SIGNED_DATA, content: Any(&signed) })
}

/// The content of a message and the certificate of who signed it, verified up to an anchor.
pub(super) struct Opened<'a> {
    pub(super) content: &'a [u8],
    pub(super) signer: Certificate,
}

pub(super) fn open<'a>(
    message: &'a [u8],
    content_type: Oid<'_>,
    anchors: &TrustAnchors,
    now: KerberosTime,
) -> Result<Opened<'a>, SignedDataError> {
    let (signed, content) = content(message, content_type)?;
    let mut signers = signed.signer_infos.iter();
    let (Some(info), None) = (signers.next(), signers.next()) else {
        return Err(SignedDataError::Limits);
    };
    let mut pool = certificates(&signed)?;
    let at = pool.iter().position(|certificate| names(&info.sid, certificate));
    let signer = match at {
        Some(at) => pool.swap_remove(at),
        // A KDC may leave out what the client has as an anchor.
        None => anchors
            .iter()
            .find(|anchor| names(&info.sid, anchor))
            .and_then(|anchor| Certificate::from_der(anchor.der()).ok())
            .ok_or(SignedDataError::NoSigner)?,
    };
    path::verify(&signer, &pool, anchors, now).map_err(SignedDataError::Path)?;
    verify_signature(&info, &signer, content_type, content)?;
    Ok(Opened { content, signer })
}

/// The content of a message that [nobody signed](unsigned): nothing of it is proven.
#[cfg(any(feature = "kdc", test))]
pub(super) fn open_unsigned<'a>(
    message: &'a [u8],
    content_type: Oid<'_>,
) -> Result<&'a [u8], SignedDataError> {
    let (signed, content) = content(message, content_type)?;
    if signed.signer_infos.iter().next().is_some() {
        return Err(SignedDataError::Limits);
    }
    Ok(content)
}

fn content<'a>(
    message: &'a [u8],
    content_type: Oid<'_>,
) -> Result<(SignedData<'a>, &'a [u8]), SignedDataError> {
    if message.len() > MAX_SIGNED_DATA {
        return Err(SignedDataError::Limits);
    }
    let info: ContentInfo<'_> = der::decode(message)?;
    if info.content_type != SIGNED_DATA {
        return Err(SignedDataError::ContentType);
    }
    let signed: SignedData<'_> = der::decode(info.content.0)?;
    match signed.encap_content_info {
        EncapsulatedContentInfo { e_content_type, e_content: Some(content) }
            if e_content_type == content_type =>
        {
            Ok((signed, content))
        }
        _ => Err(SignedDataError::ContentType),
    }
}

/// The X.509 certificates of a message. What is of another kind or of no use is passed over: whether
/// it was needed shows later.
fn certificates(signed: &SignedData<'_>) -> Result<Vec<Certificate>, SignedDataError> {
    const CERTIFICATE: u8 = 0x30;
    let all = signed.certificates.iter().flatten();
    let x509: Vec<Any<'_>> = all.filter(|choice| choice.0.first() == Some(&CERTIFICATE)).collect();
    if x509.len() > MAX_CERTIFICATES {
        return Err(SignedDataError::Limits);
    }
    Ok(x509.iter().filter_map(|certificate| Certificate::from_der(certificate.0).ok()).collect())
}

fn names(identifier: &SignerIdentifier<'_>, certificate: &Certificate) -> bool {
    match identifier {
        SignerIdentifier::IssuerAndSerialNumber(name) => {
            name.issuer.0 == certificate.issuer() && name.serial_number.0 == certificate.serial()
        }
        SignerIdentifier::SubjectKeyIdentifier(identifier) => {
            certificate.key_identifier() == Some(identifier)
        }
    }
}

/// RFC 5652 sections 5.4 and 5.6. Signed attributes must be there, as they are for every content
/// type but id-data; without them a signature over attributes would pass as one over a content.
fn verify_signature(
    info: &SignerInfo<'_>,
    signer: &Certificate,
    content_type: Oid<'_>,
    content: &[u8],
) -> Result<(), SignedDataError> {
    let hash = Hash::from_identifier(&info.digest_algorithm).ok_or(SignedDataError::Algorithm)?;
    let algorithm = SignatureAlgorithm::from_identifier(&info.signature_algorithm, Some(hash))
        .ok_or(SignedDataError::Algorithm)?;
    let attributes = info.signed_attrs.ok_or(SignedDataError::Signature)?;
    let named = der::encode(&content_type);
    let digest = der::encode(&&*hash.digest(content));
    if single(&attributes, CONTENT_TYPE) != Some(&named)
        || !single(&attributes, MESSAGE_DIGEST)
            .is_some_and(|found| constant_time_eq(found, &digest))
    {
        return Err(SignedDataError::Signature);
    }
    let key = signer.key().ok_or(SignedDataError::Signature)?;
    if signer.may_sign() && algorithm.verifies(&key, &der::encode(&attributes), info.signature) {
        Ok(())
    } else {
        Err(SignedDataError::Signature)
    }
}

/// The one value of an attribute that stands there once.
fn single<'a>(attributes: &SetOf<'a, Attribute<'a>>, attr_type: Oid<'_>) -> Option<&'a [u8]> {
    let mut found = attributes.iter().filter(|attribute| attribute.attr_type == attr_type);
    let (Some(attribute), None) = (found.next(), found.next()) else { return None };
    let mut values = attribute.attr_values.iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.0),
        _ => None,
    }
}
