//! What a certificate says of a client, for a KDC.

use alloc::string::String;
use alloc::vec::Vec;

use sha1::{Digest, Sha1};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};

use super::{Certificate, PKINIT_SAN};
use crate::Principal;
use crate::der;
use crate::pac::Sid;

/// Purposes of a client's key: id-pkinit-KPClientAuth (RFC 4556 section 3.2.2), id-ms-kp-sc-logon.
const KP_LOGON: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.4"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.2"),
];
/// id-kp-clientAuth (RFC 5280 section 4.2.1.12).
const KP_CLIENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// id-ms-san-upn: a userPrincipalName.
const UPN_SAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
/// szOID_NTDS_CA_SECURITY_EXT, the extension with the account's SID (MS-WCCE 2.2.2.7.7.4), and the
/// name in it.
const SID_EXTENSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.25.2");
const SID_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.25.2.1");
/// The SID as an alternative name (KB5014754), where the request for the certificate says all.
const SID_URI: &str = "tag:microsoft.com,2022-09-14:sid:";

impl Certificate {
    /// SHA-1 over the SubjectPublicKeyInfo.
    pub(in crate::pkinit) fn key_hash(&self) -> [u8; 20] {
        Sha1::digest(&self.key).into()
    }

    /// Is it for logging in? `any` says that one for TLS clients will do, or for everything.
    pub(in crate::pkinit) fn is_for_a_client(&self, any: bool) -> bool {
        let Some(usage) = &self.extended_usage else { return any };
        usage.0.iter().any(|purpose| KP_LOGON.contains(purpose) || any && *purpose == KP_CLIENT)
    }

    /// The principals that the CA says it is for (RFC 4556 section 3.2.2).
    pub(in crate::pkinit) fn principals(&self) -> impl Iterator<Item = Principal> {
        self.other_names(PKINIT_SAN).filter_map(|value| {
            let name: crate::asn1::Krb5PrincipalName<'_> = der::decode(&value).ok()?;
            Some(name.principal_name.in_realm(name.realm))
        })
    }

    /// The userPrincipalNames that the CA says it is for.
    pub(in crate::pkinit) fn upns(&self) -> impl Iterator<Item = String> {
        self.other_names(UPN_SAN).filter_map(|value| {
            let name: der::Utf8String<'_> = der::decode(&value).ok()?;
            String::from_utf8(name.0.to_vec()).ok()
        })
    }

    /// Addresses of electronic mail.
    pub(in crate::pkinit) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|name| match name {
            GeneralName::Rfc822Name(address) => Some(address.as_str()),
            _ => None,
        })
    }

    fn other_names(&self, type_id: ObjectIdentifier) -> impl Iterator<Item = Vec<u8>> {
        self.names.iter().filter_map(move |name| match name {
            GeneralName::OtherName(other) if other.type_id == type_id => other.value.to_der().ok(),
            _ => None,
        })
    }

    /// The SIDs of accounts that the CA says it is for. `None` if one cannot be read: it may be
    /// anybody's.
    pub(in crate::pkinit) fn sids(&self) -> Option<Vec<Sid>> {
        let mut sids = Vec::new();
        let certificate = x509_cert::Certificate::from_der(&self.der).ok()?;
        let extensions = certificate.tbs_certificate().extensions().into_iter().flatten();
        for extension in extensions.filter(|extension| extension.extn_id == SID_EXTENSION) {
            for name in GeneralNames::from_der(extension.extn_value.as_bytes()).ok()? {
                let GeneralName::OtherName(other) = name else { return None };
                let text = other.value.to_der().ok()?;
                let text: &[u8] = der::decode(&text).ok()?;
                let sid = core::str::from_utf8(text).ok()?.parse().ok()?;
                (other.type_id == SID_NAME).then(|| sids.push(sid))?;
            }
        }
        for name in &self.names {
            if let GeneralName::UniformResourceIdentifier(uri) = name
                && let Some(sid) = uri.as_str().strip_prefix(SID_URI)
            {
                sids.push(sid.parse().ok()?);
            }
        }
        Some(sids)
    }
}
