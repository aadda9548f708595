//! FAST around one request, at the KDC: out of its armor, and back into it.

use alloc::vec::Vec;
use core::fmt;

use super::{
    FastError, RequestPlaintext, armor_key, explicit_tgs_armor_key, seal_response, strengthened,
};
use crate::ap::{ApRequestError, RequestPolicy, VerifiedRequest};
use crate::asn1::{
    Checksum, EncryptionKey, KrbFastFinished, KrbFastReq, KrbFastResponse, PaData, SecretOctets,
};
use crate::crypto::{CryptoError, Key};
use crate::der::{DecodeError, KerberosString, List, Microseconds, UInt32};
use crate::iana::{ErrorCode, FastOptions, KeyUsage, PaType};
use crate::{Context, Principal, Timestamp};

/// A request that was opened, and the armor that its answer goes into.
pub struct KdcFast {
    armor_key: Key,
    plaintext: RequestPlaintext,
    options: FastOptions,
    nonce: u32,
}

/// What a reply in armor consists of.
pub struct SealedReply {
    /// The value of PA-FX-FAST, which is all of the reply's padata.
    pub fx_fast: Vec<u8>,
    /// The key that the encrypted part of the reply is sealed with.
    pub reply_key: Key,
}

impl KdcFast {
    /// Opens the PA-FX-FAST of an AS-REQ whose (outer) KDC-REQ-BODY this is. `policy` has the keys
    /// of the realm's ticket-granting service and of nobody else: no other ticket is armor.
    ///
    /// # Errors
    /// [`FastRequestError`].
    pub fn open_as(
        value: &[u8],
        body: &[u8],
        policy: &RequestPolicy<'_>,
        now: Timestamp,
    ) -> Result<Self, FastRequestError> {
        let armor = RequestPlaintext::armor(value)?.ok_or(FastRequestError::NoArmor)?;
        Self::open(armor_of(armor, policy, now)?, value, body)
    }

    /// Opens the PA-FX-FAST of a TGS-REQ whose PA-TGS-REQ, which was verified, is `ap_req` with this
    /// subkey and its ticket's session key. Armor beside that ticket is verified as in
    /// [`Self::open_as`].
    ///
    /// # Errors
    /// [`FastRequestError`].
    pub fn open_tgs(
        value: &[u8],
        ap_req: &[u8],
        subkey: Option<&Key>,
        session_key: &Key,
        policy: &RequestPolicy<'_>,
        now: Timestamp,
    ) -> Result<Self, FastRequestError> {
        let subkey = subkey.ok_or(FastRequestError::NoSubkey)?;
        let key = match RequestPlaintext::armor(value)? {
            Some(armor) => explicit_tgs_armor_key(&armor_of(armor, policy, now)?, subkey)?,
            None => armor_key(subkey, session_key)?,
        };
        Self::open(key, value, ap_req)
    }

    fn open(armor_key: Key, value: &[u8], bound_to: &[u8]) -> Result<Self, FastRequestError> {
        let plaintext = RequestPlaintext::open(&armor_key, value, bound_to)?;
        let unknown = plaintext.unknown_critical_options(FastOptions::HIDE_CLIENT_NAMES)?;
        if unknown != FastOptions::NONE {
            return Err(FastRequestError::UnknownOptions(unknown));
        }
        let request = plaintext.request()?;
        let options = FastOptions(request.fast_options.bits());
        let nonce = request.req_body.nonce.get();
        Ok(Self { armor_key, plaintext, options, nonce })
    }

