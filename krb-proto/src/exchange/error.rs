use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::asn1::{ErrorData, KrbError, PaData};
use crate::crypto::CryptoError;
use crate::der::{DecodeError, List};
use crate::iana::{EncType, ErrorCode, NtStatus, TicketFlags};
#[cfg(feature = "pkinit")]
use crate::pkinit::PkinitError;
use crate::preauth::S4uReplyError;
use crate::preauth::fast::FastError;
#[cfg(feature = "spake")]
use crate::preauth::spake::SpakeError;
use crate::{Principal, Timestamp};

/// Why an exchange failed, by whose doing.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The KDC sent something that is not the message it should be.
    Malformed(DecodeError),
    /// The KDC said no.
    Refused(KdcRefusal),
    /// The KDC's reply does not answer our request, or an attacker changed it.
    Mismatch(Mismatch),
    /// The KDC's reply cannot be decrypted, or the key that it gives, or says how to make, cannot be
    /// used.
    Crypto(CryptoError),
    /// A key of this side cannot be used.
    OwnKey(CryptoError),
    /// The KDC offers no enctype that we take.
    NoCommonEnctype,
    /// The KDC takes no pre-authentication that this side can do.
    NoCommonMechanism,
    /// The KDC wants a PIN beside the one-time password, which it has not been shown.
    PinWanted,
    /// The KDC asked for more round trips than any exchange needs.
    TooManyRounds,
    /// PKINIT failed.
    #[cfg(feature = "pkinit")]
    Pkinit(PkinitError),
    /// The key agreement of SPAKE failed.
    #[cfg(feature = "spake")]
    Spake(SpakeError),
    /// The KDCs refer us to one another without end.
    Referral(ReferralError),
    /// The caller's own ticket is of no use.
    OwnTicket(OwnTicketError),
    /// What was given to the exchange makes no message.
    OwnRequest(DecodeError),
    /// Misuse: a reply without a request. Each request takes one reply.
    NoReplyDue,
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the KDC's reply is malformed: {error}"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Mismatch(mismatch) => {
                write!(f, "the KDC's reply does not answer the request: {mismatch}")
            }
            Self::Crypto(error) => write!(f, "the KDC's reply cannot be used: {error}"),
            Self::OwnKey(error) => write!(f, "this side's own key cannot be used: {error}"),
            Self::NoCommonEnctype => f.write_str("the KDC offers no enctype that this side takes"),
            Self::NoCommonMechanism => {
                f.write_str("the KDC offers no pre-authentication that this side can do")
            }
            Self::PinWanted => f.write_str("the KDC wants a PIN beside the one-time password"),
            Self::TooManyRounds => f.write_str("the KDC asked for too many round trips"),
            #[cfg(feature = "pkinit")]
            Self::Pkinit(error) => error.fmt(f),
            #[cfg(feature = "spake")]
            Self::Spake(error) => write!(f, "SPAKE pre-authentication failed: {error}"),
            Self::Referral(error) => error.fmt(f),
            Self::OwnTicket(error) => write!(f, "this side's own ticket is of no use: {error}"),
            Self::OwnRequest(error) => write!(f, "this side's own request is malformed: {error}"),
            Self::NoReplyDue => f.write_str("the exchange was given a reply and awaits none"),
        }
    }
}

impl core::error::Error for ExchangeError {}

impl ExchangeError {
    /// No key could be made as the KDC says that it makes it: by the count that it names, or because
    /// none of that enctype is made of a password here, which was offered all the same.
    #[must_use]
    pub const fn of_hint(error: CryptoError) -> Self {
        match error {
            CryptoError::BadParameters | CryptoError::IterationCount => Self::Crypto(error),
            _ => Self::OwnKey(error),
        }
    }
}

impl From<OwnTicketError> for ExchangeError {
    fn from(error: OwnTicketError) -> Self {
        Self::OwnTicket(error)
    }
}

impl From<ReferralError> for ExchangeError {
    fn from(error: ReferralError) -> Self {
        Self::Referral(error)
    }
}

impl From<KdcRefusal> for ExchangeError {
    fn from(refusal: KdcRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Mismatch> for ExchangeError {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch(mismatch)
    }
}

impl From<FastError> for ExchangeError {
    fn from(error: FastError) -> Self {
        Self::Mismatch(Mismatch::Fast(error))
    }
}

#[cfg(feature = "spake")]
impl From<SpakeError> for ExchangeError {
    fn from(error: SpakeError) -> Self {
        Self::Spake(error)
    }
}

#[cfg(feature = "pkinit")]
impl From<PkinitError> for ExchangeError {
    fn from(error: PkinitError) -> Self {
        Self::Pkinit(error)
    }
}

/// Why a ticket that the caller gave is of no use.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum OwnTicketError {
    /// It is not for a ticket-granting service.
    NotTicketGranting,
    /// Armor that is not a ticket-granting ticket of the client's realm.
    NotOfTheRealm,
    /// It is not a ticket.
    Malformed(DecodeError),
    /// Its session key has an enctype that no request is made with.
    SessionKey(CryptoError),
}

impl fmt::Display for OwnTicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTicketGranting => f.write_str("it is not a ticket-granting ticket"),
            Self::NotOfTheRealm => {
                f.write_str("the armor is not a ticket-granting ticket of the client's realm")
            }
            Self::Malformed(error) => write!(f, "it is malformed: {error}"),
            Self::SessionKey(error) => write!(f, "its session key cannot be used: {error}"),
        }
    }
}

