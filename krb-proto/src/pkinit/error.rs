use core::fmt;

use super::agreement::AgreementError;
use super::signed_data::SignedDataError;
use super::signer::SigningError;
use crate::crypto::CryptoError;
use crate::der::DecodeError;

/// Why PKINIT failed, by whose doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PkinitError {
    /// The KDC sent something that is not the message it should be.
    Malformed(DecodeError),
    /// What the KDC signed is not to be believed.
    SignedData(SignedDataError),
    /// Signed by somebody whom a trusted CA knows, but not as the KDC of this realm.
    NotTheKdc,
    /// The KDC's reply answers another request.
    OtherRequest,
    /// The KDC wants to send the key under the client's RSA key, which is not done here.
    KeyTransport,
    /// The KDC chose a key derivation function that was not offered.
    Kdf,
    /// No key could be agreed on.
    Agreement(AgreementError),
    /// The KDC takes no group that the client has.
    NoGroup,
    /// The client's own key does not sign.
    Signing(SigningError),
    /// The reply key is of no use.
    Crypto(CryptoError),
    /// The KDC had no part in the session key of nobody's ticket (PA-PKINIT-KX).
    NotContributed,
    /// A reply without a request.
    NoRequest,
    /// A request without a reply: the KDC's answer has no PA-PK-AS-REP.
    NoReply,
}

impl fmt::Display for PkinitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the KDC's PKINIT reply is malformed: {error}"),
            Self::SignedData(error) => write!(f, "the KDC's signed reply is refused: {error}"),
            Self::NotTheKdc => f.write_str(
                "the signer's certificate does not name the realm's KDC (id-pkinit-san); \
                 for KDCs known by host name, list their hosts (pkinit_kdc_hostname in krb5.conf)",
            ),
            Self::OtherRequest => f.write_str("the KDC's PKINIT reply answers another request"),
            Self::KeyTransport => {
                f.write_str("the KDC uses RSA key transport, which is not accepted")
            }
            Self::Kdf => f.write_str("the KDC chose a key derivation that was not offered"),
            Self::Agreement(error) => write!(f, "no key was agreed on: {error}"),
            Self::NoGroup => f.write_str("the KDC takes no Diffie-Hellman group of this side"),
            Self::Signing(error) => error.fmt(f),
            Self::Crypto(error) => write!(f, "the reply key cannot be used: {error}"),
            Self::NotContributed => f.write_str(
                "the KDC had no part in the session key (PA-PKINIT-KX), so that somebody between may \
                 know it",
            ),
            Self::NoRequest => f.write_str("a PKINIT reply without a request"),
            Self::NoReply => f.write_str("the KDC's answer proves nothing (no PA-PK-AS-REP)"),
        }
    }
}

impl core::error::Error for PkinitError {}

macro_rules! from {
    ($($error:ty => $variant:ident;)*) => {$(
        impl From<$error> for PkinitError {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}
from! {
    AgreementError => Agreement;
    CryptoError => Crypto;
    DecodeError => Malformed;
    SignedDataError => SignedData;
    SigningError => Signing;
}
