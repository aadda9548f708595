//! The AP exchange, service's side (RFC 4120 sections 3.2.3 and 3.2.4).

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use super::{ClientData, received_key};
use crate::asn1::{
    ApRep, ApReq, Authenticator, EncApRepPart, EncTicketPart, EncryptedData, EncryptionKey,
    SecretOctets,
};
use crate::authorization::find_pac;
use crate::credential::TicketTimes;
use crate::crypto::{CryptoError, Key, decrypt_with_any};
use crate::der::{self, DecodeError, Int, Microseconds, UInt32};
use crate::iana::{ApOptions, ChecksumType, EncType, ErrorCode, KeyUsage, TicketFlags};
use crate::{Credential, Principal, Random, Timestamp};

/// Finds the service's own keys that may be the ticket's, best first: by the name in the ticket, the
/// key version that the ticket names (a hint, and not every ticket has one), and enctype.
/// [`Keytab::keys`](crate::formats::Keytab::keys) is one. The ticket's integrity check decides; at
/// most [`MAX_CANDIDATES`](crate::crypto::MAX_CANDIDATES) are tried.
pub type KeyLookup<'a> = dyn Fn(&Principal, Option<u32>, EncType) -> Vec<Key> + 'a;

/// What a service verifies a request with.
#[derive(Clone, Copy)]
pub struct RequestPolicy<'a> {
    /// The service's own keys.
    pub keys: &'a KeyLookup<'a>,
    /// What the authenticator is encrypted for: [`KeyUsage::AP_REQ_AUTHENTICATOR`] by applications,
    /// [`KeyUsage::TGS_REQ_AUTHENTICATOR`] in a TGS-REQ, which a KDC reads.
    pub usage: KeyUsage,
    /// How many seconds clocks may differ; 300 is usual.
    pub skew: u32,
    /// The session keys of the service's own TGTs, the newest first, for clients that ask for
    /// user-to-user authentication: a client may hold a ticket for the TGT before the last renewal.
    /// The ticket then names as server whoever the KDC found that TGT to be of.
    pub user_to_user: &'a [Key],
    /// Tickets that passed through realms which the KDC did not check are taken;
    /// [`VerifiedRequest::path_checked`] tells them. KDCs of Active Directory check no path: whom they take
    /// from which realm shows in the PAC, and is by MS-KILE not for services to ask.
    pub unchecked_path: bool,
    /// Session keys and subkeys of RC4 are taken. It is broken: only for clients that have nothing
    /// else.
    pub danger_allow_rc4: bool,
}

impl<'a> RequestPolicy<'a> {
    /// With these keys, and for the rest what is usual.
    #[must_use]
    pub const fn new(keys: &'a KeyLookup<'a>) -> Self {
        Self {
            keys,
            usage: KeyUsage::AP_REQ_AUTHENTICATOR,
            skew: 300,
            user_to_user: &[],
            unchecked_path: false,
            danger_allow_rc4: false,
        }
    }
}

/// An AP-REQ that has been verified: the client holds the ticket's session key, now.
///
/// What is left to the caller is to refuse it the second time:
/// [`ReplayCache`](super::ReplayCache) tells by [`Self::time`] and [`Self::digest`].
#[derive(Debug)]
pub struct VerifiedRequest {
    /// Who the ticket is for.
    pub client: Principal,
    /// The service, as the ticket names it.
    pub server: Principal,
    /// The ticket, DER, as it was received.
    pub ticket: Vec<u8>,
    /// The key that the ticket opened with: the service's own, or in user-to-user its TGT's session key.
    /// The ticket's PAC is signed with it.
    pub ticket_key: Key,
    /// The ticket's session key.
    pub session_key: Key,
    /// The ticket's times.
    pub times: TicketTimes,
    /// The ticket's flags.
    pub flags: TicketFlags,
    /// The ticket's AuthorizationData, DER (the PAC is in there).
    pub authorization_data: Option<Vec<u8>>,
    /// What the client asks for.
    pub ap_options: ApOptions,
    /// The ticket passed through no other realms, or the KDC checked through which (RFC 4120 section 2.7).
    pub path_checked: bool,
    /// The authenticator's time.
    pub time: Timestamp,
    /// SHA-256 of the encrypted authenticator, which no two requests have in common.
    pub digest: [u8; 32],
    /// What MIT's replay caches know it by: the first octets of the checksum that the encrypted
    /// authenticator ends with (`rcache_file_format` in MIT's documentation).
    pub replay_tag: [u8; 12],
    /// The authenticator's checksum, not verified: what it covers is the application's business. Its
    /// key is the ticket's session key. Windows sends unkeyed ones in places, for which there is
    /// [`Key::danger_verify_checksum`].
    pub checksum: Option<(ChecksumType, Vec<u8>)>,
    /// The client's subkey.
    pub subkey: Option<Key>,
    /// The client's first sequence number.
    pub sequence_number: Option<u32>,
    /// What the client says of itself.
    pub client_data: ClientData,
}

