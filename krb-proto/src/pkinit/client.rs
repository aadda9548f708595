//! The client's side: PA-PK-AS-REQ with a signed AuthPack, and the reply key from PA-PK-AS-REP.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use sha1::{Digest, Sha1};

use super::agreement::{Group, KeyPair};
use super::error::PkinitError;
use super::kdf::{Kdf, KeyUse, octet_string_to_key};
use super::path::TrustAnchors;
use super::signature::{Hash, SignatureAlgorithm};
use super::signed_data;
use super::signer::Signer;
use crate::asn1::{
    AuthPack, DhRepInfo, KdcDhKeyInfo, KdfAlgorithmId, PaChecksum2, PaPkAsRep, PaPkAsReq,
    PkAuthenticator, TdDhParameters,
};
use crate::crypto::Key;
use crate::der::{self, Any, List, Microseconds, Oid, UInt32};
use crate::{Context, KerberosTime};

/// id-pkinit-authData and id-pkinit-DHKeyData (RFC 4556 appendix A).
pub(super) const AUTH_DATA: Oid<'_> = Oid(b"\x2b\x06\x01\x05\x02\x03\x01");
pub(super) const DH_KEY_DATA: Oid<'_> = Oid(b"\x2b\x06\x01\x05\x02\x03\x02");

/// Who the client is, and whom it believes to be a KDC.
pub struct PkinitConfig {
    /// The client's certificate and key. `None` for a client that nobody vouches for: it logs in as
    /// [`Principal::anonymous`](crate::Principal::anonymous) (RFC 8062), and only the KDC proves who it is.
    pub signer: Option<Box<dyn Signer>>,
    /// The CAs that say who is a KDC.
    pub anchors: TrustAnchors,
    /// The groups that keys are agreed on in, best first. A KDC that takes none of the first may
    /// name another one of these; it is never moved to one that is not listed.
    pub groups: Vec<Group>,
    /// Names of the KDCs' hosts, for realms whose KDC certificates do not name the realm (older
    /// AD): a certificate for a KDC (id-pkinit-KPKdc) at one of these hosts is then taken. Empty,
    /// only id-pkinit-san counts, because any host of the CA's could be named here.
    pub kdc_hosts: Vec<String>,
}

impl fmt::Debug for PkinitConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PkinitConfig")
            .field("anchors", &self.anchors)
            .field("groups", &self.groups)
            .field("kdc_hosts", &self.kdc_hosts)
            .finish_non_exhaustive()
    }
}

/// PKINIT in the middle of an AS exchange.
#[derive(Clone, Debug)]
pub struct Pkinit {
    config: Arc<PkinitConfig>,
    /// Groups not refused yet, the one in use first.
    groups: Vec<Group>,
    freshness_token: Option<Vec<u8>>,
    pending: Option<Pending>,
}

#[derive(Clone, Debug)]
struct Pending {
    key_pair: KeyPair,
    nonce: u32,
    /// The client's clock when it asked, which decides about the KDC's certificate.
    now: KerberosTime,
}

impl Pkinit {
    /// Starts with the first group.
    #[must_use]
    pub fn new(config: Arc<PkinitConfig>) -> Self {
        let groups = config.groups.clone();
        Self { config, groups, freshness_token: None, pending: None }
    }

    /// Takes the KDC's PA-AS-FRESHNESS (RFC 8070), to be sent back under the client's signature.
    pub fn set_freshness_token(&mut self, token: &[u8]) {
        self.freshness_token = Some(token.to_vec());
    }

    /// Takes the TD-DH-PARAMETERS of KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED and turns to the first
    /// group there that the client has too. `false` if there is none that it has not tried.
    ///
    /// # Errors
    /// [`PkinitError::Malformed`].
    pub fn change_group(&mut self, td_dh_parameters: &[u8]) -> Result<bool, PkinitError> {
        let offered: TdDhParameters<'_> = der::decode(td_dh_parameters)?;
        self.groups.drain(..self.groups.len().min(1));
        let mut offered = offered.iter().filter_map(|group| Group::from_algorithm(&group));
        let Some(at) = offered.find_map(|group| self.groups.iter().position(|ours| *ours == group))
        else {
            return Ok(false);
        };
        self.groups.swap(0, at);
        Ok(true)
    }

