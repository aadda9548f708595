//! One X.509 certificate (RFC 5280): parsed by `x509-cert`, its signed bytes kept as they came.

#[cfg(any(feature = "kdc", test))]
mod client;

use alloc::vec::Vec;
use core::fmt;

use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};

use super::signature::SignatureAlgorithm;
use crate::asn1::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use crate::der::{self, Any, BitString, sequence};
use crate::{KerberosTime, Principal};

/// The longest certificate that is read.
pub(super) const MAX_CERTIFICATE: usize = 16 * 1024;

/// id-pkinit-san (RFC 4556 section 3.2.2).
const PKINIT_SAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.2");
/// id-pkinit-KPKdc (RFC 4556 section 3.2.4).
const KP_KDC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.5");
/// anyExtendedKeyUsage (RFC 5280 section 4.2.1.12).
const KP_ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Critical extensions that are looked at: key usage, alternative name, basic constraints and
/// extended key usage.
const UNDERSTOOD: [&str; 4] = ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.37"];

/// Why a certificate is no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CertificateError {
    /// Longer than 16 KiB, or not the DER of an X.509 certificate.
    Malformed,
    /// An extension that must be understood and is not: name constraints, policies.
    CriticalExtension,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed certificate, or longer than 16 KiB",
            Self::CriticalExtension => "the certificate has a critical extension that is not known",
        })
    }
}

impl core::error::Error for CertificateError {}

impl From<x509_cert::der::Error> for CertificateError {
    fn from(_: x509_cert::der::Error) -> Self {
        Self::Malformed
    }
}

impl From<crate::der::DecodeError> for CertificateError {
    fn from(_: crate::der::DecodeError) -> Self {
        Self::Malformed
    }
}

sequence! {
    /// Certificate (RFC 5280 section 4.1): what is signed stays as it came.
    #[allow(unreachable_pub)]
    pub struct Signed<'a> {
        [] tbs_certificate: Any<'a>,
        [] signature_algorithm: AlgorithmIdentifier<'a>,
        [] signature: BitString<'a>,
    }
}

/// A certificate of which nothing is believed yet but its form.
pub(super) struct Certificate {
    der: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    serial: Vec<u8>,
    key: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
    not_before: KerberosTime,
    not_after: KerberosTime,
    constraints: Option<BasicConstraints>,
    usage: Option<KeyUsage>,
    extended_usage: Option<ExtendedKeyUsage>,
    names: Vec<GeneralName>,
}

impl Certificate {
    pub(super) fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(CertificateError::Malformed);
        }
        let certificate = x509_cert::Certificate::from_der(der)?;
        der::decode::<Signed<'_>>(der)?;
        let tbs = certificate.tbs_certificate();
        // RFC 5280 section 4.1.1.2: both say the same, and only the inner one is signed.
        if tbs.signature() != certificate.signature_algorithm() {
            return Err(CertificateError::Malformed);
        }
        let known = |oid: &ObjectIdentifier| {
            UNDERSTOOD.iter().any(|text| *oid == ObjectIdentifier::new_unwrap(text))
        };
        let mut extensions = tbs.extensions().into_iter().flatten();
        if extensions.any(|extension| extension.critical && !known(&extension.extn_id)) {
            return Err(CertificateError::CriticalExtension);
        }
        let time = |time: x509_cert::time::Time| {
            i64::try_from(time.to_unix_duration().as_secs())
                .map(KerberosTime::from_unix)
                .map_err(|_| CertificateError::Malformed)
        };
        Ok(Self {
            der: der.to_vec(),
            issuer: tbs.issuer().to_der()?,
            subject: tbs.subject().to_der()?,
            serial: tbs.serial_number().to_der()?,
            key: tbs.subject_public_key_info().to_der()?,
            key_identifier: tbs
                .get_extension::<x509_cert::ext::pkix::SubjectKeyIdentifier>()?
                .map(|(_, identifier)| identifier.0.as_bytes().to_vec()),
            not_before: time(tbs.validity().not_before)?,
            not_after: time(tbs.validity().not_after)?,
            constraints: tbs.get_extension()?.map(|(_, constraints)| constraints),
            usage: tbs.get_extension()?.map(|(_, usage)| usage),
            extended_usage: tbs.get_extension()?.map(|(_, usage)| usage),
            names: tbs
                .get_extension::<SubjectAltName>()?
                .map_or_else(Vec::new, |(_, names)| names.0),
        })
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    pub(super) fn serial(&self) -> &[u8] {
        &self.serial
    }

    pub(super) fn subject(&self) -> &[u8] {
        &self.subject
    }

    pub(super) fn key_identifier(&self) -> Option<&[u8]> {
        self.key_identifier.as_deref()
    }

    pub(super) fn key(&self) -> Option<SubjectPublicKeyInfo<'_>> {
        der::decode(&self.key).ok()
    }

    pub(super) fn valid_at(&self, now: KerberosTime) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Did the owner of `issuer`'s key sign this one in that name?
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        let verified = || {
            let signed: Signed<'_> = der::decode(&self.der).ok()?;
            let algorithm = SignatureAlgorithm::from_identifier(&signed.signature_algorithm, None)?;
            let tbs = signed.tbs_certificate.0;
            Some(algorithm.verifies(&issuer.key()?, tbs, signed.signature.0))
        };
        self.issuer == issuer.subject && verified() == Some(true)
    }

    /// May it sign certificates, with so many CAs below it (RFC 5280 section 4.2.1.9)?
    pub(super) fn may_certify(&self, below: usize) -> bool {
        let signs = self.usage.as_ref().is_none_or(KeyUsage::key_cert_sign);
        let path = |length: u8| below <= usize::from(length);
        let ca = self.constraints.as_ref().is_some_and(|constraints| {
            constraints.ca && constraints.path_len_constraint.is_none_or(path)
        });
        ca && signs
    }

    /// May its key sign messages?
    pub(super) fn may_sign(&self) -> bool {
        self.usage.as_ref().is_none_or(KeyUsage::digital_signature)
    }

    /// Does the CA say that this is the KDC of the realm (RFC 4556 section 3.2.4)? With that name it need
    /// not say what the key is for; but what it says holds.
    pub(super) fn names_kdc_of(&self, realm: &[u8]) -> bool {
        let tgs = Principal::krbtgt(realm);
        let for_kdc = |usage: &ExtendedKeyUsage| {
            usage.0.iter().any(|purpose| [KP_KDC, KP_ANY].contains(purpose))
        };
        let may_be = self.extended_usage.as_ref().is_none_or(for_kdc);
        may_be
            && self.names.iter().any(|name| match name {
                GeneralName::OtherName(other) if other.type_id == PKINIT_SAN => {
                    let value = other.value.to_der().unwrap_or_default();
                    der::decode::<crate::asn1::Krb5PrincipalName<'_>>(&value).is_ok_and(|name| {
                        let principal = name.principal_name.in_realm(name.realm);
                        principal.name.same_components(&tgs.name) && principal.realm == tgs.realm
                    })
                }
                _ => false,
            })
    }

    /// Is it for a KDC, and for a host of this name?
    pub(super) fn is_kdc_at(&self, host: &str) -> bool {
        let for_kdc = self.extended_usage.as_ref().is_some_and(|usage| usage.0.contains(&KP_KDC));
        for_kdc
            && self.names.iter().any(|name| match name {
                GeneralName::DnsName(dns) => dns.as_str().eq_ignore_ascii_case(host),
                _ => false,
            })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} bytes)", self.der.len())
    }
}