impl VerifiedRequest {
    /// The client's ticket to the service as the service holds it: evidence that the client was
    /// here, for S4U2Proxy (MS-SFU 3.1.5.2.1).
    #[must_use]
    pub fn evidence(&self) -> Credential {
        Credential {
            client: self.client.clone(),
            server: self.server.clone(),
            session_key: self.session_key.clone(),
            times: self.times,
            flags: self.flags,
            ticket: self.ticket.clone(),
        }
    }

    /// Verifies an AP-REQ at the time `now`. Addresses in the ticket are not looked at.
    ///
    /// # Errors
    /// [`ApRequestError`].
    pub fn verify(
        message: &[u8],
        policy: &RequestPolicy<'_>,
        now: Timestamp,
    ) -> Result<Self, ApRequestError> {
        let request: ApReq<'_> = der::decode(message).map_err(ApRequestError::Malformed)?;
        let ap_options = ApOptions(request.ap_options.bits());
        let (received, ticket) = (request.ticket.der(), &*request.ticket);
        let server = ticket.sname.in_realm(ticket.realm);
        let kvno = ticket.enc_part.kvno.map(UInt32::get);
        let EncryptedData { etype, cipher, .. } = ticket.enc_part;
        let keys = if !ap_options.contains(ApOptions::USE_SESSION_KEY) {
            (policy.keys)(&server, kvno, etype)
        } else if policy.user_to_user.is_empty() {
            return Err(ApRequestError::UserToUser);
        } else {
            policy.user_to_user.to_vec()
        };
        let (ticket_key, plaintext) = decrypt_with_any(keys, etype, KeyUsage::TICKET, cipher)
            .ok_or(ApRequestError::NoKey)?
            .map_err(ApRequestError::Ticket)?;
        let ticket: EncTicketPart<'_> =
            der::decode(&plaintext).map_err(ApRequestError::Malformed)?;
        let session_key =
            received_key(&ticket.key, policy.danger_allow_rc4).map_err(ApRequestError::Ticket)?;

        if request.authenticator.etype != session_key.enctype() {
            return Err(ApRequestError::WrongEnctype);
        }
        let plaintext = session_key
            .decrypt(policy.usage, request.authenticator.cipher)
            .map_err(ApRequestError::Authenticator)?;
        let authenticator: Authenticator<'_> =
            der::decode(&plaintext).map_err(ApRequestError::Malformed)?;
        // The realm too: a client may share its name with another realm's.
        if authenticator.crealm != ticket.crealm
            || authenticator.cname.name_string != ticket.cname.name_string
        {
            return Err(ApRequestError::ClientMismatch);
        }
        let time = Timestamp { seconds: authenticator.ctime, microseconds: authenticator.cusec.0 };
        if time.seconds.unix().abs_diff(now.seconds.unix()) > u64::from(policy.skew) {
            return Err(ApRequestError::Skew);
        }
        let flags = TicketFlags(ticket.flags.bits());
        let times = TicketTimes {
            authtime: ticket.authtime,
            starttime: ticket.starttime.unwrap_or(ticket.authtime),
            endtime: ticket.endtime,
            renew_till: ticket.renew_till,
        };
        let skew = i64::from(policy.skew);
        if flags.contains(TicketFlags::INVALID) || now.seconds.plus_seconds(skew) < times.starttime
        {
            return Err(ApRequestError::NotYetValid);
        }
        if now.seconds.plus_seconds(-skew) > times.endtime {
            return Err(ApRequestError::Expired);
        }
        // RFC 4120 section 2.7: a path of realms must have been checked by the KDC or by us.
        let path_checked = ticket.transited.contents.is_empty()
            || flags.contains(TicketFlags::TRANSITED_POLICY_CHECKED);
        if !path_checked && !policy.unchecked_path {
            return Err(ApRequestError::PathNotChecked);
        }
        let client_data = match &authenticator.authorization_data {
            Some(data) => {
                ClientData::from_authorization_data(data).map_err(ApRequestError::Malformed)?
            }
            None => ClientData::default(),
        };
        Ok(Self {
            client: ticket.cname.in_realm(ticket.crealm),
            server,
            ticket: received.to_vec(),
            times,
            flags,
            authorization_data: ticket.authorization_data.map(|data| der::encode(&data)),
            ap_options,
            path_checked,
            time,
            digest: Sha256::digest(request.authenticator.cipher).into(),
            replay_tag: replay_tag(request.authenticator.cipher, session_key.checksum_len()),
            checksum: authenticator.cksum.map(|sum| (sum.cksumtype, sum.checksum.to_vec())),
            subkey: authenticator
                .subkey
                .map(|subkey| received_key(&subkey, policy.danger_allow_rc4))
                .transpose()
                .map_err(ApRequestError::Authenticator)?,
            sequence_number: authenticator.seq_number.map(UInt32::get),
            client_data,
            ticket_key,
            session_key,
        })
    }

