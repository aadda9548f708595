//! The KDC's side: whose signature a PA-PK-AS-REQ bears, and the PA-PK-AS-REP to it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use sha1::{Digest, Sha1};

use super::agreement::{AgreementError, Group, KeyPair};
use super::certificate::Certificate;
use super::client::{AUTH_DATA, DH_KEY_DATA};
use super::kdf::{Kdf, KeyUse, octet_string_to_key};
use super::path::{PathError, TrustAnchors};
use super::signature::Hash;
use super::signed_data::{self, SignedDataError};
use super::signer::{Signer, SigningError};
use crate::asn1::{
    AuthPack, DhRepInfo, KdcDhKeyInfo, KdfAlgorithmId, PaPkAsRep, PaPkAsReq, PkAuthenticator,
    SubjectPublicKeyInfo,
};
use crate::crypto::{CryptoError, Key, constant_time_eq};
use crate::der::{self, BitString, DecodeError, List, UInt32};
use crate::iana::{EncType, ErrorCode};
use crate::{Principal, Random, Timestamp};

/// The KDC's certificate, and whom it believes.
#[derive(Clone)]
pub struct KdcPkinit {
    /// The KDC's certificate and key. The certificate names the realm's `krbtgt` (id-pkinit-san), or
    /// clients do not believe it.
    pub signer: Arc<dyn Signer>,
    /// The CAs that say who somebody is.
    pub anchors: Arc<TrustAnchors>,
    /// AD's NTAuth store: the CAs whose certificates may be mapped to an account by nothing more
    /// than the identifier of their key.
    pub nt_auth: Arc<TrustAnchors>,
    /// The groups that keys are agreed on in, best first.
    pub groups: Vec<Group>,
}

impl KdcPkinit {
    /// With this certificate, and for who `anchors` say who they are. Nobody is in NTAuth; every
    /// group is taken, elliptic curves first.
    #[must_use]
    pub fn new(signer: Arc<dyn Signer>, anchors: TrustAnchors) -> Self {
        Self {
            signer,
            anchors: Arc::new(anchors),
            nt_auth: Arc::new(TrustAnchors::default()),
            groups: Vec::from([Group::P256, Group::P384, Group::Modp14, Group::Modp16]),
        }
    }
}

impl fmt::Debug for KdcPkinit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KdcPkinit")
            .field("anchors", &self.anchors)
            .field("nt_auth", &self.nt_auth)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}

/// What a request is held against.
#[derive(Clone, Copy, Debug)]
pub struct RequestRules {
    /// How far the client's clock may be from the KDC's, in seconds.
    pub skew: i64,
    /// Agreement in a finite field demands the second checksum (MS-PKCA), as Windows Server 2025
    /// does.
    pub second_checksum: bool,
    /// A certificate for TLS clients will do, as at AD.
    pub any_client: bool,
}

/// A PA-PK-AS-REQ whose signature holds. Whose account it is for is not decided yet.
pub struct ClientProof {
    pub(super) certificate: Certificate,
    offer: KeyOffer,
}

/// A client's half of a key agreement, made for one request.
pub struct KeyOffer {
    group: Group,
    public_value: Vec<u8>,
    nonce: u32,
    kdf: Option<Kdf>,
}

impl ClientProof {
    /// Verifies a PA-PK-AS-REQ that came with this KDC-REQ-BODY (RFC 4556 section 3.2.2).
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn verify(
        config: &KdcPkinit,
        rules: &RequestRules,
        value: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Self, RequestError> {
        let request: PaPkAsReq<'_> = der::decode(value)?;
        let opened =
            signed_data::open(request.signed_auth_pack, AUTH_DATA, &config.anchors, now.seconds)?;
        if !opened.signer.is_for_a_client(rules.any_client) {
            return Err(RequestError::KeyPurpose);
        }
        let offer = KeyOffer::read(config, rules, opened.content, body, now)?;
        Ok(Self { offer, certificate: opened.signer })
    }

    /// What the client signed.
    #[must_use]
    pub const fn offer(&self) -> &KeyOffer {
        &self.offer
    }
}

impl KeyOffer {
    /// That of a PA-PK-AS-REQ which nobody signed (RFC 8062 section 4.1): whose it is nobody knows.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn unsigned(
        config: &KdcPkinit,
        rules: &RequestRules,
        value: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Self, RequestError> {
        let request: PaPkAsReq<'_> = der::decode(value)?;
        let content = signed_data::open_unsigned(request.signed_auth_pack, AUTH_DATA)?;
        Self::read(config, rules, content, body, now)
    }