impl core::error::Error for OwnTicketError {}

/// Why a way over realms is not gone on with.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReferralError {
    /// It leads to this realm, which it has led through before.
    Loop(Vec<u8>),
    /// It leads through more realms than any does.
    TooLong,
}

impl fmt::Display for ReferralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loop(realm) => {
                let realm = String::from_utf8_lossy(realm);
                write!(f, "the KDCs' referrals lead in a circle, back to realm {realm:?}")
            }
            Self::TooLong => f.write_str("the KDCs' referrals lead through too many realms"),
        }
    }
}

impl core::error::Error for ReferralError {}

/// A KRB-ERROR, as far as it says why. Unless it came inside FAST it is not authenticated: it may
/// be an attacker's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KdcRefusal {
    /// The error code.
    pub code: ErrorCode,
    /// AD's reason, where it gave one.
    pub nt_status: Option<NtStatus>,
    /// The KDC's own words (e-text), printable characters only, cut to 256.
    pub text: Option<String>,
    /// The KDC's clock.
    pub server_time: Timestamp,
    /// The realm to which it knows no way, if that is what was asked: for a ticket-granting ticket for
    /// another realm, or in S4U2Self in a user's realm for the way back to ours.
    pub no_way_to: Option<Vec<u8>>,
}

impl KdcRefusal {
    /// From an error and the METHOD-DATA that came with it: in its e-data, or inside FAST beside it.
    pub(super) fn new(error: &KrbError<'_>, padata: List<'_, PaData<'_>>) -> Self {
        let text = error.e_text.map(|text| -> String {
            let text = String::from_utf8_lossy(text.0);
            text.chars().filter(|c| !c.is_control()).take(256).collect()
        });
        Self {
            code: error.error_code,
            nt_status: error
                .data()
                .and_then(|data| data.nt_status())
                .or_else(|| ErrorData::MethodData(padata).nt_status()),
            text: text.filter(|text| !text.is_empty()),
            server_time: Timestamp { seconds: error.stime, microseconds: error.susec.0 },
            no_way_to: None,
        }
    }
}

impl fmt::Display for KdcRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the KDC answered {} ({})", self.code, self.code.0)?;
        if let Some(status) = self.nt_status {
            write!(f, ", {status}")?;
        }
        if let Some(realm) = &self.no_way_to {
            let realm = String::from_utf8_lossy(realm);
            write!(f, ", it knows no way to realm {realm:?}")?;
        }
        if let Some(text) = &self.text {
            write!(f, ": {text:?}")?;
        }
        Ok(())
    }
}

/// In what a reply differs from what the request must be answered with (RFC 4120 sections 3.1.5
/// and 3.3.4, MS-SFU 3.1.5.1 and 3.1.5.2).
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Mismatch {
    /// Another nonce: the reply to another request.
    Nonce,
    /// Another client.
    Client {
        /// Who the ticket should be for.
        expected: Principal,
        /// Who it is for.
        found: Principal,
    },
    /// Another service.
    Server {
        /// The service asked for.
        expected: Principal,
        /// The one the ticket is for.
        found: Principal,
    },
    /// The ticket is for the service itself: the KDC does not know S4U and ignored it.
    S4uIgnored,
    /// A ticket for, or in, another realm, from a KDC that does not say that it knows resource-based
    /// delegation: one that does not may have taken the request for an ordinary one.
    NotResourceBased,
    /// An enctype that was not offered.
    EncType(EncType),
    /// The ticket is not valid now, or valid for longer than was asked.
    Times,
    /// The ticket may do more than was asked, or is not valid yet although it shall be: these flags.
    Flags(TicketFlags),
    /// The ticket is good from other addresses than those that were asked for.
    Addresses,
    /// The KDC's signature over our AS-REQ (RFC 6806 section 11) is missing or wrong.
    RequestChecksum,
    /// The KDC's copy of PA-S4U-X509-USER does not hold.
    S4uUser(S4uReplyError),
    /// FAST was asked for, and the reply does not hold in its armor.
    Fast(FastError),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nonce => f.write_str("wrong nonce"),
            Self::Client { expected, found } => {
                write!(f, "the ticket is for the client {found}, not {expected}")
            }
            Self::Server { expected, found } => {
                write!(f, "the ticket is for the service {found}, not {expected}")
            }
            Self::S4uIgnored => f.write_str("the KDC ignored the S4U request"),
            Self::NotResourceBased => f.write_str(
                "the KDC does not say that it knows resource-based delegation (PA-PAC-OPTIONS)",
            ),
            Self::EncType(enctype) => write!(f, "enctype {enctype} was not offered"),
            Self::Times => f.write_str("the ticket is not valid now, or longer than asked"),
            Self::Flags(flags) => write!(f, "the ticket was not asked to be {flags}"),
            Self::Addresses => f.write_str("the ticket is good from addresses that were not asked"),
            Self::RequestChecksum => f.write_str("the KDC's checksum over the request is wrong"),
            Self::S4uUser(error) => write!(f, "PA-S4U-X509-USER: {error}"),
            Self::Fast(error) => write!(f, "FAST: {error}"),
        }
    }
}
