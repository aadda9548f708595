//! PKINIT (RFC 4556) with algorithm agility (RFC 8636), freshness (RFC 8070) and the second checksum
//! of MS-PKCA. PA-AS-FRESHNESS has no type: its value is the token itself.

use super::{AlgorithmIdentifier, Checksum, EncryptionKey, PrincipalName};
use crate::KerberosTime;
use crate::der::{
    Any, BitString, KerberosString, List, Microseconds, Oid, UInt32, choice, sequence,
};
use crate::iana::EncType;

choice! {
    /// PA-PK-AS-REP (RFC 4556 section 3.2.3). `EncKeyPack` is a CMS EnvelopedData.
    pub enum PaPkAsRep<'a> {
        [0] DhInfo(DhRepInfo<'a>),
        [1 IMPLICIT] EncKeyPack(&'a [u8]),
        ...
    }
}

sequence! {
    /// PA-PK-AS-REQ (RFC 4556 section 3.2.1). `signed_auth_pack` is a CMS SignedData of an
    /// [`AuthPack`], `kdc_pk_id` a CMS SignerIdentifier.
    pub struct PaPkAsReq<'a> {
        [0 IMPLICIT] signed_auth_pack: &'a [u8],
        [1] trusted_certifiers: Option<List<'a, ExternalPrincipalIdentifier<'a>>>,
        [2 IMPLICIT] kdc_pk_id: Option<&'a [u8]>,
        ...
    }

    /// ExternalPrincipalIdentifier (RFC 4556 section 3.2.1): a Name, an IssuerAndSerialNumber and
    /// a key identifier, the first two as their DER.
    pub struct ExternalPrincipalIdentifier<'a> {
        [0 IMPLICIT] subject_name: Option<&'a [u8]>,
        [1 IMPLICIT] issuer_and_serial_number: Option<&'a [u8]>,
        [2 IMPLICIT] subject_key_identifier: Option<&'a [u8]>,
        ...
    }

    /// AuthPack (RFC 4556 section 3.2.1, RFC 8636 section 6). `client_public_value` is a
    /// [`SubjectPublicKeyInfo`](super::SubjectPublicKeyInfo).
    pub struct AuthPack<'a> {
        [0] pk_authenticator: PkAuthenticator<'a>,
        [1] client_public_value: Option<Any<'a>>,
        [2] supported_cms_types: Option<List<'a, AlgorithmIdentifier<'a>>>,
        [3] client_dh_nonce: Option<&'a [u8]>,
        [4] supported_kdfs: Option<List<'a, KdfAlgorithmId<'a>>>,
        ...
    }

    /// PKAuthenticator (RFC 4556 section 3.2.1, RFC 8070 section 4, MS-PKCA). `pa_checksum`
    /// is SHA-1 over the KDC-REQ-BODY.
    pub struct PkAuthenticator<'a> {
        [0] cusec: Microseconds,
        [1] ctime: KerberosTime,
        [2] nonce: UInt32,
        [3] pa_checksum: Option<&'a [u8]>,
        [4] freshness_token: Option<&'a [u8]>,
        [5] pa_checksum2: Option<PaChecksum2<'a>>,
        ...
    }

    /// PAChecksum2 (MS-PKCA): a hash other than SHA-1 over the KDC-REQ-BODY.
    pub struct PaChecksum2<'a> {
        [0] checksum: &'a [u8],
        [1] algorithm_identifier: AlgorithmIdentifier<'a>,
    }

    /// DHRepInfo (RFC 4556 section 3.2.3, RFC 8636 section 6). `dh_signed_data` is a CMS SignedData
    /// of a [`KdcDhKeyInfo`].
    pub struct DhRepInfo<'a> {
        [0 IMPLICIT] dh_signed_data: &'a [u8],
        [1] server_dh_nonce: Option<&'a [u8]>,
        [2] kdf: Option<KdfAlgorithmId<'a>>,
        ...
    }

    /// KDCDHKeyInfo (RFC 4556 section 3.2.3.1).
    pub struct KdcDhKeyInfo<'a> {
        [0] subject_public_key: BitString<'a>,
        [1] nonce: UInt32,
        [2] dh_key_expiration: Option<KerberosTime>,
        ...
    }

    /// ReplyKeyPack (RFC 4556 section 3.2.3.2).
    pub struct ReplyKeyPack<'a> {
        [0] reply_key: EncryptionKey<'a>,
        [1] as_checksum: Checksum<'a>,
        ...
    }

    /// KRB5PrincipalName (RFC 4556 section 3.2.2): the value of id-pkinit-san.
    pub struct Krb5PrincipalName<'a> {
        [0] realm: KerberosString<'a>,
        [1] principal_name: PrincipalName<'a>,
    }

    /// TD-CERT-DIGEST-ALGORITHMS-DATA (RFC 8636 section 5).
    pub struct TdCertDigestAlgorithmsData<'a> {
        [0] allowed_algorithms: List<'a, AlgorithmIdentifier<'a>>,
        [1] rejected_algorithm: Option<AlgorithmIdentifier<'a>>,
        ...
    }

    /// KDFAlgorithmId (RFC 8636 section 6).
    pub struct KdfAlgorithmId<'a> {
        [0] kdf_id: Oid<'a>,
        ...
    }

    /// OtherInfo (RFC 8636 section 6). The parties are [`Krb5PrincipalName`]s, `supp_pub_info` a
    /// [`PkinitSuppPubInfo`].
    pub struct OtherInfo<'a> {
        [] algorithm_id: AlgorithmIdentifier<'a>,
        [0] party_u_info: &'a [u8],
        [1] party_v_info: &'a [u8],
        [2] supp_pub_info: Option<&'a [u8]>,
        [3] supp_priv_info: Option<&'a [u8]>,
    }

    /// PkinitSuppPubInfo (RFC 8636 section 6).
    pub struct PkinitSuppPubInfo<'a> {
        [0] enctype: EncType,
        [1] as_req: &'a [u8],
        [2] pk_as_rep: &'a [u8],
        ...
    }
}

/// TD-DH-PARAMETERS (RFC 4556 section 3.2.2): the groups that the KDC takes, best first.
pub type TdDhParameters<'a> = List<'a, AlgorithmIdentifier<'a>>;

/// TD-TRUSTED-CERTIFIERS (RFC 4556 section 3.2.2): the CAs that the KDC trusts.
pub type TdTrustedCertifiers<'a> = List<'a, ExternalPrincipalIdentifier<'a>>;

/// TD-INVALID-CERTIFICATES (RFC 4556 section 3.2.2): certificates with a wrong signature.
pub type TdInvalidCertificates<'a> = List<'a, ExternalPrincipalIdentifier<'a>>;

/// TD-CMS-DIGEST-ALGORITHMS-DATA (RFC 8636 section 4): digests that the KDC takes in CMS.
pub type TdCmsDigestAlgorithmsData<'a> = List<'a, AlgorithmIdentifier<'a>>;

/// AD-INITIAL-VERIFIED-CAS (RFC 4556 section 3.2.3): the path of the client's certificate.
pub type AdInitialVerifiedCas<'a> = List<'a, ExternalPrincipalIdentifier<'a>>;
