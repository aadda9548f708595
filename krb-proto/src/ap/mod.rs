//! The AP exchange (RFC 4120 section 3.2): an AP-REQ that proves knowledge of a ticket's session
//! key ([`ApRequest`] at the client, [`VerifiedRequest`] at the service), and the AP-REP that
//! proves the same of the service. With the keys that come of it: KRB-SAFE, KRB-PRIV, KRB-CRED.

mod acceptor;
mod client_data;
mod cred;
mod protected;
mod replay;

#[cfg(any(feature = "kdc", test))]
pub(crate) use acceptor::ap_reply;
pub use acceptor::{ApRequestError, KeyLookup, RequestPolicy, VerifiedRequest};
pub use client_data::ClientData;
pub use cred::{KrbCredError, krb_cred, open_krb_cred};
pub use protected::{Due, ProtectedError, Stamp, krb_priv, krb_safe, open_krb_priv, open_krb_safe};
pub use replay::{ReplayCache, ReplayError};

use alloc::vec::Vec;
use core::fmt;

use crate::asn1::{
    ApRep, ApReq, Authenticator, Checksum, EncApRepPart, EncryptedData, EncryptionKey, SecretOctets,
};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, DecodeError, Encoded, Int, KerberosString, Microseconds, UInt32};
use crate::iana::{ApOptions, ChecksumType, EncType, KeyUsage};
use crate::{Context, Credential, Timestamp};

/// What goes into an AP-REQ beside the ticket.
pub struct ApReqOptions<'a> {
    /// Key usage of the authenticator: 11 for applications, 7 for a TGS-REQ.
    pub usage: KeyUsage,
    /// AP options, `MUTUAL_REQUIRED` among them if an AP-REP is wanted.
    pub ap_options: ApOptions,
    /// The authenticator's checksum.
    pub checksum: Option<(ChecksumType, &'a [u8])>,
    /// The initiator's subkey.
    pub subkey: Option<&'a Key>,
    /// The initiator's first sequence number.
    pub sequence_number: Option<u32>,
    /// AuthorizationData beside the ticket's, DER.
    pub authorization_data: Option<&'a [u8]>,
}

/// An AP-REQ and what is needed to verify the answer to it.
pub struct ApRequest {
    /// The AP-REQ, DER.
    pub message: Vec<u8>,
    /// The authenticator's time, which the AP-REP must repeat.
    pub time: Timestamp,
}

impl ApRequest {
    /// Builds an AP-REQ with a fresh authenticator.
    ///
    /// # Errors
    /// If the credential's ticket or the AuthorizationData is not DER.
    pub fn new(
        credential: &Credential,
        options: &ApReqOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Self, DecodeError> {
        let time = cx.peer_time();
        let authenticator = der::encode_secret(&Authenticator {
            authenticator_vno: Int,
            crealm: KerberosString(&credential.client.realm),
            cname: (&credential.client.name).into(),
            cksum: options.checksum.map(|(cksumtype, checksum)| Checksum { cksumtype, checksum }),
            cusec: Microseconds(time.microseconds),
            ctime: time.seconds,
            subkey: options.subkey.map(|key| EncryptionKey {
                keytype: key.enctype(),
                keyvalue: SecretOctets(key.as_bytes()),
            }),
            seq_number: options.sequence_number.map(UInt32::new),
            authorization_data: options.authorization_data.map(der::decode).transpose()?,
        });
        let key = &credential.session_key;
        let cipher = key.encrypt(options.usage, &authenticator, cx.rng);
        let message = der::encode(&ApReq {
            pvno: Int,
            msg_type: Int,
            ap_options: options.ap_options.0.into(),
            ticket: Encoded::from_der(&credential.ticket)?,
            authenticator: EncryptedData { etype: key.enctype(), kvno: None, cipher: &cipher },
        });
        Ok(Self { message, time })
    }

    /// Verifies the service's AP-REP (RFC 4120 section 3.2.5): decrypts it with the ticket's
    /// session key and compares its time with the authenticator's.
    ///
    /// # Errors
    /// [`ApReplyError`].
    pub fn verify_reply(&self, session_key: &Key, reply: &[u8]) -> Result<ApReply, ApReplyError> {
        let reply: ApRep<'_> = der::decode(reply).map_err(ApReplyError::Malformed)?;
        if reply.enc_part.etype != session_key.enctype() {
            return Err(ApReplyError::WrongEnctype);
        }
        let plaintext = session_key
            .decrypt(KeyUsage::AP_REP, reply.enc_part.cipher)
            .map_err(ApReplyError::Crypto)?;
        let part: EncApRepPart<'_> = der::decode(&plaintext).map_err(ApReplyError::Malformed)?;
        if (part.ctime, part.cusec.0) != (self.time.seconds, self.time.microseconds) {
            return Err(ApReplyError::NotForThisRequest);
        }
        // Whoever uses an RC4 session key has asked for RC4.
        let rc4 = session_key.enctype() == EncType::RC4_HMAC;
        let subkey = part
            .subkey
            .map(|subkey| received_key(&subkey, rc4))
            .transpose()
            .map_err(ApReplyError::Crypto)?;
        Ok(ApReply { subkey, sequence_number: part.seq_number.map(UInt32::get) })
    }
}

/// A key that the peer sent.
pub(crate) fn received_key(
    key: &EncryptionKey<'_>,
    danger_allow_rc4: bool,
) -> Result<Key, CryptoError> {
    match key.keytype {
        EncType::RC4_HMAC if danger_allow_rc4 => Key::danger_new_rc4(key.keyvalue.0),
        enctype => Key::new(enctype, key.keyvalue.0),
    }
}

/// What a verified AP-REP brought.
#[derive(Debug)]
pub struct ApReply {
    /// The acceptor's subkey.
    pub subkey: Option<Key>,
    /// The acceptor's first sequence number.
    pub sequence_number: Option<u32>,
}

/// Why an AP-REP was refused. All are the service's fault, or an attacker's on the way.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum ApReplyError {
    /// Not an AP-REP.
    Malformed(DecodeError),
    /// It cannot be decrypted with the session key, or names a key we do not take.
    Crypto(CryptoError),
    /// It claims another enctype than the session key has.
    WrongEnctype,
    /// It repeats another time than this request's: it answers another request.
    NotForThisRequest,
}

impl fmt::Display for ApReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the service's AP-REP is malformed: {error}"),
            Self::Crypto(error) => {
                write!(f, "the service did not prove that it knows the ticket's key: {error}")
            }
            Self::WrongEnctype => {
                f.write_str("the service's AP-REP has another enctype than the session key")
            }
            Self::NotForThisRequest => f.write_str("the service's AP-REP answers another request"),
        }
    }
}

impl core::error::Error for ApReplyError {}

#[cfg(test)]
mod tests;