    /// PA-PK-AS-REQ for a request with this KDC-REQ-BODY and nonce, with a fresh key pair. The
    /// nonce of the PKAuthenticator is the body's: MIT's KDC answers with the one, Heimdal's with
    /// the other.
    ///
    /// # Errors
    /// [`PkinitError::Signing`], [`PkinitError::Agreement`], [`PkinitError::NoGroup`].
    pub fn request(
        &mut self,
        body: &[u8],
        nonce: u32,
        cx: &mut Context<'_>,
    ) -> Result<Vec<u8>, PkinitError> {
        let group = *self.groups.first().ok_or(PkinitError::NoGroup)?;
        let key_pair = KeyPair::generate(group, cx.rng)?;
        let now = cx.peer_time();
        let (sha1, sha256) = (Sha1::digest(body), Hash::Sha256.digest(body));
        let cms_types = SignatureAlgorithm::ALL.map(SignatureAlgorithm::identifier);
        let kdfs = Kdf::OFFERED.map(|kdf| KdfAlgorithmId { kdf_id: kdf.oid() });
        let auth_pack = der::encode(&AuthPack {
            pk_authenticator: PkAuthenticator {
                cusec: Microseconds(now.microseconds),
                ctime: now.seconds,
                nonce: UInt32::new(nonce),
                pa_checksum: Some(&sha1),
                freshness_token: self.freshness_token.as_deref(),
                pa_checksum2: Some(PaChecksum2 {
                    checksum: &sha256,
                    algorithm_identifier: Hash::Sha256.identifier(),
                }),
            },
            client_public_value: Some(Any(&key_pair.public_key_info())),
            supported_cms_types: Some(List::of(&cms_types)),
            client_dh_nonce: None,
            supported_kdfs: Some(List::of(&kdfs)),
        });
        let signed = match &self.config.signer {
            Some(signer) => signed_data::sign(&**signer, AUTH_DATA, &auth_pack, cx.rng)?,
            None => signed_data::unsigned(AUTH_DATA, &auth_pack),
        };
        self.pending = Some(Pending { key_pair, nonce, now: cx.now.seconds });
        Ok(der::encode(&PaPkAsReq {
            signed_auth_pack: &signed,
            trusted_certifiers: None,
            kdc_pk_id: None,
        }))
    }

    /// The reply key, if the reply is signed by the KDC of the client's realm and answers the last
    /// request. A request has one reply: the private key is gone afterwards.
    ///
    /// # Errors
    /// [`PkinitError`]: no request is pending, the KDC's message, certificate or public value is
    /// not to be believed, or it wants RSA key transport.
    pub fn reply_key(&mut self, key_use: &KeyUse<'_>) -> Result<Key, PkinitError> {
        let Pending { key_pair, nonce, now } = self.pending.take().ok_or(PkinitError::NoRequest)?;
        let info = match der::decode(key_use.pk_as_rep)? {
            PaPkAsRep::DhInfo(info) => info,
            PaPkAsRep::EncKeyPack(_) => return Err(PkinitError::KeyTransport),
        };
        let DhRepInfo { dh_signed_data, server_dh_nonce, kdf } = info;
        let opened = signed_data::open(dh_signed_data, DH_KEY_DATA, &self.config.anchors, now)?;
        let kdc = &opened.signer;
        let realm = &key_use.server.realm;
        let at_host = || self.config.kdc_hosts.iter().any(|host| kdc.is_kdc_at(host));
        if !kdc.names_kdc_of(realm) && !at_host() {
            return Err(PkinitError::NotTheKdc);
        }
        let key_info: KdcDhKeyInfo<'_> = der::decode(opened.content)?;
        // Without a clientDHNonce the KDC may not reuse its key, so nothing of that may come.
        if key_info.nonce.get() != nonce
            || key_info.dh_key_expiration.is_some()
            || server_dh_nonce.is_some()
        {
            return Err(PkinitError::OtherRequest);
        }
        let secret = key_pair.agree(key_info.subject_public_key.0)?;
        Ok(match kdf {
            None => octet_string_to_key(&secret, key_use.enctype)?,
            Some(KdfAlgorithmId { kdf_id }) => Kdf::OFFERED
                .into_iter()
                .find(|kdf| kdf.oid() == kdf_id)
                .ok_or(PkinitError::Kdf)?
                .reply_key(&secret, key_use)?,
        })
    }
}