    /// Padata and KDC-REQ-BODY, which stand for those outside.
    ///
    /// # Errors
    /// None: it was read before; [`DecodeError`] by its signature.
    pub fn request(&self) -> Result<KrbFastReq<'_>, DecodeError> {
        self.plaintext.request()
    }

    /// The armor key.
    #[must_use]
    pub fn armor_key(&self) -> &Key {
        &self.armor_key
    }

    /// Shall nobody see outside of the armor who the client is (hide-client-names)?
    #[must_use]
    pub fn hides_client(&self) -> bool {
        self.options.contains(FastOptions::HIDE_CLIENT_NAMES)
    }

    /// Puts a reply's padata into the armor, vouches for its client and `ticket` (its DER), and puts
    /// a key of the KDC's into `reply_key`.
    ///
    /// # Errors
    /// None for keys of the enctypes here; [`CryptoError`] by its signature.
    pub fn seal_reply(
        &self,
        padata: &[PaData<'_>],
        client: &Principal,
        ticket: &[u8],
        reply_key: &Key,
        cx: &mut Context<'_>,
    ) -> Result<SealedReply, CryptoError> {
        let strengthen_key = reply_key.generate_alike(cx.rng);
        let checksum = self.armor_key.checksum(KeyUsage::FAST_FINISHED, ticket);
        let response = KrbFastResponse {
            padata: List::of(padata),
            strengthen_key: Some(EncryptionKey {
                keytype: strengthen_key.enctype(),
                keyvalue: SecretOctets(strengthen_key.as_bytes()),
            }),
            finished: Some(KrbFastFinished {
                timestamp: cx.now.seconds,
                usec: Microseconds(cx.now.microseconds),
                crealm: KerberosString(&client.realm),
                cname: (&client.name).into(),
                ticket_checksum: Checksum {
                    cksumtype: self.armor_key.checksum_type(),
                    checksum: &checksum,
                },
            }),
            nonce: UInt32::new(self.nonce),
        };
        Ok(SealedReply {
            fx_fast: seal_response(&self.armor_key, &response, cx.rng),
            reply_key: strengthened(reply_key, &strengthen_key)?,
        })
    }

    /// Puts a KRB-ERROR (its DER, without e-data) and the METHOD-DATA that belong to it into the
    /// armor: the value of PA-FX-FAST in the e-data of the error outside.
    #[must_use]
    pub fn seal_error(&self, error: &[u8], padata: &[PaData<'_>], cx: &mut Context<'_>) -> Vec<u8> {
        let mut list = padata.to_vec();
        list.push(PaData { padata_type: PaType::FX_ERROR, padata_value: error });
        let response = KrbFastResponse {
            padata: List::of(&list),
            strengthen_key: None,
            finished: None,
            nonce: UInt32::new(self.nonce),
        };
        seal_response(&self.armor_key, &response, cx.rng)
    }
}

/// The armor key of FX_FAST_ARMOR_AP_REQUEST.
fn armor_of(
    ap_req: &[u8],
    policy: &RequestPolicy<'_>,
    now: Timestamp,
) -> Result<Key, FastRequestError> {
    let verified = VerifiedRequest::verify(ap_req, policy, now).map_err(FastRequestError::Armor)?;
    let subkey = verified.subkey.as_ref().ok_or(FastRequestError::NoSubkey)?;
    Ok(armor_key(subkey, &verified.session_key)?)
}

/// Why an armored request was refused. All are the client's fault, or an attacker's.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum FastRequestError {
    /// What is sealed does not hold.
    Fast(FastError),
    /// The ticket that armors it was refused.
    Armor(ApRequestError),
    /// An AS-REQ without armor, which has nothing else that a key could come from.
    NoArmor,
    /// The ticket that armors it came without a subkey.
    NoSubkey,
    /// Critical options that this KDC does not know.
    UnknownOptions(FastOptions),
}

impl FastRequestError {
    /// What to tell the client, as MIT's KDC does where the RFC says nothing.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Fast(FastError::Checksum(_)) => ErrorCode::MODIFIED,
            Self::Fast(FastError::Crypto(_) | FastError::EncType(_)) => ErrorCode::BAD_INTEGRITY,
            Self::Fast(FastError::ChecksumType(_)) | Self::NoSubkey => ErrorCode::POLICY,
            Self::Fast(_) | Self::NoArmor => ErrorCode::PREAUTH_FAILED,
            Self::Armor(ApRequestError::NoKey) => ErrorCode::SERVER_NOMATCH,
            Self::Armor(error) => error.code(),
            Self::UnknownOptions(_) => ErrorCode::UNKNOWN_CRITICAL_FAST_OPTIONS,
        }
    }
}

impl fmt::Display for FastRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fast(error) => write!(f, "FAST: {error}"),
            Self::Armor(error) => write!(f, "FAST: the ticket that is the armor: {error}"),
            Self::NoArmor => f.write_str("FAST: there is no armor"),
            Self::NoSubkey => f.write_str("FAST: the ticket that is the armor has no subkey"),
            Self::UnknownOptions(options) => {
                write!(f, "FAST: critical options that are not known: {options}")
            }
        }
    }
}

impl core::error::Error for FastRequestError {}

impl From<FastError> for FastRequestError {
    fn from(error: FastError) -> Self {
        Self::Fast(error)
    }
}

impl From<DecodeError> for FastRequestError {
    fn from(error: DecodeError) -> Self {
        Self::Fast(FastError::Malformed(error))
    }
}

impl From<CryptoError> for FastRequestError {
    fn from(error: CryptoError) -> Self {
        Self::Fast(FastError::Crypto(error))
    }
}