    /// The ticket's PAC, as yet unverified; `None` if it has none.
    ///
    /// # Errors
    /// If the ticket's authorization data is malformed.
    pub fn pac(&self) -> Result<Option<&[u8]>, DecodeError> {
        let Some(data) = &self.authorization_data else { return Ok(None) };
        find_pac(&der::decode(data)?)
    }

    /// The AP-REP that proves the service's identity to the client (RFC 4120 section 3.2.4).
    #[must_use]
    pub fn reply(
        &self,
        subkey: Option<&Key>,
        sequence_number: Option<u32>,
        rng: &mut dyn Random,
    ) -> Vec<u8> {
        ap_reply(self.time, &self.session_key, subkey, sequence_number, rng)
    }
}

fn replay_tag(cipher: &[u8], checksum: usize) -> [u8; 12] {
    let checksum = &cipher[cipher.len().saturating_sub(checksum)..];
    let mut tag = [0; 12];
    let length = tag.len().min(checksum.len());
    tag[..length].copy_from_slice(&checksum[..length]);
    tag
}

/// The AP-REP to a request whose authenticator has this time.
pub(crate) fn ap_reply(
    time: Timestamp,
    session_key: &Key,
    subkey: Option<&Key>,
    sequence_number: Option<u32>,
    rng: &mut dyn Random,
) -> Vec<u8> {
    let part = der::encode_secret(&EncApRepPart {
        ctime: time.seconds,
        cusec: Microseconds(time.microseconds),
        subkey: subkey.map(|key| EncryptionKey {
            keytype: key.enctype(),
            keyvalue: SecretOctets(key.as_bytes()),
        }),
        seq_number: sequence_number.map(UInt32::new),
    });
    let cipher = session_key.encrypt(KeyUsage::AP_REP, &part, rng);
    der::encode(&ApRep {
        pvno: Int,
        msg_type: Int,
        enc_part: EncryptedData { etype: session_key.enctype(), kvno: None, cipher: &cipher },
    })
}

/// Why an AP-REQ was refused. All are the client's fault, or its KDC's, but [`Self::NoKey`].
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum ApRequestError {
    /// Not an AP-REQ, or what is encrypted in it is malformed.
    Malformed(DecodeError),
    /// The client asks for user-to-user authentication, which is not offered.
    UserToUser,
    /// The ticket is for a service or enctype that we have no key of.
    NoKey,
    /// The ticket decrypts with none of the service's keys; what the best of them said.
    Ticket(CryptoError),
    /// The authenticator does not decrypt with the ticket's session key.
    Authenticator(CryptoError),
    /// The authenticator claims another enctype than the ticket's session key has.
    WrongEnctype,
    /// The authenticator names another client than the ticket.
    ClientMismatch,
    /// The client's clock is too far from ours.
    Skew,
    /// The ticket is not valid yet.
    NotYetValid,
    /// The ticket has expired.
    Expired,
    /// The ticket went through realms that nobody checked.
    PathNotChecked,
}

impl ApRequestError {
    /// What to tell the client in a KRB-ERROR.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) | Self::UserToUser | Self::WrongEnctype => ErrorCode::GENERIC,
            Self::NoKey => ErrorCode::NOT_US,
            Self::Ticket(_) | Self::Authenticator(_) => ErrorCode::BAD_INTEGRITY,
            Self::ClientMismatch => ErrorCode::BADMATCH,
            Self::Skew => ErrorCode::SKEW,
            Self::NotYetValid => ErrorCode::TKT_NYV,
            Self::Expired => ErrorCode::TKT_EXPIRED,
            Self::PathNotChecked => ErrorCode::PATH_NOT_ACCEPTED,
        }
    }
}

impl fmt::Display for ApRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the client's AP-REQ is malformed: {error}"),
            Self::UserToUser => f.write_str("the client asks for user-to-user authentication"),
            Self::NoKey => f.write_str(
                "the keytab has no key for the service and enctype of the client's ticket",
            ),
            Self::Ticket(error) => {
                write!(f, "the client's ticket does not decrypt with the service's keys: {error}")
            }
            Self::Authenticator(error) => {
                write!(f, "the client did not prove that it knows its ticket's key: {error}")
            }
            Self::WrongEnctype => {
                f.write_str("the client's authenticator has another enctype than its ticket's key")
            }
            Self::ClientMismatch => {
                f.write_str("the client's authenticator names another client than its ticket")
            }
            Self::Skew => f.write_str("the client's clock is too far from this machine's"),
            Self::NotYetValid => f.write_str("the client's ticket is not valid yet"),
            Self::Expired => f.write_str("the client's ticket has expired"),
            Self::PathNotChecked => {
                f.write_str("the client's ticket passed through realms that its KDC did not check")
            }
        }
    }
}

impl core::error::Error for ApRequestError {}
