//! Whose certificate it is: what it says of its owner, and what an account says of its certificates
//! (MS-PKCA 3.1.5.2.1; KB5014754 and KB5057784 for what of that is strong).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::certificate::{Certificate, CertificateError};
use super::kdc::{ClientProof, KdcPkinit};
use crate::Principal;
use crate::iana::ErrorCode;
use crate::pac::Sid;

/// An entry of altSecurityIdentities: by what an account knows its certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CertificateMapping {
    /// X509IssuerSerialNumber: the DER of the issuer's Name and of the serial number.
    IssuerSerial {
        /// Name.
        issuer: Vec<u8>,
        /// CertificateSerialNumber.
        serial: Vec<u8>,
    },
    /// X509SKI: the identifier of the certificate's key, as its CA says it.
    KeyIdentifier(Vec<u8>),
    /// X509SHA1PublicKey: the SHA-1 of its SubjectPublicKeyInfo.
    PublicKeyHash([u8; 20]),
    /// X509IssuerSubject: the DER of both Names. Names are given anew to others, so it is weak.
    IssuerSubject {
        /// Name.
        issuer: Vec<u8>,
        /// Name.
        subject: Vec<u8>,
    },
    /// X509SubjectOnly: the DER of the subject's Name, whoever the issuer is; weak.
    Subject(Vec<u8>),
    /// X509RFC822: an address of electronic mail; weak.
    Email(String),
}

impl CertificateMapping {
    /// The issuer and serial number of this certificate (its DER).
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn issuer_serial_of(certificate: &[u8]) -> Result<Self, CertificateError> {
        let certificate = Certificate::from_der(certificate)?;
        let (issuer, serial) = (certificate.issuer().to_vec(), certificate.serial().to_vec());
        Ok(Self::IssuerSerial { issuer, serial })
    }

    /// The key of this certificate (its DER), by its hash.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn public_key_of(certificate: &[u8]) -> Result<Self, CertificateError> {
        Ok(Self::PublicKeyHash(Certificate::from_der(certificate)?.key_hash()))
    }

    /// Does nobody else get such a certificate from a CA that does its work?
    #[must_use]
    pub const fn is_strong(&self) -> bool {
        matches!(self, Self::IssuerSerial { .. } | Self::KeyIdentifier(_) | Self::PublicKeyHash(_))
    }

    fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerSerial { issuer, serial } => {
                issuer == certificate.issuer() && serial == certificate.serial()
            }
            Self::KeyIdentifier(identifier) => {
                certificate.key_identifier() == Some(identifier.as_slice())
            }
            Self::PublicKeyHash(hash) => *hash == certificate.key_hash(),
            Self::IssuerSubject { issuer, subject } => {
                issuer == certificate.issuer() && subject == certificate.subject()
            }
            Self::Subject(subject) => subject == certificate.subject(),
            Self::Email(address) => {
                certificate.addresses().any(|found| found.eq_ignore_ascii_case(address))
            }
        }
    }
}

/// The account that a certificate is to be for.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// As it asks: its name in its realm.
    pub principal: &'a Principal,
    /// Its user principal names, with the realm or another suffix behind an `@`.
    pub upns: &'a [String],
    /// Its SID.
    pub sid: Option<&'a Sid>,
    /// Its altSecurityIdentities.
    pub mappings: &'a [CertificateMapping],
}

/// What is believed of certificates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MappingRules {
    /// id-pkinit-san that names the client (RFC 4556 section 3.2.2), which AD does not look at.
    pub principal_names: bool,
    /// Weak mappings will do, as they did at AD before KB5014754 was enforced.
    pub weak: bool,
    /// The identifier of a key says something only of certificates from CAs in NTAuth (KB5057784).
    pub key_identifier_needs_nt_auth: bool,
}

/// Why a certificate is not for an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MappingError {
    /// It is for nobody here, or for somebody else.
    Nobody,
    /// It has the SID of another account in it.
    OtherSid,
    /// Only weak signs say that it is for this account.
    Weak,
    /// Only the identifier of its key says so, and its CA is not in NTAuth.
    NotInNtAuth,
}

impl MappingError {
    /// What to tell the client.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Nobody => ErrorCode::CLIENT_NAME_MISMATCH,
            Self::OtherSid | Self::Weak => ErrorCode::CERTIFICATE_MISMATCH,
            Self::NotInNtAuth => ErrorCode::CLIENT_NOT_TRUSTED,
        }
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "the certificate is not for this account",
            Self::OtherSid => "the certificate has the SID of another account",
            Self::Weak => {
                "the certificate is mapped to the account by a name alone: it needs the account's \
                 SID, or the account its serial number, key identifier or key hash"
            }
            Self::NotInNtAuth => {
                "the certificate is mapped by its key identifier, and its CA is not in NTAuth"
            }
        })
    }
}

impl core::error::Error for MappingError {}

impl ClientProof {
    /// Is the client the owner of this account?
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn is_of(
        &self,
        owner: &Owner<'_>,
        rules: MappingRules,
        config: &KdcPkinit,
    ) -> Result<(), MappingError> {
        let certificate = &self.certificate;
        let sids = certificate.sids().ok_or(MappingError::OtherSid)?;
        if !sids.is_empty() {
            // Whatever else it says: to whom the CA gave it stands there.
            let of_owner = sids.iter().all(|found| Some(found) == owner.sid);
            return if of_owner { Ok(()) } else { Err(MappingError::OtherSid) };
        }
        if rules.principal_names
            && certificate.principals().any(|name| name.is_same(owner.principal))
        {
            return Ok(());
        }
        let upn_fits = || {
            let mut found = certificate.upns();
            found.any(|upn| owner.upns.iter().any(|own| own.eq_ignore_ascii_case(&upn)))
        };
        let mut best = Err(if upn_fits() { MappingError::Weak } else { MappingError::Nobody });
        for mapping in owner.mappings.iter().filter(|mapping| mapping.is_of(certificate)) {
            let by_key_identifier = matches!(mapping, CertificateMapping::KeyIdentifier(_));
            if !mapping.is_strong() {
                best = best.or(Err(MappingError::Weak));
            } else if by_key_identifier
                && rules.key_identifier_needs_nt_auth
                && !config.nt_auth.iter().any(|ca| certificate.is_signed_by(ca))
            {
                best = Err(MappingError::NotInNtAuth);
            } else {
                return Ok(());
            }
        }
        match best {
            Err(MappingError::Weak) if rules.weak => Ok(()),
            other => other,
        }
    }
}