    fn read(
        config: &KdcPkinit,
        rules: &RequestRules,
        content: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Self, RequestError> {
        let pack: AuthPack<'_> = der::decode(content)?;
        let authenticator = &pack.pk_authenticator;
        let apart = authenticator.ctime.unix().abs_diff(now.seconds.unix());
        if apart > rules.skew.unsigned_abs() {
            return Err(RequestError::Skew);
        }
        let public: SubjectPublicKeyInfo<'_> =
            der::decode(pack.client_public_value.ok_or(RequestError::KeyTransport)?.0)?;
        let group = Group::from_algorithm(&public.algorithm)
            .filter(|group| config.groups.contains(group))
            .ok_or(RequestError::Group)?;
        let must_have_second = rules.second_checksum && group.is_finite_field();
        verify_checksums(authenticator, must_have_second, body)?;
        Ok(Self {
            group,
            public_value: public.subject_public_key.0.to_vec(),
            nonce: authenticator.nonce.get(),
            kdf: choose_kdf(&pack)?,
        })
    }

    /// PA-PK-AS-REP, and the reply key. `as_req` is the whole AS-REQ as it came, with the names that
    /// stand in it.
    ///
    /// # Errors
    /// [`RequestError::PublicValue`], [`RequestError::Signing`], [`RequestError::Crypto`].
    pub fn answer(
        &self,
        config: &KdcPkinit,
        client: &Principal,
        server: &Principal,
        enctype: EncType,
        as_req: &[u8],
        rng: &mut dyn Random,
    ) -> Result<(Vec<u8>, Key), RequestError> {
        let pair = KeyPair::generate(self.group, rng)?;
        let secret = pair.agree(&self.public_value)?;
        let info = der::encode(&KdcDhKeyInfo {
            subject_public_key: BitString(&pair.public_value()),
            nonce: UInt32::new(self.nonce),
            dh_key_expiration: None,
        });
        let signed = signed_data::sign(&*config.signer, DH_KEY_DATA, &info, rng)
            .map_err(RequestError::Signing)?;
        let pk_as_rep = der::encode(&PaPkAsRep::DhInfo(DhRepInfo {
            dh_signed_data: &signed,
            server_dh_nonce: None,
            kdf: self.kdf.map(|kdf| KdfAlgorithmId { kdf_id: kdf.oid() }),
        }));
        let key_use = KeyUse { client, server, enctype, as_req, pk_as_rep: &pk_as_rep };
        let key = match self.kdf {
            Some(kdf) => kdf.reply_key(&secret, &key_use)?,
            None => octet_string_to_key(&secret, enctype)?,
        };
        Ok((pk_as_rep, key))
    }
}

/// paChecksum always, paChecksum2 (MS-PKCA) where it is there or due.
fn verify_checksums(
    authenticator: &PkAuthenticator<'_>,
    must_have_second: bool,
    body: &[u8],
) -> Result<(), RequestError> {
    let first = authenticator.pa_checksum.ok_or(RequestError::NoChecksum)?;
    if !constant_time_eq(first, &Sha1::digest(body)) {
        return Err(RequestError::Checksum);
    }
    match &authenticator.pa_checksum2 {
        Some(second) => {
            let hash = Hash::from_identifier(&second.algorithm_identifier)
                .ok_or(RequestError::ChecksumAlgorithm)?;
            if constant_time_eq(second.checksum, &hash.digest(body)) {
                Ok(())
            } else {
                Err(RequestError::Checksum)
            }
        }
        None if must_have_second => Err(RequestError::NoChecksum),
        None => Ok(()),
    }
}

/// The first of the client's functions that is known here; none, for a client that lists none.
fn choose_kdf(pack: &AuthPack<'_>) -> Result<Option<Kdf>, RequestError> {
    let Some(offered) = pack.supported_kdfs else { return Ok(None) };
    let mut known = offered
        .iter()
        .filter_map(|offer| Kdf::OFFERED.into_iter().find(|kdf| kdf.oid() == offer.kdf_id));
    known.next().map(Some).ok_or(RequestError::Kdf)
}

/// TD-DH-PARAMETERS: the groups that the KDC takes, best first.
#[must_use]
pub fn dh_parameters(groups: &[Group]) -> Vec<u8> {
    let owned: Vec<_> = groups.iter().map(|group| group.algorithm()).collect();
    let algorithms: Vec<_> = owned
        .iter()
        .map(|(algorithm, parameters)| crate::asn1::AlgorithmIdentifier {
            algorithm: *algorithm,
            parameters: Some(parameters),
        })
        .collect();
    der::encode(&List::of(&algorithms))
}

/// Why a client's PA-PK-AS-REQ was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RequestError {
    /// Not the message it should be.
    Malformed(DecodeError),
    /// What the client signed is not to be believed.
    SignedData(SignedDataError),
    /// The certificate is not for logging in.
    KeyPurpose,
    /// The client's clock is too far from the KDC's.
    Skew,
    /// The client wants the key under its RSA key, which is not done here.
    KeyTransport,
    /// A group that is not taken.
    Group,
    /// A checksum over the request is missing.
    NoChecksum,
    /// A checksum over the request is wrong.
    Checksum,
    /// The second checksum is of a hash that is not taken.
    ChecksumAlgorithm,
    /// No key derivation function in common.
    Kdf,
    /// The client's public value is no member of its group.
    PublicValue(AgreementError),
    /// The KDC's own key does not sign.
    Signing(SigningError),
    /// The reply key is of no use.
    Crypto(CryptoError),
}

impl RequestError {
    /// What to tell the client (RFC 4556 section 3.2.2).
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) | Self::PublicValue(_) => ErrorCode::PREAUTH_FAILED,
            Self::SignedData(error) => match error {
                SignedDataError::Signature => ErrorCode::INVALID_SIG,
                SignedDataError::Algorithm => ErrorCode::DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED,
                SignedDataError::Path(PathError::NoPath) => ErrorCode::CANT_VERIFY_CERTIFICATE,
                SignedDataError::Path(PathError::Validity) | SignedDataError::NoSigner => {
                    ErrorCode::INVALID_CERTIFICATE
                }
                SignedDataError::Malformed(_)
                | SignedDataError::Limits
                | SignedDataError::ContentType => ErrorCode::PREAUTH_FAILED,
            },
            Self::KeyPurpose => ErrorCode::INCONSISTENT_KEY_PURPOSE,
            Self::Skew => ErrorCode::SKEW,
            Self::KeyTransport => ErrorCode::PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED,
            Self::Group => ErrorCode::DH_KEY_PARAMETERS_NOT_ACCEPTED,
            Self::NoChecksum => ErrorCode::PA_CHECKSUM_MUST_BE_INCLUDED,
            Self::Checksum => ErrorCode::MODIFIED,
            Self::ChecksumAlgorithm => ErrorCode::SUMTYPE_NOSUPP,
            Self::Kdf => ErrorCode::NO_ACCEPTABLE_KDF,
            Self::Signing(_) => ErrorCode::GENERIC,
            Self::Crypto(_) => ErrorCode::ETYPE_NOSUPP,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the PKINIT request is malformed: {error}"),
            Self::SignedData(error) => write!(f, "the signed PKINIT request is refused: {error}"),
            Self::KeyPurpose => f.write_str("the certificate is not for logging in"),
            Self::Skew => f.write_str("the client's clock is too far from the KDC's"),
            Self::KeyTransport => f.write_str("RSA key transport is not accepted"),
            Self::Group => f.write_str("the Diffie-Hellman group is not accepted"),
            Self::NoChecksum => f.write_str("the PKINIT request lacks a checksum that is due"),
            Self::Checksum => f.write_str("the PKINIT request was made for another request"),
            Self::ChecksumAlgorithm => f.write_str("the second checksum's hash is not accepted"),
            Self::Kdf => f.write_str("no key derivation function in common"),
            Self::PublicValue(error) => error.fmt(f),
            Self::Signing(error) => write!(f, "the KDC cannot sign: {error}"),
            Self::Crypto(error) => write!(f, "the reply key cannot be used: {error}"),
        }
    }
}

impl core::error::Error for RequestError {}

macro_rules! from {
    ($($error:ty => $variant:ident;)*) => {$(
        impl From<$error> for RequestError {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}
from! {
    AgreementError => PublicValue;
    CryptoError => Crypto;
    DecodeError => Malformed;
    SignedDataError => SignedData;
}
